package cloudtrail

import (
	"context"
	"time"

	"github.com/trailgate/trailgate/event"
)

// The trail, as AWS describes trails: there is one, in one region, of all
// events, with digests.

type trailInfo struct {
	Name                       string
	S3BucketName               string
	S3KeyPrefix                string `json:",omitempty"`
	IncludeGlobalServiceEvents bool
	IsMultiRegionTrail         bool
	HomeRegion                 string
	TrailARN                   string
	LogFileValidationEnabled   bool
	HasCustomEventSelectors    bool
	HasInsightSelectors        bool
	IsOrganizationTrail        bool
}

func (s *Server) trailInfo() trailInfo {
	return trailInfo{
		Name: s.Name, S3BucketName: s.Bucket.Name(), S3KeyPrefix: s.Prefix, HomeRegion: s.Origin.Region, TrailARN: s.trailARN(),
		LogFileValidationEnabled: true,
	}
}

type describeTrails struct {
	TrailNameList       []string `json:"trailNameList"`
	IncludeShadowTrails *bool    `json:"includeShadowTrails"`
}

func (in *describeTrails) event() event.Event {
	return event.DescribeTrails{Names: in.TrailNameList, Shadow: in.IncludeShadowTrails}
}

func (in *describeTrails) serve(_ context.Context, c *call) (any, error) {
	out := map[string][]trailInfo{"trailList": {}}
	if len(in.TrailNameList) == 0 {
		out["trailList"] = []trailInfo{c.s.trailInfo()}
	}
	for _, name := range in.TrailNameList {
		switch err := c.s.checkTrail(name); {
		case err == nil:
			out["trailList"] = []trailInfo{c.s.trailInfo()}
		case answerOf(err).code != "TrailNotFoundException": // a trail that is not there is left out
			return nil, err
		}
	}
	return out, nil
}

type getTrail struct{ Name string }

func (in *getTrail) event() event.Event { return event.GetTrail{Name: in.Name} }

func (in *getTrail) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.checkTrail(in.Name); err != nil {
		return nil, err
	}
	return map[string]trailInfo{"Trail": c.s.trailInfo()}, nil
}

type listTrails struct{ NextToken string }

func (in *listTrails) event() event.Event { return event.ListTrails{NextToken: in.NextToken} }

func (in *listTrails) serve(_ context.Context, c *call) (any, error) {
	type one struct{ TrailARN, Name, HomeRegion string }
	return map[string][]one{"Trails": {{c.s.trailARN(), c.s.Name, c.s.Origin.Region}}}, nil
}

type getTrailStatus struct{ Name string }

func (in *getTrailStatus) event() event.Event { return event.GetTrailStatus{Name: in.Name} }

type trailStatus struct {
	IsLogging                          bool
	LatestDeliveryError                string `json:",omitempty"`
	LatestDeliveryTime                 epoch  `json:",omitzero"`
	StartLoggingTime                   epoch  `json:",omitzero"`
	LatestDigestDeliveryTime           epoch  `json:",omitzero"`
	LatestDigestDeliveryError          string `json:",omitempty"`
	LatestDeliveryAttemptTime          string
	LatestDeliveryAttemptSucceeded     string
	LatestNotificationAttemptTime      string
	LatestNotificationAttemptSucceeded string
	TimeLoggingStarted                 string
	TimeLoggingStopped                 string
}

func (in *getTrailStatus) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.checkTrail(in.Name); err != nil {
		return nil, err
	}
	text := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	d := c.s.Delivery()
	out := trailStatus{
		IsLogging: true, StartLoggingTime: epoch{d.Started}, TimeLoggingStarted: text(d.Started),
		LatestDeliveryTime: epoch{d.Latest}, LatestDeliveryError: d.LatestError, LatestDeliveryAttemptTime: text(d.LatestAttempt),
		LatestDigestDeliveryTime: epoch{d.Digest}, LatestDigestDeliveryError: d.DigestError,
	}
	if d.LatestError == "" {
		out.LatestDeliveryAttemptSucceeded = text(d.LatestAttempt)
	} else {
		out.LatestDeliveryAttemptSucceeded = text(d.Latest)
	}
	return out, nil
}

type listPublicKeys struct {
	StartTime, EndTime epoch
	NextToken          string
}

func (in *listPublicKeys) event() event.Event {
	return event.ListPublicKeys{Start: in.StartTime.stamp(), End: in.EndTime.stamp(), NextToken: in.NextToken}
}

func (in *listPublicKeys) serve(_ context.Context, c *call) (any, error) {
	from, to := in.StartTime.Time, in.EndTime.Time
	if from.IsZero() {
		from = c.now
		if !to.IsZero() {
			from = to
		}
	}
	if to.IsZero() {
		to = c.now
		if from.After(to) {
			to = from
		}
	}
	switch {
	case in.NextToken != "":
		return nil, refuse("InvalidTokenException", "the list of keys has one page")
	case from.After(to):
		return nil, refuse("InvalidTimeRangeException", "StartTime is after EndTime")
	}
	type key struct {
		Value             []byte
		ValidityStartTime epoch
		ValidityEndTime   epoch
		Fingerprint       string
	}
	keys := []key{}
	for _, k := range c.s.PublicKeys(from, to) {
		keys = append(keys, key{k.DER, epoch{k.From}, epoch{k.To}, k.Fingerprint})
	}
	return map[string][]key{"PublicKeyList": keys}, nil
}

type listTags struct {
	ResourceIdList []string
	NextToken      string
}

func (in *listTags) event() event.Event {
	return event.ListTags{Resources: in.ResourceIdList, NextToken: in.NextToken}
}

func (in *listTags) serve(_ context.Context, c *call) (any, error) {
	type tags struct {
		ResourceId string
		TagsList   []struct{}
	}
	if len(in.ResourceIdList) == 0 || len(in.ResourceIdList) > 20 {
		return nil, refuse("InvalidParameterException", "ResourceIdList has %d ARNs, not 1 to 20", len(in.ResourceIdList))
	}
	list := []tags{}
	for _, arn := range in.ResourceIdList {
		if arn != c.s.trailARN() && arn != c.s.storeARN() && arn != c.s.channelARN() {
			return nil, refuse("ResourceNotFoundException", "there is no %.200s", arn)
		}
		list = append(list, tags{arn, []struct{}{}})
	}
	return map[string][]tags{"ResourceTagList": list}, nil
}

// selector is an advanced event selector.
type selector struct {
	Name           string
	FieldSelectors []fieldSelector
}

type fieldSelector struct {
	Field  string
	Equals []string
}

// selectors say what the trail takes: everything.
func selectors() []selector {
	var all []selector
	for _, category := range []string{event.Management, event.Data, event.Audit} {
		all = append(all, selector{category + " events", []fieldSelector{{"eventCategory", []string{category}}}})
	}
	return all
}

type getEventSelectors struct{ TrailName string }

func (in *getEventSelectors) event() event.Event { return event.GetEventSelectors{Name: in.TrailName} }

func (in *getEventSelectors) serve(_ context.Context, c *call) (any, error) {
	if err := c.s.checkTrail(in.TrailName); err != nil {
		return nil, err
	}
	return struct {
		TrailARN               string
		AdvancedEventSelectors []selector
	}{c.s.trailARN(), selectors()}, nil
}

type getInsightSelectors struct{ TrailName, EventDataStore string }

func (in *getInsightSelectors) event() event.Event {
	return event.GetInsightSelectors{Name: in.TrailName, Store: in.EventDataStore}
}

func (in *getInsightSelectors) serve(_ context.Context, c *call) (any, error) {
	arn, err := c.s.trailOrStore(in.TrailName, in.EventDataStore)
	if err != nil {
		return nil, err
	}
	return nil, refuse("InsightNotEnabledException", "%s does not have Insights: runbooks raise alarms instead", arn)
}

// trailOrStore is the ARN of the one of the two that is given.
func (s *Server) trailOrStore(trail, store string) (string, error) {
	switch {
	case (trail == "") == (store == ""):
		return "", refuse("InvalidParameterCombinationException", "give a TrailName or an EventDataStore, and not both")
	case trail != "":
		return s.trailARN(), s.checkTrail(trail)
	}
	return s.storeARN(), s.checkStore(store)
}

type getEventConfiguration struct{ TrailName, EventDataStore string }

func (in *getEventConfiguration) event() event.Event {
	return event.GetEventConfiguration{Name: in.TrailName, Store: in.EventDataStore}
}

func (in *getEventConfiguration) serve(_ context.Context, c *call) (any, error) {
	arn, err := c.s.trailOrStore(in.TrailName, in.EventDataStore)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"MaxEventSize": "Standard", "ContextKeySelectors": []string{}, "AggregationConfigurations": []string{}}
	if in.TrailName != "" {
		out["TrailARN"] = arn
	} else {
		out["EventDataStoreArn"] = arn
	}
	return out, nil
}
