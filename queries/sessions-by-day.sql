-- title: Sessions by day
-- description: How many sessions, identities and targets each day has, and how many were without MFA.
-- param: since timestamp 30d — from when on
SELECT date(eventTime) AS day, count(*) AS sessions, count(DISTINCT userName) AS identities, count(DISTINCT target) AS targets,
  count_if(mfaAuthenticated = 'false') AS without_mfa
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND errorCode IS NULL AND eventTime >= :since
GROUP BY 1
ORDER BY day DESC
