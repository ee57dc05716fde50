-- title: Who watched recordings
-- description: Recordings that were replayed or exported, whose they are, and by whom.
-- param: since timestamp 30d — from when on
SELECT g.eventTime, g.userName AS watched_by, json_extract_scalar(g.requestParameters, '$.format') AS format,
  s.userName AS recorded, s.target, s.sessionId
FROM CloudTrailLogs g
LEFT JOIN CloudTrailLogs s ON s.eventName = 'StartSession' AND s.sessionId = json_extract_scalar(g.requestParameters, '$.sessionId')
WHERE g.eventType = 'ActivityLog' AND g.eventName = 'GetRecording' AND g.eventTime >= :since
ORDER BY g.eventTime DESC
