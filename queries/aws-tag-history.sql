-- title: History of tags
-- description: Tags of EC2 resources as they were put and removed.
-- param: resource varchar '%' — the resource's ID, or a pattern
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, json_extract_scalar(eventJson, '$.requestParameters.resourcesSet.items[0].resourceId') AS resource,
  json_extract_scalar(eventJson, '$.requestParameters.tagSet.items[0].key') AS key, json_extract_scalar(eventJson, '$.requestParameters.tagSet.items[0].value') AS value, userIdentity.arn
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com' AND eventName IN ('CreateTags', 'DeleteTags') AND errorCode IS NULL AND eventTime >= :since
  AND json_extract_scalar(eventJson, '$.requestParameters.resourcesSet.items[0].resourceId') LIKE :resource
ORDER BY resource, eventTime DESC
