-- title: Forwarded agents and displays
-- description: Sessions in which a client lent its agent or its display to a target.
-- param: since timestamp 7d — from when on
SELECT eventTime, eventName, errorCode, userName, login, target, sessionId
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName IN ('ForwardAgent', 'ForwardX11') AND eventTime >= :since
ORDER BY eventTime DESC
