-- title: Who reached a target
-- description: Every identity that had a session on a target, with the first, the latest and the logins used.
-- param: target varchar '%' — which target, or a pattern
-- param: since timestamp 30d — from when on
SELECT target, userName, count(*) AS sessions, array_join(array_sort(array_agg(DISTINCT login)), ', ') AS logins,
  min(eventTime) AS first, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND errorCode IS NULL AND target LIKE :target AND eventTime >= :since
GROUP BY target, userName
ORDER BY target, sessions DESC, userName
