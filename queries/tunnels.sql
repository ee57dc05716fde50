-- title: Tunnels
-- description: Where tunnels went, through which target, and what they were refused.
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: since timestamp 7d — from when on
SELECT userName, target, json_extract_scalar(requestParameters, '$.destinationHost') AS host,
  CAST(json_extract_scalar(requestParameters, '$.destinationPort') AS bigint) AS port,
  count(*) AS tunnels, count_if(errorCode IS NOT NULL) AS refused, max(eventTime) AS latest
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'OpenTunnel' AND userName LIKE :identity AND eventTime >= :since
GROUP BY 1, 2, 3, 4
ORDER BY tunnels DESC, host, port, userName
