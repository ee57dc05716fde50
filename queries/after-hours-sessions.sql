-- title: Sessions outside working hours
-- description: Sessions that began at a weekend or outside the hours given, in a time zone of UTC plus so many hours.
-- param: from_hour bigint 7 — the first working hour
-- param: to_hour bigint 19 — the hour that ends the day
-- param: utc_plus bigint 0 — hours that local time is ahead of UTC
-- param: since timestamp 30d — from when on
SELECT eventTime, day_of_week(date_add('hour', :utc_plus, eventTime)) AS weekday, hour(date_add('hour', :utc_plus, eventTime)) AS hour,
  userName, login, target, sourceIPAddress, sessionId
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventName = 'StartSession' AND errorCode IS NULL AND eventTime >= :since
  AND (day_of_week(date_add('hour', :utc_plus, eventTime)) > 5
    OR hour(date_add('hour', :utc_plus, eventTime)) < :from_hour OR hour(date_add('hour', :utc_plus, eventTime)) >= :to_hour)
ORDER BY eventTime DESC
