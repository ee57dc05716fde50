-- title: Databases that were made
-- description: RDS instances as they were made: engine, class, zone, performance insights, and whether the public can reach them.
-- param: engine varchar '%' — the engine, or a pattern: aurora-postgresql, %mysql%
-- param: since timestamp 30d — from when on
SELECT eventTime, element_at(requestParameters, 'dBInstanceIdentifier') AS database, element_at(requestParameters, 'engine') AS engine,
  element_at(requestParameters, 'engineVersion') AS version, element_at(requestParameters, 'dBInstanceClass') AS class, element_at(requestParameters, 'availabilityZone') AS zone,
  element_at(requestParameters, 'enablePerformanceInsights') AS performance_insights, element_at(responseElements, 'publiclyAccessible') AS public, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 'rds.amazonaws.com' AND eventName = 'CreateDBInstance' AND errorCode IS NULL
  AND element_at(requestParameters, 'engine') LIKE :engine AND eventTime >= :since
ORDER BY eventTime DESC
