-- title: Logins through IAM Identity Center
-- description: Who signed in to Identity Center and which accounts and roles they went on to.
-- param: since timestamp 7d — from when on
SELECT eventTime, eventName, errorCode, coalesce(userIdentity.userName, userIdentity.onBehalfOf.userId) AS who,
  element_at(serviceEventDetails, 'account_id') AS account, element_at(serviceEventDetails, 'role_name') AS role, sourceIPAddress
FROM $EDS_ID
WHERE eventSource IN ('sso.amazonaws.com', 'signin.amazonaws.com') AND eventName IN ('Authenticate', 'Federate', 'UserAuthentication') AND eventTime >= :since
ORDER BY eventTime DESC
