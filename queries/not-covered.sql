-- title: What was not covered
-- description: Gaps, clock steps, policies that failed, and recordings that were lost: where the trail says less than it should.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, coalesce(json_extract_scalar(requestParameters, '$.what'), json_extract_scalar(requestParameters, '$.policyName'), sessionId) AS what,
  coalesce(json_extract_scalar(requestParameters, '$.reason'), json_extract_scalar(responseElements, '$.reason')) AS reason
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName IN ('DetectGap', 'StepClock', 'FailPolicy', 'LoseRecording') AND eventTime >= :since
ORDER BY eventTime DESC
