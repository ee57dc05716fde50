-- title: Sessions without an end
-- description: Sessions that began and have not ended.
-- param: since timestamp 7d — from when on
SELECT s.eventTime AS started, s.userName, s.login, s.target, s.sourceIPAddress, s.sessionId
FROM CloudTrailLogs s
WHERE s.eventType = 'ActivityLog' AND s.eventName = 'StartSession' AND s.errorCode IS NULL AND s.eventTime >= :since
  AND NOT EXISTS (SELECT 1 FROM CloudTrailLogs e WHERE e.eventName = 'EndSession' AND e.sessionId = s.sessionId)
ORDER BY s.eventTime DESC
