-- title: AWS calls that were denied
-- description: Calls that policy refused, and to whom: whoever probes shows here.
-- param: since timestamp 7d — from when on
SELECT userIdentity.arn, eventSource, eventName, count(*) AS denied, min(eventTime) AS first, max(eventTime) AS latest
FROM $EDS_ID
WHERE errorCode IN ('AccessDenied', 'AccessDeniedException', 'Client.UnauthorizedOperation', 'UnauthorizedOperation')
  AND eventSource LIKE '%.amazonaws.com' AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY denied DESC, userIdentity.arn, eventName
