-- title: Targets that could not be reached
-- description: Connections to targets that failed, by target and reason; a host key that does not match is an attack or a rebuilt server.
-- param: since timestamp 7d — from when on
SELECT target, errorCode, count(*) AS failures, max(errorMessage) AS message, min(eventTime) AS first, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'ConnectTarget' AND errorCode IS NOT NULL AND eventTime >= :since
GROUP BY target, errorCode
ORDER BY failures DESC, target
