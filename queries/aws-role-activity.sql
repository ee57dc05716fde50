-- title: What AWS roles do
-- description: Operations called under each role, most used first.
-- param: role varchar '%' — a role's ARN, or a pattern
-- param: since timestamp 7d — from when on
SELECT userIdentity.sessionContext.sessionIssuer.arn AS role, eventSource, eventName, count(*) AS calls, count_if(errorCode IS NOT NULL) AS failed
FROM $EDS_ID
WHERE userIdentity.type = 'AssumedRole' AND userIdentity.sessionContext.sessionIssuer.arn LIKE :role AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY calls DESC, role, eventSource, eventName
