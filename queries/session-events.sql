-- title: What happened in a session
-- description: All events of a session in their order, from its start to its end.
-- param: session varchar '%' — the session's ID, or a pattern
SELECT eventTime, sessionId, eventName, errorCode, target, login, requestParameters, responseElements
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND sessionId LIKE :session
ORDER BY sessionId, seq
