-- title: Addresses that several identities use
-- description: Addresses from which more than one identity logged in: an office, a jump host, or one person with two keys.
-- param: since timestamp 30d — from when on
SELECT sourceIPAddress, count(DISTINCT userName) AS identities, array_join(array_sort(array_agg(DISTINCT userName)), ', ') AS who, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'Login' AND errorCode IS NULL AND eventTime >= :since
GROUP BY sourceIPAddress
HAVING count(DISTINCT userName) > 1
ORDER BY identities DESC, sourceIPAddress
