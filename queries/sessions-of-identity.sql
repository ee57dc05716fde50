-- title: Sessions of an identity
-- description: All SSH sessions of an identity: from where, as whom, how long and how they ended.
-- param: identity varchar '%' — whose: an identity's name, or a pattern
-- param: since timestamp 30d — from when on
SELECT s.eventTime AS started, s.userName, s.login, s.target, s.sourceIPAddress, s.mfaAuthenticated AS mfa, s.sessionId,
  date_diff('second', s.eventTime, e.eventTime) AS seconds, json_extract_scalar(e.responseElements, '$.cause') AS ended
FROM CloudTrailLogs s
LEFT JOIN CloudTrailLogs e ON e.sessionId = s.sessionId AND e.eventName = 'EndSession'
WHERE s.eventType = 'ActivityLog' AND s.eventName = 'StartSession' AND s.errorCode IS NULL
  AND s.userName LIKE :identity AND s.eventTime >= :since
ORDER BY s.eventTime DESC
