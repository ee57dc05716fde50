-- title: AWS console logins without MFA
-- description: Logins to the AWS console that succeeded without a second factor.
-- param: since timestamp 30d — from when on
SELECT eventTime, userIdentity.type, userIdentity.arn, sourceIPAddress, recipientAccountId
FROM $EDS_ID
WHERE eventSource = 'signin.amazonaws.com' AND eventName = 'ConsoleLogin' AND eventTime >= :since
  AND element_at(additionalEventData, 'MFAUsed') = 'No' AND element_at(responseElements, 'ConsoleLogin') = 'Success'
ORDER BY eventTime DESC
