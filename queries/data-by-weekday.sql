-- title: Data events by day of the week
-- description: How data events spread over the week; 1 is Monday.
-- param: since timestamp 30d — from when on
SELECT day_of_week(eventTime) AS weekday, count(*) AS events
FROM $EDS_ID
WHERE eventCategory = 'Data' AND eventTime >= :since
GROUP BY 1
ORDER BY weekday
