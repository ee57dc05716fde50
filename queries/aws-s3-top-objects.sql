-- title: S3 objects that are read the most
-- description: Objects by the number of times they were fetched.
-- param: bucket varchar '%' — the bucket, or a pattern
-- param: since timestamp 7d — from when on
SELECT element_at(requestParameters, 'bucketName') AS bucket, element_at(requestParameters, 'key') AS key, count(*) AS reads, count(DISTINCT userIdentity.arn) AS readers
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventName = 'GetObject' AND errorCode IS NULL AND element_at(requestParameters, 'bucketName') LIKE :bucket AND eventTime >= :since
GROUP BY 1, 2
ORDER BY reads DESC, bucket, key
LIMIT 100
