-- title: Changes in IAM
-- description: Users, roles, access keys and policies of IAM that were made, changed or removed.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, errorCode, coalesce(element_at(requestParameters, 'userName'), element_at(requestParameters, 'roleName'),
    element_at(requestParameters, 'groupName'), element_at(requestParameters, 'policyName')) AS about, userIdentity.type, userIdentity.arn AS changed_by
FROM $EDS_ID
WHERE eventSource = 'iam.amazonaws.com' AND readOnly = false AND eventTime >= :since
ORDER BY eventTime DESC
