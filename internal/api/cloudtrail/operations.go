package cloudtrail

import (
	"context"
	"reflect"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
)

// operation is one of the API's: who may call it, and its input.
type operation struct {
	needs []policy.Action // one of them
	input func() request
}

// on makes an operation whose input is an In.
func on[In any, P interface {
	*In
	request
}](needs ...policy.Action) operation {
	return operation{needs, func() request { return P(new(In)) }}
}

// Who may call what. What says something about the trail but nothing of what
// is in it is for whoever may read any of it.
var (
	reading  = []policy.Action{policy.ReadTrail, policy.ReadOwnEvents}
	anything = []policy.Action{policy.ReadTrail, policy.ReadLogFiles, policy.ReadOwnEvents, policy.PutAuditEvents}
	files    = []policy.Action{policy.ReadLogFiles, policy.ReadTrail}
)

// operations are all 60 of the model, and PutAuditEvents of the other one.
var operations = func() map[string]operation {
	all := map[string]operation{
		"LookupEvents":          on[lookupEvents](reading...),
		"StartQuery":            on[startQuery](reading...),
		"DescribeQuery":         on[describeQuery](reading...),
		"GetQueryResults":       on[getQueryResults](reading...),
		"ListQueries":           on[listQueries](reading...),
		"CancelQuery":           on[cancelQuery](reading...),
		"SearchSampleQueries":   on[searchSampleQueries](reading...),
		"ListPublicKeys":        on[listPublicKeys](files...),
		"DescribeTrails":        on[describeTrails](anything...),
		"GetTrail":              on[getTrail](anything...),
		"ListTrails":            on[listTrails](anything...),
		"GetTrailStatus":        on[getTrailStatus](anything...),
		"ListEventDataStores":   on[listEventDataStores](anything...),
		"GetEventDataStore":     on[getEventDataStore](anything...),
		"ListTags":              on[listTags](anything...),
		"GetEventSelectors":     on[getEventSelectors](anything...),
		"GetInsightSelectors":   on[getInsightSelectors](anything...),
		"GetEventConfiguration": on[getEventConfiguration](anything...),
		"ListChannels":          on[listChannels](anything...),
		"GetChannel":            on[getChannel](anything...),
		"GetResourcePolicy":     on[getResourcePolicy](anything...),
		"PutAuditEvents":        on[putAuditEvents](policy.PutAuditEvents),
	}
	for _, e := range refused {
		all[event.Name(e.event)] = operation{anything, func() request { return &refusedCall{kind: e} }}
	}
	return all
}()

// refusal is an operation that Trailgate does not have, and the member of its
// input that says what it is about.
type refusal struct {
	event  event.Event
	member string
}

var refused = []refusal{
	{event.AddTags{}, "ResourceId"},
	{event.CreateChannel{}, "Name"},
	{event.CreateDashboard{}, "Name"},
	{event.CreateEventDataStore{}, "Name"},
	{event.CreateTrail{}, "Name"},
	{event.DeleteChannel{}, "Channel"},
	{event.DeleteDashboard{}, "DashboardId"},
	{event.DeleteEventDataStore{}, "EventDataStore"},
	{event.DeleteResourcePolicy{}, "ResourceArn"},
	{event.DeleteTrail{}, "Name"},
	{event.DeregisterOrganizationDelegatedAdmin{}, "DelegatedAdminAccountId"},
	{event.DisableFederation{}, "EventDataStore"},
	{event.EnableFederation{}, "EventDataStore"},
	{event.GenerateQuery{}, "Prompt"},
	{event.GetDashboard{}, "DashboardId"},
	{event.GetImport{}, "ImportId"},
	{event.ListDashboards{}, "NamePrefix"},
	{event.ListImportFailures{}, "ImportId"},
	{event.ListImports{}, "Destination"},
	{event.ListInsightsData{}, "InsightSource"},
	{event.ListInsightsMetricData{}, "EventSource"},
	{event.PutEventConfiguration{}, "EventDataStore"},
	{event.PutEventSelectors{}, "TrailName"},
	{event.PutInsightSelectors{}, "TrailName"},
	{event.PutResourcePolicy{}, "ResourceArn"},
	{event.RegisterOrganizationDelegatedAdmin{}, "MemberAccountId"},
	{event.RemoveTags{}, "ResourceId"},
	{event.RestoreEventDataStore{}, "EventDataStore"},
	{event.StartDashboardRefresh{}, "DashboardId"},
	{event.StartEventDataStoreIngestion{}, "EventDataStore"},
	{event.StartImport{}, "ImportId"},
	{event.StartLogging{}, "Name"},
	{event.StopEventDataStoreIngestion{}, "EventDataStore"},
	{event.StopImport{}, "ImportId"},
	{event.StopLogging{}, "Name"},
	{event.UpdateChannel{}, "Channel"},
	{event.UpdateDashboard{}, "DashboardId"},
	{event.UpdateEventDataStore{}, "EventDataStore"},
	{event.UpdateTrail{}, "Name"},
}

// refusedCall is a call of an operation that Trailgate does not have.
type refusedCall struct {
	kind  refusal
	about string
}

// UnmarshalJSON keeps what the call was about, and skips the rest.
func (in *refusedCall) UnmarshalJSON(b []byte) error {
	var members map[string]any
	if err := unmarshalAny(b, &members); err != nil {
		return err
	}
	in.about, _ = members[in.kind.member].(string)
	return nil
}

// event sets the one field that these events have.
func (in *refusedCall) event() event.Event {
	v := reflect.New(reflect.TypeOf(in.kind.event)).Elem()
	v.FieldByName("Name").SetString(in.about)
	return v.Interface().(event.Event)
}

func (in *refusedCall) serve(context.Context, *call) (any, error) {
	return nil, refuse("UnsupportedOperationException", "Trailgate does not have this operation: the trail is administered with the trailgate command.")
}
