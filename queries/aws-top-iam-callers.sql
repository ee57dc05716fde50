-- title: Who calls IAM the most
-- description: Calls of IAM by principal and operation: who may run into its limits.
-- param: since timestamp 7d — from when on
SELECT userIdentity.principalId, eventName, recipientAccountId, count(*) AS calls
FROM $EDS_ID
WHERE eventSource = 'iam.amazonaws.com' AND userIdentity.principalId IS NOT NULL AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY calls DESC, userIdentity.principalId, eventName
