-- title: Questions asked of the trail
-- description: The statements that were put to the trail, and by whom.
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: since timestamp 7d — from when on
SELECT eventTime, userName, sourceIPAddress, json_extract_scalar(requestParameters, '$.queryStatement') AS statement
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartQuery' AND userName LIKE :identity AND eventTime >= :since
ORDER BY eventTime DESC
