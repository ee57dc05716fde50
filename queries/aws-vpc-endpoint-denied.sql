-- title: Calls that VPC endpoints refused
-- description: Network activity that the policy of a VPC endpoint denied.
-- param: service varchar '%' — a service's name such as s3.amazonaws.com, or a pattern
-- param: since timestamp 7d — from when on
SELECT vpcEndpointId, eventSource, eventName, userIdentity.accountId, sourceIPAddress, count(*) AS denied, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventCategory = 'NetworkActivity' AND errorCode = 'VpceAccessDenied' AND eventSource LIKE :service AND eventTime >= :since
GROUP BY 1, 2, 3, 4, 5
ORDER BY denied DESC, vpcEndpointId, eventName
