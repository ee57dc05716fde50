-- title: Failovers, reboots and restores of databases
-- description: What happened to RDS databases, and who did it.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, coalesce(element_at(requestParameters, 'dBClusterIdentifier'), element_at(requestParameters, 'dBInstanceIdentifier')) AS database,
  element_at(requestParameters, 'sourceDBClusterIdentifier') AS restored_from, coalesce(userIdentity.sessionContext.sessionIssuer.userName, userIdentity.userName) AS who, awsRegion
FROM $EDS_ID
WHERE eventSource = 'rds.amazonaws.com' AND errorCode IS NULL AND eventTime >= :since
  AND eventName IN ('FailoverDBCluster', 'RebootDBInstance', 'RebootDBCluster', 'RestoreDBClusterToPointInTime', 'RestoreDBInstanceToPointInTime')
ORDER BY eventTime DESC
