package cloudtrail

import (
	"context"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
)

// The trail once more, as CloudTrail Lake has it: an event data store, and the
// channel through which events from outside come into it.

// lakeDays are the days a store may keep events for.
const lakeDays = 3653

type storeInfo struct {
	EventDataStoreArn            string
	Name                         string
	Status                       string
	AdvancedEventSelectors       []selector
	MultiRegionEnabled           bool
	OrganizationEnabled          bool
	RetentionPeriod              int
	TerminationProtectionEnabled bool
	CreatedTimestamp             epoch
	UpdatedTimestamp             epoch
	BillingMode                  string      `json:",omitempty"`
	FederationStatus             string      `json:",omitempty"`
	PartitionKeys                []partition `json:",omitempty"`
}

type partition struct{ Name, Type string }

func (s *Server) storeInfo() storeInfo {
	days := lakeDays
	if s.Retention > 0 {
		days = min(max(int(s.Retention/(24*time.Hour)), 7), lakeDays)
	}
	return storeInfo{
		EventDataStoreArn: s.storeARN(), Name: s.Name, Status: "ENABLED", AdvancedEventSelectors: selectors(), RetentionPeriod: days,
		TerminationProtectionEnabled: true, CreatedTimestamp: epoch{s.Created}, UpdatedTimestamp: epoch{s.Created},
	}
}

type listEventDataStores struct {
	MaxResults *int
	NextToken  string
}

func (in *listEventDataStores) event() event.Event {
	return event.ListEventDataStores{Max: in.MaxResults, NextToken: in.NextToken}
}

func (in *listEventDataStores) serve(_ context.Context, c *call) (any, error) {
	if _, err := within(in.MaxResults, 1, 1000, 1000, "InvalidMaxResultsException"); err != nil {
		return nil, err
	}
	if in.NextToken != "" {
		return nil, refuse("InvalidNextTokenException", "the list has one page")
	}
	return map[string][]storeInfo{"EventDataStores": {c.s.storeInfo()}}, nil
}

type getEventDataStore struct{ EventDataStore string }

func (in *getEventDataStore) event() event.Event {
	return event.GetEventDataStore{Store: in.EventDataStore}
}

func (in *getEventDataStore) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.checkStore(in.EventDataStore); err != nil {
		return nil, err
	}
	out := c.s.storeInfo()
	out.BillingMode, out.FederationStatus = "EXTENDABLE_RETENTION_PRICING", "DISABLED"
	out.PartitionKeys = []partition{{"calendarday", "string"}}
	return out, nil
}

type listChannels struct {
	MaxResults *int
	NextToken  string
}

func (in *listChannels) event() event.Event {
	return event.ListChannels{Max: in.MaxResults, NextToken: in.NextToken}
}

func (in *listChannels) serve(_ context.Context, c *call) (any, error) {
	if _, err := within(in.MaxResults, 1, 1000, 1000, "InvalidMaxResultsException"); err != nil {
		return nil, err
	}
	if in.NextToken != "" {
		return nil, refuse("InvalidNextTokenException", "the list has one page")
	}
	type channel struct{ ChannelArn, Name string }
	return map[string][]channel{"Channels": {{c.s.channelARN(), c.s.Name}}}, nil
}

type getChannel struct{ Channel string }

func (in *getChannel) event() event.Event { return event.GetChannel{Channel: in.Channel} }

func (in *getChannel) serve(_ context.Context, c *call) (any, error) {
	if in.Channel != c.s.channelARN() && !strings.EqualFold(in.Channel, c.s.StoreID) {
		if len(in.Channel) != 36 && !strings.HasPrefix(in.Channel, "arn:") {
			return nil, refuse("ChannelARNInvalidException", "%.200q is not the ARN or ID of a channel", in.Channel)
		}
		return nil, refuse("ChannelNotFoundException", "There is no channel %.200q; the one here is %s", in.Channel, c.s.channelARN())
	}
	type destination struct{ Type, Location string }
	return map[string]any{
		"ChannelArn": c.s.channelARN(), "Name": c.s.Name, "Source": "Custom",
		"Destinations": []destination{{"EVENT_DATA_STORE", c.s.storeARN()}},
	}, nil
}

type getResourcePolicy struct{ ResourceArn string }

func (in *getResourcePolicy) event() event.Event {
	return event.GetResourcePolicy{Resource: in.ResourceArn}
}

func (in *getResourcePolicy) serve(_ context.Context, c *call) (any, error) {
	switch in.ResourceArn {
	case c.s.storeARN(), c.s.channelARN():
		return nil, refuse("ResourcePolicyNotFoundException", "%s has no resource policy: trailgate policy list shows what decides here", in.ResourceArn)
	}
	return nil, refuse("ResourceNotFoundException", "there is no %.200s", in.ResourceArn)
}
