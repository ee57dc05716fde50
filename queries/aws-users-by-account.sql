-- title: Principals by account
-- description: How many events each principal of each account has.
-- param: since timestamp 7d — from when on
SELECT userIdentity.accountId, userIdentity.principalId, userIdentity.type, count(*) AS events, max(eventTime) AS latest
FROM $EDS_ID
WHERE userIdentity.principalId IS NOT NULL AND eventSource LIKE '%.amazonaws.com' AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY events DESC, userIdentity.principalId
