-- title: History of security groups
-- description: All changes of the rules of a security group.
-- param: security_group varchar '%' — its ID, or a pattern
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, errorCode, userIdentity.arn, element_at(requestParameters, 'groupId') AS security_group, eventID
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com' AND eventTime >= :since AND element_at(requestParameters, 'groupId') LIKE :security_group
  AND eventName IN ('AuthorizeSecurityGroupIngress', 'AuthorizeSecurityGroupEgress', 'RevokeSecurityGroupIngress', 'RevokeSecurityGroupEgress', 'DeleteSecurityGroup')
ORDER BY security_group, eventTime DESC
