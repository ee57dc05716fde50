-- title: Access by AWS Support
-- description: Calls in which AWS Support took a role of yours.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, awsRegion, element_at(resources, 1).arn AS resource, userIdentity.invokedBy, recipientAccountId
FROM $EDS_ID
WHERE eventSource = 'sts.amazonaws.com' AND (userAgent = 'support.amazonaws.com' OR userIdentity.invokedBy = 'support.amazonaws.com') AND eventTime >= :since
ORDER BY eventTime DESC
