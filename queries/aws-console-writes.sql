-- title: Changes made by hand in the console
-- description: Writes that came from the AWS console: what no code describes.
-- param: since timestamp 7d — from when on
SELECT eventTime, userIdentity.arn, eventSource, eventName, awsRegion, errorCode
FROM $EDS_ID
WHERE sessionCredentialFromConsole = 'true' AND readOnly = false AND eventTime >= :since
ORDER BY eventTime DESC
