-- title: Snapshots without encryption
-- description: Snapshots of volumes that were made without encryption.
-- param: since timestamp 30d — from when on
SELECT eventTime, awsRegion, element_at(responseElements, 'snapshotId') AS snapshot, element_at(responseElements, 'volumeId') AS volume, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com' AND eventName = 'CreateSnapshot' AND errorCode IS NULL
  AND element_at(responseElements, 'encrypted') = 'false' AND eventTime >= :since
ORDER BY eventTime DESC
