-- title: Sources seen for the first time
-- description: Addresses from which an identity logged in for the first time, having used others before.
-- param: since timestamp 7d — from when on
WITH firsts AS (
  SELECT userName, sourceIPAddress, min(eventTime) AS first, count(*) AS logins
  FROM CloudTrailLogs
  WHERE eventType = 'ActivityLog' AND eventName = 'Login' AND errorCode IS NULL
  GROUP BY userName, sourceIPAddress
), ranked AS (
  SELECT userName, sourceIPAddress, first, logins, row_number() OVER (PARTITION BY userName ORDER BY first) AS n,
    lag(sourceIPAddress) OVER (PARTITION BY userName ORDER BY first) AS before
  FROM firsts
)
SELECT first, userName, sourceIPAddress, before, logins
FROM ranked
WHERE n > 1 AND first >= :since
ORDER BY first DESC
