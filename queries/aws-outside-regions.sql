-- title: AWS events outside permitted regions
-- description: Calls to regions that nobody should use; name those that are permitted, with commas between.
-- param: regions varchar 'eu-central-1,us-east-1' — permitted regions, with commas between
-- param: since timestamp 7d — from when on
SELECT awsRegion, userIdentity.arn, eventSource, eventName, count(*) AS calls, max(eventTime) AS latest
FROM $EDS_ID
WHERE NOT contains(split(:regions, ','), awsRegion) AND eventTime >= :since
GROUP BY 1, 2, 3, 4
ORDER BY calls DESC, awsRegion, eventName
