-- title: What an AWS access key did
-- description: Calls made with an access key, by service and operation, and how many of them failed.
-- param: access_key varchar '%' — an access key's ID, or a pattern
-- param: since timestamp 7d — from when on
SELECT userIdentity.accessKeyId AS access_key, eventSource, eventName, count(*) AS calls, count_if(errorCode IS NOT NULL) AS failed,
  array_join(array_sort(array_agg(DISTINCT sourceIPAddress)), ', ') AS sources, max(eventTime) AS latest
FROM $EDS_ID
WHERE userIdentity.accessKeyId LIKE :access_key AND eventSource LIKE '%.amazonaws.com' AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY calls DESC, access_key, eventSource, eventName
