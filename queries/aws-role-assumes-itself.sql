-- title: AWS roles that assume themselves
-- description: Roles that call AssumeRole for what they are already: needless calls, as a rule.
-- param: since timestamp 30d — from when on
SELECT userIdentity.sessionContext.sessionIssuer.arn AS role, count(*) AS calls, max(eventTime) AS latest
FROM $EDS_ID
WHERE eventSource = 'sts.amazonaws.com' AND eventName = 'AssumeRole' AND errorCode IS NULL AND eventTime >= :since
  AND userIdentity.type = 'AssumedRole' AND userIdentity.sessionContext.sessionIssuer.arn = element_at(requestParameters, 'roleArn')
GROUP BY 1
ORDER BY calls DESC, role
