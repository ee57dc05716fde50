-- title: How objects are encrypted when they are put
-- description: Objects that were put in S3 by the kind of encryption that was used.
-- param: bucket varchar '%' — the bucket, or a pattern
-- param: since timestamp 7d — from when on
SELECT element_at(requestParameters, 'bucketName') AS bucket, coalesce(element_at(additionalEventData, 'SSEApplied'), 'none') AS encryption, count(*) AS objects
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventName = 'PutObject' AND errorCode IS NULL AND element_at(requestParameters, 'bucketName') LIKE :bucket AND eventTime >= :since
GROUP BY 1, 2
ORDER BY objects DESC, bucket
