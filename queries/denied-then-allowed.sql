-- title: Denied at first, allowed later
-- description: Who was refused a target and reached it afterwards: the change between the two is worth a look.
-- param: since timestamp 30d — from when on
WITH denied AS (
  SELECT userName, target, min(eventTime) AS first
  FROM CloudTrailLogs
  WHERE eventType = 'ActivityLog' AND eventName = 'AuthorizeSecurityGroupIngress' AND errorCode = 'AccessDenied' AND eventTime >= :since
  GROUP BY userName, target
)
SELECT d.userName, d.target, d.first AS denied, min(s.eventTime) AS reached, max_by(s.login, s.eventTime) AS login
FROM denied d
JOIN CloudTrailLogs s ON s.userName = d.userName AND s.target = d.target AND s.eventTime > d.first
WHERE s.eventType = 'ActivityLog' AND s.eventName = 'StartSession' AND s.errorCode IS NULL
GROUP BY d.userName, d.target, d.first
ORDER BY reached DESC
