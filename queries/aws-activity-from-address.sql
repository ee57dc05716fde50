-- title: AWS activity from an address
-- description: Accounts, principals and services used from an address, and when.
-- param: source varchar '%' — the address, or a pattern
-- param: since timestamp 7d — from when on
SELECT sourceIPAddress, recipientAccountId, userIdentity.arn, eventSource, count(*) AS calls, min(eventTime) AS first, max(eventTime) AS latest
FROM $EDS_ID
WHERE sourceIPAddress LIKE :source AND eventSource LIKE '%.amazonaws.com' AND eventTime >= :since
GROUP BY 1, 2, 3, 4
ORDER BY calls DESC, sourceIPAddress, recipientAccountId, userIdentity.arn, eventSource
