-- title: Security groups opened to everyone
-- description: Rules of security groups that let any address in.
-- param: since timestamp 30d — from when on
SELECT eventTime, element_at(requestParameters, 'groupId') AS security_group, userIdentity.arn, sourceIPAddress,
  element_at(requestParameters, 'ipPermissions') AS rule
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com' AND eventName = 'AuthorizeSecurityGroupIngress' AND errorCode IS NULL AND eventTime >= :since
  AND regexp_like(element_at(requestParameters, 'ipPermissions'), '0\.0\.0\.0/0|::/0')
UNION ALL
SELECT eventTime, json_extract_scalar(element_at(requestParameters, 'ModifySecurityGroupRulesRequest'), '$.GroupId'), userIdentity.arn, sourceIPAddress,
  element_at(requestParameters, 'ModifySecurityGroupRulesRequest')
FROM $EDS_ID
WHERE eventSource = 'ec2.amazonaws.com' AND eventName = 'ModifySecurityGroupRules' AND errorCode IS NULL AND eventTime >= :since
  AND regexp_like(element_at(requestParameters, 'ModifySecurityGroupRulesRequest'), '0\.0\.0\.0/0|::/0')
ORDER BY eventTime DESC
