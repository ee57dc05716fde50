-- title: Locks
-- description: Locks that were put and taken away: by whom or by which run, on whom, why and until when.
-- param: since timestamp 30d — from when on
SELECT c.eventTime AS locked, json_extract_scalar(c.responseElements, '$.lockId') AS lock_id, json_extract_scalar(c.requestParameters, '$.effect') AS effect,
  coalesce(json_extract_scalar(c.requestParameters, '$.identity'), json_extract_scalar(c.requestParameters, '$.roleName'), json_extract_scalar(c.requestParameters, '$.source'),
    json_extract_scalar(c.requestParameters, '$.keyFingerprint'), json_extract_scalar(c.requestParameters, '$.target'), json_extract_scalar(c.requestParameters, '$.login')) AS matches,
  coalesce(json_extract_scalar(c.requestParameters, '$.runId'), c.userName) AS locked_by,
  json_extract_scalar(c.requestParameters, '$.reason') AS reason, json_extract_scalar(c.requestParameters, '$.expires') AS expires,
  d.eventTime AS deleted, json_extract_scalar(d.requestParameters, '$.cause') AS cause
FROM CloudTrailLogs c
LEFT JOIN CloudTrailLogs d ON d.eventName = 'DeleteLock' AND json_extract_scalar(d.requestParameters, '$.lockId') = json_extract_scalar(c.responseElements, '$.lockId')
WHERE c.eventType = 'ActivityLog' AND c.eventName = 'CreateLock' AND c.errorCode IS NULL AND c.eventTime >= :since
ORDER BY c.eventTime DESC
