-- title: AWS roles that an access key assumed
-- description: Which roles were assumed with which access key, and what the sessions are called.
-- param: access_key varchar '%' — an access key's ID, or a pattern
-- param: since timestamp 30d — from when on
SELECT eventTime, userIdentity.accessKeyId AS access_key, userIdentity.arn, element_at(requestParameters, 'roleArn') AS role,
  element_at(requestParameters, 'roleSessionName') AS session, sourceIPAddress
FROM $EDS_ID
WHERE eventSource = 'sts.amazonaws.com' AND eventName = 'AssumeRole' AND errorCode IS NULL
  AND userIdentity.accessKeyId LIKE :access_key AND eventTime >= :since
ORDER BY eventTime DESC
