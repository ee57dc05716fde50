-- title: Access denied by policy
-- description: Who was refused which login on which target, how often and why.
-- param: since timestamp 7d — from when on
SELECT userName, login, target, count(*) AS attempts, count(DISTINCT sourceIPAddress) AS sources,
  max(json_extract_scalar(serviceEventDetails, '$.reason')) AS reason, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'AuthorizeSecurityGroupIngress' AND errorCode = 'AccessDenied' AND eventTime >= :since
GROUP BY userName, login, target
ORDER BY attempts DESC, userName, login, target
