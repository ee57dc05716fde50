-- title: What is done in S3 buckets
-- description: Operations on a bucket by principal, with those that failed.
-- param: bucket varchar '%' — the bucket, or a pattern
-- param: access_key varchar '%' — an access key's ID, or a pattern
-- param: since timestamp 7d — from when on
SELECT element_at(requestParameters, 'bucketName') AS bucket, eventName, userIdentity.arn, count(*) AS calls, count_if(errorCode IS NOT NULL) AS failed
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND element_at(requestParameters, 'bucketName') LIKE :bucket AND coalesce(userIdentity.accessKeyId, '') LIKE :access_key AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY calls DESC, bucket, eventName, userIdentity.arn
