package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
)

// auditData is a record as PutAuditEvents takes it. Source: CloudTrail User
// Guide, "CloudTrail Lake integrations event schema".
type auditData struct {
	Version    string          `json:"version"`
	Identity   auditIdentity   `json:"userIdentity"`
	UserAgent  string          `json:"userAgent,omitempty"`
	Source     string          `json:"eventSource"`
	Name       string          `json:"eventName"`
	Time       string          `json:"eventTime"`
	UID        string          `json:"UID"`
	Request    json.RawMessage `json:"requestParameters,omitempty"`
	Response   json.RawMessage `json:"responseElements,omitempty"`
	ErrorCode  string          `json:"errorCode,omitempty"`
	ErrorText  string          `json:"errorMessage,omitempty"`
	SourceIP   string          `json:"sourceIPAddress,omitempty"`
	Recipient  string          `json:"recipientAccountId"`
	Additional map[string]any  `json:"additionalEventData,omitempty"`
}

type auditIdentity struct {
	Type        string                     `json:"type"`
	PrincipalID string                     `json:"principalId"`
	Details     map[string]json.RawMessage `json:"details,omitempty"`
}

// Limits of its fields. What is longer is cut, or its content is left out, as
// CloudTrail does; a text that was cut is whole in additionalEventData.
const (
	auditText       = 1024
	auditShort      = 256
	auditType       = 128
	auditObject     = 100 * 1000
	auditAdditional = 28 * 1000
)

// tooLarge is what CloudTrail writes for an object whose content it leaves out.
func tooLarge(limit int) map[string]any {
	return map[string]any{"omitted": fmt.Sprintf("larger than %d kB", limit/1000)}
}

// auditEvent maps a record. What has no place of its own goes below
// additionalEventData; account is the channel's, which the event must name.
func auditEvent(record []byte, account string) ([]byte, error) {
	var r map[string]json.RawMessage
	if err := json.Unmarshal(bytes.ToValidUTF8(record, []byte("\uFFFD")), &r); err != nil {
		return nil, fmt.Errorf("the record is not a JSON object: %w", err)
	}
	rest := map[string]any{}
	// text takes a text, cut to n bytes.
	text := func(o map[string]json.RawMessage, name string, n int) string {
		var s string
		if raw, ok := o[name]; !ok || json.Unmarshal(raw, &s) != nil {
			return ""
		}
		delete(o, name)
		if len(s) > n {
			rest[name] = s
		}
		return cut(s, n)
	}
	e := auditData{
		Version: text(r, "eventVersion", auditShort), UserAgent: text(r, "userAgent", auditText), Source: text(r, "eventSource", auditText),
		Name: text(r, "eventName", auditText), Time: text(r, "eventTime", auditShort), UID: text(r, "eventID", auditText),
		ErrorCode: text(r, "errorCode", auditShort), ErrorText: text(r, "errorMessage", auditShort), Recipient: account,
	}
	var who map[string]json.RawMessage
	if json.Unmarshal(r["userIdentity"], &who) == nil {
		delete(r, "userIdentity")
	}
	e.Identity = auditIdentity{Type: text(who, "type", auditType), PrincipalID: text(who, "principalId", auditText), Details: who}
	for _, name := range []string{"arn", "userName"} { // one who has no id is known by these
		var s string
		if json.Unmarshal(who[name], &s) == nil && e.Identity.PrincipalID == "" {
			e.Identity.PrincipalID = cut(s, auditText)
		}
	}
	if e.Identity.Type == "" {
		e.Identity.Type = "Unknown"
	}
	if e.Identity.PrincipalID == "" {
		e.Identity.PrincipalID = e.Identity.Type
	}
	e.Request, e.Response = object(r, "requestParameters"), object(r, "responseElements")
	var from, recipient string
	if json.Unmarshal(r["sourceIPAddress"], &from) == nil {
		if _, err := netip.ParseAddr(from); err == nil {
			e.SourceIP = from
			delete(r, "sourceIPAddress")
		}
	}
	if json.Unmarshal(r["recipientAccountId"], &recipient) == nil && recipient == account {
		delete(r, "recipientAccountId")
	}
	var additional map[string]any
	if unmarshal(r["additionalEventData"], &additional) == nil {
		for name, v := range additional {
			rest[name] = v
		}
		delete(r, "additionalEventData")
	}
	for name, raw := range r {
		if _, taken := rest[name]; !taken && !bytes.Equal(raw, []byte("null")) {
			rest[name] = raw
		}
	}
	if err := fit(rest); err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		e.Additional = rest
	}
	for _, missing := range []struct{ name, value string }{{"eventVersion", e.Version}, {"eventSource", e.Source}, {"eventName", e.Name}, {"eventTime", e.Time}, {"eventID", e.UID}} {
		if missing.value == "" {
			return nil, fmt.Errorf("CloudTrail Lake takes no event without %s", missing.name)
		}
	}
	return encode(e)
}

// object takes an object of the record; a larger one than AWS takes loses its
// content. What is no object goes to the rest.
func object(r map[string]json.RawMessage, name string) json.RawMessage {
	raw := bytes.TrimSpace(r[name])
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	delete(r, name)
	if len(raw) > auditObject {
		raw, _ = encode(tooLarge(auditObject)) // of a map with one text
	}
	return raw
}

// fit leaves out the content of the largest members until all of them fit.
func fit(rest map[string]any) error {
	for {
		all, err := encode(rest)
		if err != nil {
			return err
		}
		if len(all) <= auditAdditional {
			return nil
		}
		largest, size := "", -1
		for name, v := range rest {
			one, err := encode(v)
			if err != nil {
				return err
			}
			if len(one) > size || len(one) == size && name < largest {
				largest, size = name, len(one)
			}
		}
		if size < 64 { // a great many small ones
			clear(rest)
			rest["omitted"] = tooLarge(auditAdditional)["omitted"]
			return nil
		}
		rest[largest] = tooLarge(auditAdditional)
	}
}

// unmarshal keeps numbers as they are written.
func unmarshal(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(v)
}
