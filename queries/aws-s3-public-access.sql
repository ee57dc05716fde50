-- title: Changes to S3's public access blocks
-- description: Blocks of public access that were put, changed or removed.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, errorCode, element_at(requestParameters, 'bucketName') AS bucket, element_at(requestParameters, 'PublicAccessBlockConfiguration') AS settings, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND eventTime >= :since
  AND eventName IN ('PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock', 'PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock')
ORDER BY eventTime DESC
