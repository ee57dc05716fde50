-- title: Changes to AWS trails
-- description: Trails and event data stores that were made, changed, stopped or deleted.
-- param: since timestamp 30d — from when on
SELECT eventTime, eventName, errorCode, coalesce(element_at(requestParameters, 'name'), element_at(requestParameters, 'eventDataStore')) AS name,
  userIdentity.arn, sourceIPAddress
FROM $EDS_ID
WHERE eventSource = 'cloudtrail.amazonaws.com' AND eventTime >= :since
  AND eventName IN ('CreateTrail', 'UpdateTrail', 'DeleteTrail', 'StartLogging', 'StopLogging', 'PutEventSelectors', 'DeleteEventDataStore', 'UpdateEventDataStore')
ORDER BY eventTime DESC
