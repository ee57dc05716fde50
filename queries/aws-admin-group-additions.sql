-- title: Users added to groups of administrators
-- description: Who was added to a group with admin in its name, and by whom.
-- param: since timestamp 30d — from when on
SELECT eventTime, element_at(requestParameters, 'userName') AS added, element_at(requestParameters, 'groupName') AS to_group, userIdentity.arn AS added_by, sourceIPAddress
FROM $EDS_ID
WHERE eventSource = 'iam.amazonaws.com' AND eventName = 'AddUserToGroup' AND errorCode IS NULL
  AND lower(element_at(requestParameters, 'groupName')) LIKE '%admin%' AND eventTime >= :since
ORDER BY eventTime DESC
