-- title: Errors of S3
-- description: Requests to S3 that failed, by bucket, operation and error.
-- param: since timestamp 7d — from when on
SELECT element_at(requestParameters, 'bucketName') AS bucket, eventName, errorCode, count(*) AS errors, count(DISTINCT sourceIPAddress) AS sources, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND errorCode IS NOT NULL AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY errors DESC, bucket, eventName
