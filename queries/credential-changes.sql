-- title: Changes to keys and second factors
-- description: Keys, access keys and MFA devices that were added, disabled or removed.
-- param: since timestamp 30d — from when on
SELECT eventTime, userName AS changed_by, eventName, json_extract_scalar(requestParameters, '$.userName') AS identity,
  coalesce(json_extract_scalar(requestParameters, '$.keyFingerprint'), json_extract_scalar(responseElements, '$.keyFingerprint'),
    json_extract_scalar(requestParameters, '$.accessKeyId'), json_extract_scalar(responseElements, '$.accessKeyId'),
    json_extract_scalar(requestParameters, '$.mfaType')) AS credential
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND eventTime >= :since AND errorCode IS NULL
  AND eventName IN ('UploadSSHPublicKey', 'UpdateSSHPublicKey', 'DeleteSSHPublicKey', 'CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey',
    'EnableMFADevice', 'DeactivateMFADevice')
ORDER BY eventTime DESC
