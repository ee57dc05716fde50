-- title: Targets reached for the first time
-- description: First sessions of an identity on a target, for identities that are not new themselves.
-- param: since timestamp 7d — from when on
WITH firsts AS (
  SELECT userName, target, min(eventTime) AS first, count(*) AS sessions
  FROM CloudTrailLogs
  WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND errorCode IS NULL
  GROUP BY userName, target
), known AS (
  SELECT userName, min(first) AS since FROM firsts GROUP BY userName
)
SELECT f.first, f.userName, f.target, f.sessions
FROM firsts f
JOIN known k USING (userName)
WHERE f.first > k.since AND f.first >= :since
ORDER BY f.first DESC
