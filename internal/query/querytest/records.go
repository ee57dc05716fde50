package querytest

import (
	"fmt"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Samples are records of every shape that matters to a query; the comments name
// their sequence numbers in a trail that holds just them.
func Samples() []string {
	const ours = `"eventSource":"ssh-proxy-service.yourdomain.com","awsRegion":"us-east-1","recipientAccountId":"111122223333"`
	at := func(seq int) string {
		return Start.Truncate(time.Second).Add(time.Duration(seq-1) * time.Second).Format(time.RFC3339)
	}
	denied := func(seq int, ip, user string) string {
		return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333","userName":"%s"},`+
			`"eventTime":"%s",%s,"eventName":"AuthorizeSecurityGroupIngress","sourceIPAddress":"%s","errorCode":"AccessDenied","errorMessage":"no policy permits it",`+
			`"requestParameters":{"target":"web1","login":"root"},"responseElements":null,"requestID":"c%d","eventID":"e%d","readOnly":false,`+
			`"eventType":"ActivityLog","managementEvent":true,"eventCategory":"Management"}`, user, user, at(seq), ours, ip, seq, seq)
	}
	session := func(seq int, id, user, mfa string) string {
		return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA1:%s","arn":"arn:aws:sts::111122223333:assumed-role/ops/%s","accountId":"111122223333","userName":"%s",`+
			`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA1","arn":"arn:aws:iam::111122223333:role/ops","accountId":"111122223333","userName":"ops"},`+
			`"attributes":{"creationDate":"%s","mfaAuthenticated":"%s"}}},"eventTime":"%s",%s,"eventName":"StartSession","sourceIPAddress":"10.0.0.9","userAgent":"SSH-2.0-OpenSSH_9.2",`+
			`"requestParameters":{"sessionId":"%s","target":"web1","login":"ec2-user"},"responseElements":{"granted":true},"additionalEventData":{"MFAAuthenticated":"%s"},`+
			`"requestID":"c%d","eventID":"e%d","readOnly":false,"resources":[{"ARN":"arn:aws:ec2:us-east-1:111122223333:instance/i-1","accountId":"111122223333","type":"AWS::EC2::Instance"},{"type":"login"}],`+
			`"eventType":"ActivityLog","managementEvent":true,"serviceEventDetails":{"policy":"ops"},"eventCategory":"Management"}`,
			user, user, user, at(seq), strings.ToLower(mfa), at(seq), ours, id, mfa, seq, seq)
	}
	return []string{
		denied(1, "198.51.100.7", "mallory"),
		denied(2, "198.51.100.7", "mallory"),
		session(3, "s1", "bob", "False"),
		session(4, "s2", "ana", "True"),
		denied(5, "198.51.100.8", "bob"),
		// 6: ours, not in a session: no additionalEventData
		`{"eventVersion":"1.11","userIdentity":{"type":"Unknown"},"eventTime":"` + at(6) + `",` + ours + `,"eventName":"OpenConnection","sourceIPAddress":"10.0.0.9",` +
			`"requestParameters":null,"responseElements":null,"requestID":"c6","eventID":"e6","readOnly":true,"eventType":"ActivityLog","managementEvent":true,"eventCategory":"Management"}`,
		// 7: AWS's, without MFA, but not SSH
		`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"bob"},"eventTime":"` + at(7) + `","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin",` +
			`"awsRegion":"us-east-1","sourceIPAddress":"10.0.0.9","requestParameters":null,"responseElements":{"ConsoleLogin":"Success"},` +
			`"additionalEventData":{"LoginTo":"https://console.aws.amazon.com","MFAUsed":"No"},"eventID":"e7","readOnly":false,"resources":[],"eventType":"AwsConsoleSignIn","eventCategory":"Management"}`,
		session(8, "s3", "eve", "False"),
		// 9: nothing in it
		`{}`,
		// 10: nothing is what it should be
		`{"eventVersion":1,"userIdentity":"root","eventTime":"yesterday","requestParameters":[1,2],"readOnly":"true","resources":{},"additionalEventData":"text","userAgent":{"a":null}}`,
	}
}

// flatCells is a row of CloudTrailLogs as query.Result has it.
func flatCells(f sqlfront.Flat) []any {
	var resources any
	if f.Resources != nil {
		list := make([]any, len(f.Resources))
		for i, r := range f.Resources {
			list[i] = object("ARN", r.ARN, "accountId", r.AccountID, "type", r.Type)
		}
		resources = list
	}
	return []any{
		cell(f.EventVersion), identityCell(f.UserIdentity), cell(f.EventTime), cell(f.EventSource), cell(f.EventName), cell(f.AWSRegion),
		cell(f.SourceIPAddress), cell(f.UserAgent), cell(f.ErrorCode), cell(f.ErrorMessage), cell(f.RequestParameters), cell(f.ResponseElements),
		cell(f.AdditionalEventData), cell(f.RequestID), cell(f.EventID), cell(f.ReadOnly), resources, cell(f.EventType), cell(f.ManagementEvent),
		cell(f.RecipientAccountID), cell(f.ServiceEventDetails), cell(f.EventCategory), cell(f.UserName), cell(f.UserARN), cell(f.SessionID),
		cell(f.Target), cell(f.Login), cell(f.MFAAuthenticated), cell(f.EventJSON), cell(f.AppendTime), cell(f.Seq),
	}
}

func identityCell(u *sqlfront.UserIdentity) any {
	if u == nil {
		return nil
	}
	o := object("type", u.Type, "principalId", u.PrincipalID, "arn", u.ARN, "accountId", u.AccountID, "accessKeyId", u.AccessKeyID,
		"userName", u.UserName, "invokedBy", u.InvokedBy)
	if c := u.SessionContext; c != nil {
		context := map[string]any{}
		if i := c.SessionIssuer; i != nil {
			context["sessionIssuer"] = object("type", i.Type, "principalId", i.PrincipalID, "arn", i.ARN, "accountId", i.AccountID, "userName", i.UserName)
		}
		if a := c.Attributes; a != nil {
			context["attributes"] = object("creationDate", a.CreationDate, "mfaAuthenticated", a.MFAAuthenticated)
		}
		o["sessionContext"] = context
	}
	return o
}

// object has the members that are not NULL.
func object(pairs ...any) map[string]any {
	o := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		if s := pairs[i+1].(*string); s != nil {
			o[pairs[i].(string)] = *s
		}
	}
	return o
}

func cell[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}
