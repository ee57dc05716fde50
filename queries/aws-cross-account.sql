-- title: AWS access across accounts
-- description: Calls by principals of one account to resources of another.
-- param: since timestamp 7d — from when on
SELECT userIdentity.accountId AS caller, recipientAccountId AS called, userIdentity.principalId, eventSource, eventName, count(*) AS calls, max(eventTime) AS latest
FROM $EDS_ID
WHERE userIdentity.accountId <> recipientAccountId AND eventTime >= :since
GROUP BY 1, 2, 3, 4, 5
ORDER BY calls DESC, caller, eventName
