-- title: Runs and their steps
-- description: What runs did about alarms: each step, with what came of it.
-- param: since timestamp 7d — from when on
SELECT s.eventTime, json_extract_scalar(r.requestParameters, '$.runbookId') AS runbook, json_extract_scalar(s.requestParameters, '$.runId') AS run,
  json_extract_scalar(s.requestParameters, '$.step') AS step, json_extract_scalar(s.requestParameters, '$.action') AS action,
  json_extract_scalar(s.responseElements, '$.result') AS result, json_extract_scalar(s.responseElements, '$.detail') AS detail
FROM CloudTrailLogs s
LEFT JOIN CloudTrailLogs r ON r.eventName = 'StartRun' AND json_extract_scalar(r.requestParameters, '$.runId') = json_extract_scalar(s.requestParameters, '$.runId')
WHERE s.eventType = 'ActivityLog' AND s.eventName = 'ExecuteStep' AND s.eventTime >= :since
ORDER BY s.eventTime DESC, s.seq DESC
