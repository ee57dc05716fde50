-- title: EC2 instances and who launched them
-- description: Instances by ID, with the principal that launched them.
-- param: instance varchar '%' — an instance's ID, or a pattern
-- param: since timestamp 30d — from when on
SELECT eventTime, recipientAccountId, awsRegion, json_extract_scalar(instance, '$.instanceId') AS instance,
  json_extract_scalar(instance, '$.instanceType') AS type, arn, sourceIPAddress
FROM (
  SELECT eventTime, recipientAccountId, awsRegion, userIdentity.arn AS arn, sourceIPAddress, element_at(responseElements, 'instancesSet') AS launched
  FROM $EDS_ID
  WHERE eventSource = 'ec2.amazonaws.com' AND eventName = 'RunInstances' AND errorCode IS NULL AND eventTime >= :since
) CROSS JOIN UNNEST(CAST(json_extract(launched, '$.items') AS array(json))) AS t(instance)
WHERE json_extract_scalar(instance, '$.instanceId') LIKE :instance
ORDER BY eventTime DESC, instance
