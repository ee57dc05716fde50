package ocsf

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Map is the OCSF event of a CloudTrail record. It fails on what is no JSON
// object and on a record without a time.
func Map(text []byte) (Event, error) {
	m, err := read(text)
	if err != nil {
		return nil, err
	}
	if r, ok := rules[m.name]; ok && m.ours() {
		activity := r.activityOf(m)
		if e := r.fill(m); e != nil {
			return m.finish(e, activity), nil
		}
		if m, err = read(text); err != nil { // what the rule took is back
			return nil, err
		}
	}
	return m.finish(m.foreign()), nil
}

// read begins the mapping of a record.
func read(text []byte) (*mapping, error) {
	r, err := parse(text)
	if err != nil {
		return nil, err
	}
	unwrap(r)
	m := &mapping{record: r, name: r.peek("eventName"), source: r.peek("eventSource"), code: r.peek("errorCode"), timeText: r.peek("eventTime")}
	at := r.moment("eventTime")
	if at == nil { // aggregated events have a window instead
		at = r.moment("timeWindow.windowEnd")
	}
	if at == nil {
		return nil, errors.New("map record: it has no eventTime")
	}
	m.time = *at
	return m, nil
}

// Append appends e as JSON on one line to b.
func Append(b []byte, e Event) []byte { return append(b, encode(e)...) }

// Transform is a record as the JSON of its OCSF event.
func Transform(text []byte) ([]byte, error) {
	e, err := Map(text)
	if err != nil {
		return nil, err
	}
	return encode(e), nil
}

// unwrap brings what CloudTrail Lake wraps (eventData, as its caller gave it to
// PutAuditEvents) into the record's own place.
func unwrap(r record) {
	data, ok := r["eventData"].(map[string]any)
	if !ok {
		return
	}
	delete(r, "eventData")
	for from, to := range map[string]string{"version": "eventVersion", "UID": "eventID"} {
		if v, ok := data[from]; ok && r[to] == nil {
			r[to] = v
			delete(data, from)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		v := data[name]
		if have, ok := r[name]; !ok || have == nil || name == "eventTime" || name == "userIdentity" {
			r[name] = v
			if delete(data, name); have != nil { // its own time and user go before the wrapper's
				data[name] = have
			}
		}
	}
	if len(data) > 0 {
		r["eventData"] = data
	}
}

// mapping is one record on its way to an event.
type mapping struct {
	record
	name, source, code string
	time               int64
	timeText           string
	severity           int32 // 0: by the error code
	statusID           int32 // 0: by the error code
	status             string
}

// ours says whether Trailgate wrote the record.
func (m *mapping) ours() bool {
	return m.peek("eventType") == "ActivityLog" && m.peek("eventCategory") != "ActivityAuditLog"
}

// aws says whether AWS wrote it.
func (m *mapping) aws() bool {
	return strings.HasPrefix(m.peek("eventType"), "Aws") || strings.HasSuffix(m.source, ".amazonaws.com")
}

// finish fills what all classes have, and what is left of the record.
func (m *mapping) finish(e Event, activity int32) Event {
	c, b := e.Class(), e.Common()
	b.ActivityID, b.ActivityName = activity, c.Activities[activity]
	b.CategoryUID, b.CategoryName = c.Category, categories[c.Category]
	b.ClassUID, b.ClassName = c.UID, c.Caption
	b.TypeUID, b.TypeName = int64(c.UID)*100+int64(activity), c.Caption+": "+b.ActivityName
	b.Time = m.time
	b.SeverityID = m.severity
	if b.SeverityID == 0 {
		b.SeverityID = severityOf(m.code)
	}
	b.Severity = severities[b.SeverityID]
	b.StatusID, b.Status = m.statusID, m.status
	if b.StatusID == 0 {
		b.StatusID = success
		if m.code != "" {
			b.StatusID = failure
		}
	}
	if b.Status == "" {
		b.Status = statuses[b.StatusID]
	}
	b.API = m.api()
	b.StatusCode = m.code
	if b.StatusDetail == "" {
		b.StatusDetail = m.peek("errorMessage")
	}
	m.text("errorMessage")
	m.text("errorCode")
	b.Cloud = m.cloud()
	b.Metadata = m.metadata(c)
	for _, taken := range []string{"eventName", "eventSource", "awsRegion"} {
		m.text(taken)
	}
	b.Unmapped = m.left()
	return e
}

func (m *mapping) api() API {
	a := API{Operation: m.name, Version: m.text("apiVersion")}
	if a.Operation == "" { // Insights and aggregated records have none
		a.Operation = unknown
	}
	if m.source != "" {
		a.Service = &Service{Name: m.source}
	}
	if id := m.text("requestID"); id != "" {
		a.Request = &Request{UID: id}
	}
	if m.code != "" {
		a.Response = &Response{Error: m.code, ErrorMessage: m.peek("errorMessage")}
	}
	return a
}

func (m *mapping) cloud() Cloud {
	c := Cloud{Provider: "AWS", Region: m.peek("awsRegion")}
	if id := m.peek("recipientAccountId"); id != "" {
		c.Account = account(id)
	}
	return c
}

// account is an AWS account.
func account(id string) *Account { return &Account{TypeID: 10, Type: "AWS Account", UID: id} }

func (m *mapping) metadata(c *Class) Metadata {
	p := Product{Name: "Trailgate", VendorName: "Trailgate", Version: m.text("eventVersion")}
	switch {
	case m.ours():
	case m.aws():
		p.Name, p.VendorName = "CloudTrail", "AWS"
	case m.source == "":
		p.Name, p.VendorName = unknown, unknown
	default:
		p.Name, p.VendorName = m.source, m.source
	}
	if category := m.text("eventCategory"); category != "" {
		p.Feature = &Feature{category}
	}
	return Metadata{
		Version: Version, Product: p, Profiles: c.Profiles,
		UID: m.text("eventID"), EventCode: m.text("eventType"), CorrelationUID: m.text("requestParameters.sessionId"),
		TenantUID: m.text("recipientAccountId"), OriginalTime: m.timeText,
	}
}

// actor is who acted, with their session.
func (m *mapping) actor() Actor {
	u := m.identity()
	a := Actor{User: &u, Session: m.session(), InvokedBy: m.text("userIdentity.invokedBy")}
	if provider := m.text("userIdentity.identityProvider"); provider != "" {
		a.IDP = &IDP{Name: provider}
	}
	if agent := m.peek("userAgent"); strings.HasPrefix(agent, "SSH-") {
		a.AppName = m.text("userAgent")
	}
	decision := "allowed"
	if m.code != "" {
		decision = "denied"
	}
	for _, name := range m.texts("serviceEventDetails.policies") {
		a.Authorizations = append(a.Authorizations, Authorization{Decision: decision, Policy: &Policy{Name: name}})
	}
	return a
}

// identity is userIdentity. Somebody who has no name, ARN or account is Unknown.
func (m *mapping) identity() User {
	u := User{
		Type: m.text("userIdentity.type"), Name: m.text("userIdentity.userName"), UID: m.text("userIdentity.arn"),
		UIDAlt: m.text("userIdentity.principalId"), CredentialUID: m.text("userIdentity.accessKeyId"),
	}
	switch u.Type {
	case "Root":
		u.TypeID = 2
	case "AWSService", "Service":
		u.TypeID = 3
	case "", "Unknown":
		u.TypeID, u.Type = 0, unknown
	default:
		u.TypeID = 1
	}
	if id := m.text("userIdentity.accountId"); id != "" {
		u.Account = account(id)
	}
	if u.Name == "" && u.UID == "" && u.Account == nil {
		if u.Name = u.UIDAlt; u.Name == "" {
			u.Name = unknown
		}
	}
	return u
}

// session is the session that acts: an SSH session's id where there is one.
func (m *mapping) session() *Session {
	s := Session{
		UID: m.peek("requestParameters.sessionId"), Issuer: m.text("userIdentity.sessionContext.sessionIssuer.arn"),
		CreatedTime: m.moment("userIdentity.sessionContext.attributes.creationDate"),
		IsMFA:       m.truth("additionalEventData.MFAAuthenticated"), Terminal: m.text("requestParameters.term"),
	}
	if proven := m.truth("userIdentity.sessionContext.attributes.mfaAuthenticated"); s.IsMFA == nil {
		s.IsMFA = proven
	}
	if s == (Session{}) {
		return nil
	}
	if s.UID != "" {
		s.IsRemote = ptr(true)
	}
	return &s
}

// from is where it came from: an address, or the name of a service.
func (m *mapping) from() Endpoint {
	e := Endpoint{Port: m.number("requestParameters.sourcePort")}
	switch at := m.text("sourceIPAddress"); {
	case isIP(at):
		e.IP = at
	case at != "":
		e.SvcName = at
	case m.source != "":
		e.SvcName = m.source
	default:
		e.Name = unknown
	}
	return e
}

// gate is Trailgate as an end of a connection, or a proxy on its way.
func (m *mapping) gate() *Endpoint {
	if m.source == "" {
		return &Endpoint{SvcName: "Trailgate"}
	}
	return &Endpoint{SvcName: m.source}
}

// target is the target in the request as an endpoint; nil when none is named.
func (m *mapping) target() *Endpoint {
	name := m.text("requestParameters.target")
	if name == "" {
		return nil
	}
	e := &Endpoint{TypeID: ptr(int32(1)), Type: "Server", Name: name}
	if host, port, ok := hostPort(m.peek("requestParameters.address")); ok {
		m.text("requestParameters.address")
		e.place(host)
		e.Port = &port
	}
	return e
}

// place says where an endpoint is.
func (e *Endpoint) place(host string) {
	if isIP(host) {
		e.IP = host
	} else {
		e.Hostname = host
	}
}

// device is the target as the place of a process or a file.
func (m *mapping) device() *Device {
	e := m.target()
	if e == nil {
		return nil
	}
	return &Device{TypeID: 1, Type: e.Type, Name: e.Name, Hostname: e.Hostname, IP: e.IP}
}

// http is the user agent of a call that came over HTTP.
func (m *mapping) http() *HTTPRequest {
	if agent := m.text("userAgent"); agent != "" {
		return &HTTPRequest{agent}
	}
	return nil
}

// control is whether it was let happen.
func (m *mapping) control() Control {
	if denied(m.code) {
		return Control{2, "Denied", 2, "Blocked"}
	}
	return Control{1, "Allowed", 1, "Allowed"}
}

// traffic is the byte counts of a close, or nil.
func (m *mapping) traffic() *Traffic {
	in, out := m.long("serviceEventDetails.bytesReceived"), m.long("serviceEventDetails.bytesSent")
	if in == nil || out == nil {
		return nil
	}
	return &Traffic{*in + *out, *in, *out}
}

// connection is the transport the record belongs to.
func (m *mapping) connection() *ConnectionInfo {
	return &ConnectionInfo{DirectionID: 1, Direction: "Inbound", ProtocolName: "tcp", ProtocolNum: ptr(int32(6)), UID: m.peek("requestID")}
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func hostPort(s string) (host string, port int32, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 1 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	return strings.Trim(s[:i], "[]"), int32(n), err == nil
}
