-- title: Databases deleted without a snapshot
-- description: RDS databases that were deleted with no final snapshot.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, coalesce(element_at(requestParameters, 'dBInstanceIdentifier'), element_at(requestParameters, 'dBClusterIdentifier')) AS database, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 'rds.amazonaws.com' AND eventName IN ('DeleteDBInstance', 'DeleteDBCluster') AND errorCode IS NULL
  AND element_at(requestParameters, 'skipFinalSnapshot') = 'true' AND eventTime >= :since
ORDER BY eventTime DESC
