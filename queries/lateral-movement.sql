-- title: Many targets in an hour
-- description: Identities that reached several targets within one hour: an administrator at work, or somebody moving on.
-- param: targets bigint 3 — how many targets make a line
-- param: since timestamp 7d — from when on
SELECT date_trunc('hour', eventTime) AS hour, userName, count(DISTINCT target) AS targets, count(*) AS sessions,
  array_join(array_sort(array_agg(DISTINCT target)), ', ') AS which
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND errorCode IS NULL AND eventTime >= :since
GROUP BY 1, 2
HAVING count(DISTINCT target) >= :targets
ORDER BY hour DESC, userName
