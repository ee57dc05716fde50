-- title: Sessions without MFA
-- description: SSH sessions that began without a second factor.
-- param: since timestamp 7d — from when on
SELECT eventTime, userName, login, target, sourceIPAddress, sessionId
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND mfaAuthenticated = 'false' AND errorCode IS NULL AND eventTime >= :since
ORDER BY eventTime DESC
