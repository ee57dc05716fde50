package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// LookupEvents: management events of the last 90 days, newest first. It is
// answered with SQL like every other question, so that one place bounds rows.

const (
	lookupSpan  = 90 * 24 * time.Hour
	lookupBatch = 500
	lookupLimit = 20 * time.Second
	// lookupScans bounds how many batches one call looks through when the filter
	// is on what no column has; the answer then has a token and fewer events.
	lookupScans = 10
	maxValue    = 2000
)

type lookupAttribute struct{ AttributeKey, AttributeValue string }

type lookupEvents struct {
	LookupAttributes   []lookupAttribute
	StartTime, EndTime epoch
	EventCategory      string
	MaxResults         *int
	NextToken          string `json:",omitempty"`
}

func (in *lookupEvents) event() event.Event {
	e := event.LookupEvents{Start: in.StartTime.stamp(), End: in.EndTime.stamp(), Category: in.EventCategory, Max: in.MaxResults, NextToken: in.NextToken}
	for _, a := range in.LookupAttributes {
		e.Attributes = append(e.Attributes, map[string]string{"attributeKey": a.AttributeKey, "attributeValue": a.AttributeValue})
	}
	return e
}

// found is one event of the answer.
type found struct {
	EventId         string     `json:",omitempty"`
	EventName       string     `json:",omitempty"`
	ReadOnly        string     `json:",omitempty"`
	AccessKeyId     string     `json:",omitempty"`
	EventTime       epoch      `json:",omitzero"`
	EventSource     string     `json:",omitempty"`
	Username        string     `json:",omitempty"`
	Resources       []resource `json:",omitempty"`
	CloudTrailEvent string
}

type resource struct {
	ResourceType string `json:",omitempty"`
	ResourceName string `json:",omitempty"`
}

// before is a place in the answer: the events before this one, newest first.
type before struct {
	Time time.Time
	ID   string
}

func (in *lookupEvents) serve(ctx context.Context, c *call) (any, error) {
	most, err := in.check(c)
	if err != nil {
		return nil, err
	}
	bare := *in
	bare.NextToken, bare.MaxResults = "", nil
	about, at := pageOfCall(c, "LookupEvents", bare), before{}
	if in.NextToken != "" {
		if err := c.place(about, in.NextToken, &at); err != nil {
			return nil, err
		}
	}
	if !c.s.lookups.admit(c.who.ARN(), c.now) {
		return nil, errThrottled
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	if err := c.s.Queries.Wait(ctx, c.s.Journal.Head().Seq); err != nil {
		return nil, errBusy
	}
	out, more, err := in.find(ctx, c, at, most)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"Events": out}
	if more != (before{}) {
		answer["NextToken"] = c.next(about, more)
	}
	return answer, nil
}

// check holds the input to the model.
func (in *lookupEvents) check(c *call) (most int, err error) {
	if most, err = within(in.MaxResults, 1, 50, 50, "InvalidMaxResultsException"); err != nil {
		return 0, err
	}
	switch {
	case len(in.LookupAttributes) > 1:
		return 0, refuse("InvalidLookupAttributesException", "LookupAttributes has %d items: at most one is allowed", len(in.LookupAttributes))
	case in.EventCategory != "" && in.EventCategory != "insight":
		return 0, refuse("InvalidEventCategoryException", "%.100q is not a category of events: insight is the only one", in.EventCategory)
	case !in.StartTime.IsZero() && !in.EndTime.IsZero() && in.StartTime.After(in.EndTime.Time):
		return 0, refuse("InvalidTimeRangeException", "StartTime is after EndTime")
	}
	for _, a := range in.LookupAttributes {
		length := len([]rune(a.AttributeValue))
		for _, double := range "_ ,\n" {
			length += strings.Count(a.AttributeValue, string(double))
		}
		switch {
		case length < 1 || length > maxValue:
			return 0, refuse("InvalidLookupAttributesException", "the value of %.100q has %d characters, not 1 to %d", a.AttributeKey, length, maxValue)
		case lookupFilter(a) == "":
			return 0, refuse("InvalidLookupAttributesException", "%.100q is not an attribute of events", a.AttributeKey)
		}
	}
	return most, nil
}

// lookupFilter is a filter in SQL; empty for an attribute that there is not.
// What no column has is looked for in the record's text, and then in the event.
func lookupFilter(a lookupAttribute) string {
	v := quoted(a.AttributeValue)
	switch a.AttributeKey {
	case "EventId":
		return "eventID = " + v
	case "EventName":
		return "eventName = " + v
	case "EventSource":
		return "eventSource = " + v
	case "AccessKeyId":
		return "userIdentity.accessKeyId = " + v
	case "ReadOnly":
		switch a.AttributeValue {
		case "true":
			return "readOnly"
		case "false":
			return "NOT readOnly"
		}
		return "FALSE"
	case "Username":
		if a.AttributeValue == "root" {
			return "(userName = 'root' OR userIdentity.type = 'Root')"
		}
		return "(userName = " + v + " OR userName IS NULL AND strpos(eventJson, " + v + ") > 0)"
	case "ResourceType", "ResourceName":
		return "(strpos(eventJson, " + jsonText(a.AttributeValue) + ") > 0 OR target IS NOT NULL OR sessionId IS NOT NULL)"
	}
	return ""
}

// matches holds an event to a filter that SQL could only narrow.
func (f found) matches(attributes []lookupAttribute) bool {
	for _, a := range attributes {
		switch a.AttributeKey {
		case "Username":
			if f.Username != a.AttributeValue {
				return false
			}
		case "ResourceType", "ResourceName":
			any := false
			for _, r := range f.Resources {
				any = any || a.AttributeKey == "ResourceType" && r.ResourceType == a.AttributeValue || a.AttributeKey == "ResourceName" && r.ResourceName == a.AttributeValue
			}
			if !any {
				return false
			}
		}
	}
	return true
}

// quoted is a literal in SQL.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// jsonText is a literal of s as it stands inside a record's text.
func jsonText(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // records have & < > as they are
	if err := enc.Encode(s); err != nil {
		panic(fmt.Sprintf("cloudtrail: a string is not JSON: %v", err))
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return quoted(text[1 : len(text)-1])
}

// find reads batches until there are enough events. more is where the next
// page begins, zero when there is none.
func (in *lookupEvents) find(ctx context.Context, c *call, at before, most int) (out []found, more before, err error) {
	out = []found{}
	for range lookupScans {
		stmt, err := in.statement(c, at)
		if err != nil {
			return nil, more, err
		}
		res, err := c.s.Queries.Query(ctx, query.Request{Statement: stmt, Only: c.only(), MaxRows: lookupBatch, Timeout: lookupLimit})
		switch {
		case errors.Is(err, query.ErrUnavailable), errors.Is(err, query.ErrLimit):
			return nil, more, errBusy
		case err != nil:
			return nil, more, fmt.Errorf("look up events: %w", err)
		}
		for _, row := range res.Rows {
			f, ok := foundOf(row)
			if !ok {
				continue
			}
			if len(out) == most {
				return out, at, nil
			}
			at = before{f.EventTime.Time, f.EventId}
			if f.matches(in.LookupAttributes) {
				out = append(out, f)
			}
		}
		if len(res.Rows) < lookupBatch {
			return out, before{}, nil
		}
	}
	return out, at, nil
}

// statement is the SQL of one batch.
func (in *lookupEvents) statement(c *call, at before) (*sqlfront.Statement, error) {
	from := c.now.Add(-lookupSpan)
	if in.StartTime.After(from) {
		from = in.StartTime.Time
	}
	category := event.Management
	if in.EventCategory != "" {
		category = event.Insight
	}
	where := []string{"eventCategory = " + quoted(category), "eventTime >= " + sqlTime(from)}
	if !in.EndTime.IsZero() {
		where = append(where, "eventTime <= "+sqlTime(in.EndTime.Time))
	}
	for _, a := range in.LookupAttributes {
		where = append(where, lookupFilter(a))
	}
	if at != (before{}) {
		t := sqlTime(at.Time)
		where = append(where, "(eventTime < "+t+" OR eventTime = "+t+" AND eventID < "+quoted(at.ID)+")")
	}
	stmt, err := sqlfront.Parse("SELECT eventTime, eventID, eventJson FROM CloudTrailHistory WHERE " + strings.Join(where, " AND ") +
		fmt.Sprintf(" ORDER BY eventTime DESC, eventID DESC LIMIT %d", lookupBatch))
	if err == nil {
		err = stmt.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		// All of it is ours but the values.
		return nil, refuse("InvalidLookupAttributesException", "the value of the attribute cannot be looked for")
	}
	return stmt, nil
}

func sqlTime(t time.Time) string {
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02 15:04:05.000000") + "'"
}

// foundOf makes an event of the answer of a row.
func foundOf(row []any) (f found, ok bool) {
	at, _ := row[0].(time.Time)
	id, _ := row[1].(string)
	text, ok := row[2].(string)
	if !ok || at.IsZero() || id == "" { // it could not be named, nor the next page begin after it
		return f, false
	}
	var rec struct {
		EventName, EventSource string
		ReadOnly               any
		UserIdentity           struct {
			Type, UserName, PrincipalID, ARN, AccessKeyID string
		}
		Resources []struct{ ARN, Type string }
		// These three are where our own events name what they are about.
		RequestParameters struct{ Target, SessionID, UserName string }
	}
	// What is of another shape is left out: the whole text is in the answer.
	_ = json.Unmarshal([]byte(text), &rec)
	f = found{EventId: id, EventName: rec.EventName, EventSource: rec.EventSource, AccessKeyId: rec.UserIdentity.AccessKeyID, EventTime: epoch{at}, CloudTrailEvent: text}
	switch v := rec.ReadOnly.(type) {
	case bool:
		f.ReadOnly = fmt.Sprint(v)
	case string:
		f.ReadOnly = v
	}
	switch u := rec.UserIdentity; {
	case u.UserName != "":
		f.Username = u.UserName
	case u.Type == "Root":
		f.Username = "root"
	case u.Type == "AssumedRole" || u.Type == "FederatedUser":
		if _, session, ok := strings.Cut(u.PrincipalID, ":"); ok {
			f.Username = session
		}
	}
	for _, r := range rec.Resources {
		f.Resources = append(f.Resources, resource{r.Type, r.ARN})
	}
	for _, r := range []resource{{"Trailgate::Target", rec.RequestParameters.Target}, {"Trailgate::Session", rec.RequestParameters.SessionID}} {
		if r.ResourceName != "" {
			f.Resources = append(f.Resources, r)
		}
	}
	return f, true
}
