-- title: Alarms
-- description: Alarms as their states changed: which runbook, about what, why.
-- param: since timestamp 7d — from when on
SELECT eventTime, json_extract_scalar(requestParameters, '$.runbookId') AS runbook, json_extract_scalar(requestParameters, '$.key') AS key,
  json_extract_scalar(requestParameters, '$.previousState') AS was, json_extract_scalar(requestParameters, '$.state') AS state,
  json_extract_scalar(requestParameters, '$.severity') AS severity, json_extract_scalar(requestParameters, '$.reason') AS reason
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'SetAlarmState' AND eventTime >= :since
ORDER BY eventTime DESC, seq DESC
