-- title: Events by region
-- description: How many events each region and service has.
-- param: since timestamp 7d — from when on
SELECT awsRegion, eventSource, count(*) AS events, count_if(readOnly = false) AS writes
FROM $EDS_ID
WHERE eventTime >= :since
GROUP BY awsRegion, eventSource
ORDER BY events DESC, awsRegion, eventSource
