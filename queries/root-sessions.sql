-- title: Sessions as root
-- description: Sessions whose login on the target is root, and who was behind them.
-- param: since timestamp 30d — from when on
SELECT eventTime, userName, target, sourceIPAddress, mfaAuthenticated AS mfa, sessionId
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND login = 'root' AND errorCode IS NULL AND eventTime >= :since
ORDER BY eventTime DESC
