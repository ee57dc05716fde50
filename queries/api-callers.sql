-- title: Callers of the CloudTrail API
-- description: Who calls the API with which access key and program, and what is refused.
-- param: since timestamp 7d — from when on
SELECT userName, userIdentity.accessKeyId AS access_key, userAgent, count(*) AS calls, count(DISTINCT eventName) AS operations,
  count_if(errorCode IS NOT NULL) AS refused, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND userIdentity.accessKeyId IS NOT NULL AND eventTime >= :since
GROUP BY 1, 2, 3
ORDER BY calls DESC, access_key
