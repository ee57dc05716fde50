-- title: S3 requests that need ACLs
-- description: Requests that were let through by an access control list: what breaks when ACLs are turned off.
-- param: since timestamp 7d — from when on
SELECT element_at(requestParameters, 'bucketName') AS bucket, userIdentity.arn, eventName, count(*) AS requests
FROM $EDS_ID
WHERE eventSource = 's3.amazonaws.com' AND element_at(additionalEventData, 'aclRequired') = 'Yes' AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY requests DESC, bucket
