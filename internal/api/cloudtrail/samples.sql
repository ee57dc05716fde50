-- name: Denied access
-- about: Who was refused SSH access to which server, and how often, in the last week.
SELECT userIdentity.userName AS who, element_at(requestParameters, 'target') AS target, element_at(requestParameters, 'login') AS login,
  count(*) AS attempts, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventName = 'AuthorizeSecurityGroupIngress' AND errorCode = 'AccessDenied'
  AND eventTime > current_timestamp - INTERVAL '7' DAY
GROUP BY 1, 2, 3
ORDER BY attempts DESC

-- name: Sessions without MFA
-- about: SSH sessions that began without a second factor.
SELECT eventTime, userIdentity.userName AS who, element_at(requestParameters, 'target') AS target, sourceIPAddress
FROM $EDS_ID
WHERE eventName = 'StartSession' AND element_at(additionalEventData, 'MFAAuthenticated') = 'False'
ORDER BY eventTime DESC

-- name: Failed logins by source
-- about: Addresses from which logins failed, by number of failures: guessing and scanning.
SELECT sourceIPAddress, count(*) AS failures, min(eventTime) AS first, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventName = 'Login' AND errorCode = 'AuthenticationFailed'
GROUP BY sourceIPAddress
ORDER BY failures DESC

-- name: Who reached a server
-- about: Every identity that had a session on a server, with its first and latest.
SELECT element_at(requestParameters, 'target') AS target, userIdentity.arn, count(*) AS sessions, min(eventTime) AS first, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventName = 'StartSession' AND errorCode IS NULL
GROUP BY 1, 2
ORDER BY sessions DESC

-- name: Root logins
-- about: Sessions as root, with who was behind them.
SELECT eventTime, userIdentity.userName AS who, element_at(requestParameters, 'target') AS target, sourceIPAddress,
  element_at(requestParameters, 'sessionId') AS session
FROM $EDS_ID
WHERE eventName = 'StartSession' AND element_at(requestParameters, 'login') = 'root' AND errorCode IS NULL
ORDER BY eventTime DESC

-- name: Commands of a day
-- about: Commands that were executed over SSH in the last 24 hours, with identity and server.
SELECT eventTime, userIdentity.userName AS who, element_at(requestParameters, 'target') AS target, element_at(requestParameters, 'command') AS command
FROM $EDS_ID
WHERE eventName = 'ExecuteCommand' AND eventTime > current_timestamp - INTERVAL '1' DAY
ORDER BY eventTime DESC

-- name: Changes of access
-- about: Changes to identities, keys, roles and policies: who may do what, and who changed it.
SELECT eventTime, userIdentity.userName AS who, eventName, requestParameters
FROM $EDS_ID
WHERE eventName IN ('CreateUser', 'UpdateUser', 'DeleteUser', 'UploadSSHPublicKey', 'DeleteSSHPublicKey', 'CreateAccessKey', 'DeleteAccessKey',
  'CreateRole', 'UpdateRole', 'DeleteRole', 'PutPolicy', 'DeletePolicy')
ORDER BY eventTime DESC

-- name: Alarms and what was done
-- about: Alarms that runbooks raised, and the steps that answered them.
SELECT eventTime, eventName, requestParameters, responseElements
FROM $EDS_ID
WHERE eventName IN ('SetAlarmState', 'StartRun', 'ExecuteStep', 'EndRun')
ORDER BY eventTime DESC

-- name: Who read the audit log
-- about: Queries, lookups and reads of log files, by identity and access key.
SELECT userIdentity.userName AS who, userIdentity.accessKeyId AS accessKey, eventName, count(*) AS calls, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventName IN ('StartQuery', 'GetQueryResults', 'LookupEvents', 'GetObject', 'GetRecording')
GROUP BY 1, 2, 3
ORDER BY calls DESC

-- name: Activity by hour
-- about: Events by name and hour of the last two days, to see what is unusual.
SELECT date_trunc('hour', eventTime) AS hour, eventName, count(*) AS events
FROM $EDS_ID
WHERE eventTime > current_timestamp - INTERVAL '2' DAY
GROUP BY 1, 2
ORDER BY hour DESC, events DESC
