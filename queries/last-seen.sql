-- title: When each identity was last seen
-- description: Every identity's latest login and session, those away the longest first.
SELECT userName, max(CASE WHEN eventName = 'Login' THEN eventTime END) AS last_login,
  max(CASE WHEN eventName = 'StartSession' THEN eventTime END) AS last_session, count_if(eventName = 'StartSession') AS sessions
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName IN ('Login', 'StartSession') AND errorCode IS NULL AND userName IS NOT NULL
GROUP BY userName
ORDER BY last_login, userName
