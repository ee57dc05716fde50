-- title: SSH session, then AWS
-- description: What an identity did in AWS while, or shortly after, it had an SSH session: AWS's events by the same principal or from the same address.
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: minutes bigint 60 — how long after a session's start AWS's events count
-- param: since timestamp 7d — from when on
SELECT s.eventTime AS session_started, s.userName, s.target, s.sessionId, a.eventTime, a.eventSource, a.eventName, a.errorCode, a.awsRegion,
  CASE WHEN a.userArn = s.userArn THEN 'principal' ELSE 'address' END AS same
FROM CloudTrailLogs s
JOIN CloudTrailLogs a ON a.eventTime >= s.eventTime AND a.eventTime < date_add('minute', :minutes, s.eventTime)
  AND (a.userArn = s.userArn OR a.sourceIPAddress = s.sourceIPAddress)
WHERE s.eventType = 'ActivityLog' AND s.eventName = 'StartSession' AND s.errorCode IS NULL AND s.userName LIKE :identity AND s.eventTime >= :since
  AND a.eventSource LIKE '%.amazonaws.com' AND a.eventType LIKE 'Aws%'
ORDER BY s.eventTime DESC, a.eventTime, a.eventName
