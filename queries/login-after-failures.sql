-- title: Logins that followed failures
-- description: Logins from an address whose logins had failed in the hour before: a guess that worked, or somebody with the wrong key.
-- param: since timestamp 7d — from when on
SELECT l.eventTime, l.userName, l.sourceIPAddress, count(*) AS failures, min(f.eventTime) AS first_failure
FROM CloudTrailLogs l
JOIN CloudTrailLogs f ON f.sourceIPAddress = l.sourceIPAddress
  AND f.eventTime BETWEEN l.eventTime - INTERVAL '1' HOUR AND l.eventTime
WHERE l.eventType = 'ActivityLog' AND l.eventName = 'Login' AND l.errorCode IS NULL AND l.eventTime >= :since
  AND f.eventType = 'ActivityLog' AND f.eventName = 'Login' AND f.errorCode = 'AuthenticationFailed'
GROUP BY l.eventTime, l.userName, l.sourceIPAddress
ORDER BY l.eventTime DESC
