-- title: Commands of a session
-- description: What was run: the commands that came over SSH, with the status each ended with.
-- param: session varchar '%' — the session's ID, or a pattern
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: since timestamp 7d — from when on
SELECT c.eventTime, c.userName, c.login, c.target, c.sessionId, json_extract_scalar(c.requestParameters, '$.command') AS command,
  CAST(json_extract_scalar(e.responseElements, '$.exitStatus') AS bigint) AS status
FROM CloudTrailLogs c
LEFT JOIN CloudTrailLogs e ON e.sessionId = c.sessionId AND e.eventName = 'CloseChannel'
  AND json_extract_scalar(e.requestParameters, '$.channel') = json_extract_scalar(c.requestParameters, '$.channel')
WHERE c.eventType = 'ActivityLog' AND c.eventName = 'ExecuteCommand' AND c.sessionId LIKE :session AND c.userName LIKE :identity AND c.eventTime >= :since
ORDER BY c.eventTime, c.seq
