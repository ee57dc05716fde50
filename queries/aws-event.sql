-- title: One event as it is
-- description: A whole record by its eventID.
-- param: event varchar '' — the eventID
SELECT eventTime, eventSource, eventName, userIdentity.arn, errorCode, requestParameters, responseElements, eventJson
FROM $EDS_ID
WHERE eventID = :event
