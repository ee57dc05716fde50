-- title: Commands that take privileges
-- description: Commands that contain sudo, su, doas, passwd, visudo or usermod.
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: since timestamp 7d — from when on
SELECT eventTime, userName, login, target, json_extract_scalar(requestParameters, '$.command') AS command, sessionId
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'ExecuteCommand' AND userName LIKE :identity AND eventTime >= :since
  AND regexp_like(json_extract_scalar(requestParameters, '$.command'), '(^|[ ;|&/])(sudo|su|doas|passwd|visudo|usermod)( |$)')
ORDER BY eventTime DESC
