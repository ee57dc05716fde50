-- title: Failed logins by source
-- description: Addresses from which logins failed: guessing and scanning.
-- param: at_least bigint 1 — how many failures make a line
-- param: since timestamp 7d — from when on
SELECT sourceIPAddress, count(*) AS failures, count(DISTINCT json_extract_scalar(requestParameters, '$.userName')) AS names,
  min(eventTime) AS first, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'Login' AND errorCode = 'AuthenticationFailed' AND eventTime >= :since
GROUP BY sourceIPAddress
HAVING count(*) >= :at_least
ORDER BY failures DESC, sourceIPAddress
