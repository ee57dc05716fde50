package duckdb

import (
	"database/sql/driver"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// identityType is userIdentity in DuckDB.
const identityType = `STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR, userName VARCHAR, ` +
	`sessionContext STRUCT(sessionIssuer STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, userName VARCHAR), ` +
	`attributes STRUCT(creationDate VARCHAR, mfaAuthenticated VARCHAR)), invokedBy VARCHAR)`

const resourcesType = `STRUCT(ARN VARCHAR, accountId VARCHAR, type VARCHAR)[]`

// trailColumns are the columns of CloudTrailLogs, of the hot table and of the
// sealed files: all three have the same, in this order.
var trailColumns = []struct {
	name, kind string
	value      func(*sqlfront.Flat) driver.Value
}{
	{"eventVersion", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventVersion) }},
	{"userIdentity", identityType, func(f *sqlfront.Flat) driver.Value { return identityValue(f.UserIdentity) }},
	{"eventTime", "TIMESTAMP", func(f *sqlfront.Flat) driver.Value { return timeValue(f.EventTime) }},
	{"eventSource", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventSource) }},
	{"eventName", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventName) }},
	{"awsRegion", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.AWSRegion) }},
	{"sourceIPAddress", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.SourceIPAddress) }},
	{"userAgent", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.UserAgent) }},
	{"errorCode", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.ErrorCode) }},
	{"errorMessage", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.ErrorMessage) }},
	{"requestParameters", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.RequestParameters) }},
	{"responseElements", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.ResponseElements) }},
	{"additionalEventData", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.AdditionalEventData) }},
	{"requestID", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.RequestID) }},
	{"eventID", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventID) }},
	{"readOnly", "BOOLEAN", func(f *sqlfront.Flat) driver.Value { return boolValue(f.ReadOnly) }},
	{"resources", resourcesType, func(f *sqlfront.Flat) driver.Value { return resourcesValue(f.Resources) }},
	{"eventType", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventType) }},
	{"managementEvent", "BOOLEAN", func(f *sqlfront.Flat) driver.Value { return boolValue(f.ManagementEvent) }},
	{"recipientAccountId", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.RecipientAccountID) }},
	{"serviceEventDetails", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.ServiceEventDetails) }},
	{"eventCategory", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventCategory) }},
	{"userName", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.UserName) }},
	{"userArn", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.UserARN) }},
	{"sessionId", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.SessionID) }},
	{"target", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.Target) }},
	{"login", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.Login) }},
	{"mfaAuthenticated", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.MFAAuthenticated) }},
	{"eventJson", "VARCHAR", func(f *sqlfront.Flat) driver.Value { return textValue(f.EventJSON) }},
	{"appendTime", "TIMESTAMP", func(f *sqlfront.Flat) driver.Value { return timeValue(f.AppendTime) }},
	{"seq", "BIGINT", func(f *sqlfront.Flat) driver.Value { return intValue(f.Seq) }},
}

// columnList is the names of trailColumns, quoted.
func columnList() string {
	var names []string
	for _, c := range trailColumns {
		names = append(names, `"`+c.name+`"`)
	}
	return strings.Join(names, ", ")
}

// columnDefinitions is trailColumns as in CREATE TABLE.
func columnDefinitions() string {
	var list []string
	for _, c := range trailColumns {
		list = append(list, `"`+c.name+`" `+c.kind)
	}
	return strings.Join(list, ", ")
}

func textValue(s *string) driver.Value {
	if s == nil {
		return nil
	}
	return *s
}

func boolValue(b *bool) driver.Value {
	if b == nil {
		return nil
	}
	return *b
}

func intValue(i *int64) driver.Value {
	if i == nil {
		return nil
	}
	return *i
}

func timeValue(t *time.Time) driver.Value {
	if t == nil {
		return nil
	}
	return *t
}

func identityValue(u *sqlfront.UserIdentity) driver.Value {
	if u == nil {
		return nil
	}
	return map[string]any{
		"type":           textValue(u.Type),
		"principalId":    textValue(u.PrincipalID),
		"arn":            textValue(u.ARN),
		"accountId":      textValue(u.AccountID),
		"accessKeyId":    textValue(u.AccessKeyID),
		"userName":       textValue(u.UserName),
		"sessionContext": contextValue(u.SessionContext),
		"invokedBy":      textValue(u.InvokedBy),
	}
}

func contextValue(c *sqlfront.SessionContext) driver.Value {
	if c == nil {
		return nil
	}
	var issuer, attributes any
	if i := c.SessionIssuer; i != nil {
		issuer = map[string]any{
			"type":        textValue(i.Type),
			"principalId": textValue(i.PrincipalID),
			"arn":         textValue(i.ARN),
			"accountId":   textValue(i.AccountID),
			"userName":    textValue(i.UserName),
		}
	}
	if a := c.Attributes; a != nil {
		attributes = map[string]any{
			"creationDate":     textValue(a.CreationDate),
			"mfaAuthenticated": textValue(a.MFAAuthenticated),
		}
	}
	return map[string]any{"sessionIssuer": issuer, "attributes": attributes}
}

func resourcesValue(list []sqlfront.Resource) driver.Value {
	if list == nil {
		return nil
	}
	out := make([]any, len(list))
	for i, r := range list {
		out[i] = map[string]any{
			"ARN":       textValue(r.ARN),
			"accountId": textValue(r.AccountID),
			"type":      textValue(r.Type),
		}
	}
	return out
}
