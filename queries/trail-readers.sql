-- title: Who read the trail
-- description: Queries, lookups, exports and log files fetched, by identity.
-- param: since timestamp 30d — from when on
SELECT userName, eventName, count(*) AS calls, count_if(errorCode IS NOT NULL) AS refused, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventTime >= :since
  AND eventName IN ('StartQuery', 'GetQueryResults', 'LookupEvents', 'GetObject', 'GetEvents', 'GetRecording')
GROUP BY userName, eventName
ORDER BY calls DESC, userName, eventName
