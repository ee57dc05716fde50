-- title: Sessions that were ended
-- description: Sessions that an administrator, a run or a lock ended, and what their people read.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, userName, coalesce(sessionId, json_extract_scalar(requestParameters, '$.sessionId')) AS session,
  coalesce(json_extract_scalar(requestParameters, '$.message'), json_extract_scalar(responseElements, '$.cause')) AS message,
  coalesce(json_extract_scalar(requestParameters, '$.runId'), json_extract_scalar(serviceEventDetails, '$.lockId')) AS because_of
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventTime >= :since
  AND (eventName = 'TerminateSession' OR eventName = 'EndSession' AND json_extract_scalar(serviceEventDetails, '$.lockId') IS NOT NULL)
ORDER BY eventTime DESC, seq DESC
