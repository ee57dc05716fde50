-- title: Changes by people from Identity Center
-- description: Writes made under a role of Identity Center, by person.
-- param: since timestamp 7d — from when on
SELECT eventTime, element_at(split(userIdentity.principalId, ':'), 2) AS who, userIdentity.sessionContext.sessionIssuer.userName AS role, eventSource, eventName, errorCode
FROM $EDS_ID
WHERE userIdentity.type = 'AssumedRole' AND userIdentity.sessionContext.sessionIssuer.userName LIKE 'AWSReservedSSO%' AND readOnly = false AND eventTime >= :since
ORDER BY eventTime DESC
