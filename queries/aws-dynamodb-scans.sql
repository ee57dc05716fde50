-- title: Scans of DynamoDB tables
-- description: Tables that are read as a whole, and by whom.
-- param: since timestamp 7d — from when on
SELECT element_at(requestParameters, 'tableName') AS table_name, userIdentity.arn, count(*) AS scans, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventSource = 'dynamodb.amazonaws.com' AND lower(eventName) = 'scan' AND eventTime >= :since
GROUP BY 1, 2
ORDER BY scans DESC, table_name
