-- title: The most frequent errors
-- description: Error codes by service, with a message to begin from.
-- param: since timestamp 7d — from when on
SELECT eventSource, errorCode, count(*) AS errors, count(DISTINCT userIdentity.arn) AS principals, max(errorMessage) AS message
FROM $EDS_ID
WHERE errorCode IS NOT NULL AND eventTime >= :since
GROUP BY eventSource, errorCode
ORDER BY errors DESC, eventSource, errorCode
LIMIT 50
