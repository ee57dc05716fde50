-- title: Changes to who may do what
-- description: Changes to identities, roles, targets, policies, runbooks and legal holds, and who made them.
-- param: since timestamp 30d — from when on
SELECT eventTime, userName AS changed_by, eventName, errorCode, requestParameters
FROM CloudTrailLogs
WHERE eventType = 'ActivityLog' AND NOT readOnly AND eventTime >= :since
  AND regexp_like(eventName, '^(Create|Update|Delete|Put|Enable|Disable)(User|Role|Target|Policy|Runbook|LegalHold)$')
ORDER BY eventTime DESC
