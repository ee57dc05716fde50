-- title: Files fetched and put
-- description: Sessions that moved files with sftp, scp or rsync, and which way as far as the command says.
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: since timestamp 7d — from when on
SELECT eventTime, userName, login, target,
  CASE WHEN eventName = 'StartSubsystem' THEN 'sftp' ELSE split_part(json_extract_scalar(requestParameters, '$.command'), ' ', 1) END AS tool,
  CASE
    WHEN regexp_like(json_extract_scalar(requestParameters, '$.command'), '^scp .*-[a-z]*t|^rsync --server -') AND NOT regexp_like(json_extract_scalar(requestParameters, '$.command'), ' --sender ') THEN 'put'
    WHEN regexp_like(json_extract_scalar(requestParameters, '$.command'), '^scp .*-[a-z]*f| --sender ') THEN 'fetched'
  END AS direction,
  json_extract_scalar(requestParameters, '$.command') AS command, sessionId
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND userName LIKE :identity AND eventTime >= :since
  AND (eventName = 'StartSubsystem' AND json_extract_scalar(requestParameters, '$.subsystem') = 'sftp'
    OR eventName = 'ExecuteCommand' AND regexp_like(json_extract_scalar(requestParameters, '$.command'), '^(scp|rsync) '))
ORDER BY eventTime DESC
