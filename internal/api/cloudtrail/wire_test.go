package cloudtrail

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awstrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
)

func TestBothSpellingsOfATarget(t *testing.T) {
	for header, want := range map[string]string{
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents": "LookupEvents",
		"CloudTrail_20131101.GetTrail":                                        "GetTrail",
		"CloudTrail_20131101":                                                 "",
		"CloudTrail_20121101.GetTrail":                                        "",
		"GetTrail":                                                            "",
		"":                                                                    "",
		"CloudTrail_20131101.":                                                "",
	} {
		if got := targetOf(header); got != want {
			t.Errorf("targetOf(%q) = %q, want %q", header, got, want)
		}
	}
}

// What is no call of the API says so in the API's words.
func TestStrangeCalls(t *testing.T) {
	w := newWorld(t)
	if a := w.call("admin", "MakeCoffee", "{}"); a.status != 404 || a.code() != "UnknownOperationException" {
		t.Errorf("an unknown operation: %d %s", a.status, a.body)
	}
	if a := w.call("admin", "PutAuditEvents", "{}"); a.status != 404 {
		t.Errorf("the other endpoint's operation: %d %s", a.status, a.body)
	}
	r := w.request("POST", "/service/CloudTrail_20131101/operation/GetTrail", nil)
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	if a := w.send(r); a.status != 404 || a.code() != "UnknownOperationException" {
		t.Errorf("rpc-v2-cbor: %d %s", a.status, a.body)
	}
	for _, body := range []string{"{", "[]", `"x"`, `{"MaxResults":"5"}`, `{} {}`, `{"StartTime":"now"}`, `{"StartTime":1e300}`, "\xff\xfe"} {
		if a := w.call("admin", "LookupEvents", body); a.status != 400 || a.code() != "SerializationException" {
			t.Errorf("the body %q: %d %s", body, a.status, a.body)
		}
	}
	large := `{"QueryStatement":"` + strings.Repeat("x", maxJSON) + `"}`
	if a := w.call("admin", "StartQuery", large); a.status != 413 {
		t.Errorf("a body of %d bytes: %d %s", len(large), a.status, a.body)
	}
	if a := w.call("admin", "DescribeTrails", ""); a.status != 200 || a.header.Get("X-Amzn-Requestid") == "" || a.header.Get("Content-Type") != jsonType {
		t.Errorf("an empty body: %d %s %v", a.status, a.body, a.header)
	}
	for _, method := range []string{"PATCH", "POST", "OPTIONS"} {
		if a := w.s3("admin", method, "/"+bucket+"/AWSLogs/x"); a.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
}

func TestTimesAreNumbersOfSeconds(t *testing.T) {
	for text, want := range map[string]string{
		"1795132800": "2026-11-20T00:00:00Z", "1795377249.775": "2026-11-22T19:54:09.775Z", "1.795132800E9": "2026-11-20T00:00:00Z", "0": "1970-01-01T00:00:00Z",
	} {
		var e epoch
		if err := json.Unmarshal([]byte(text), &e); err != nil || e.Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v, %v, want %s", text, e, err, want)
		}
	}
	for _, text := range []string{`"1795132800"`, "-1", "1e99", "true", "{}"} {
		if err := json.Unmarshal([]byte(text), new(epoch)); err == nil {
			t.Errorf("%s is taken for a time", text)
		}
	}
	b, err := json.Marshal([]epoch{{time.Unix(1795132800, 0)}, {time.UnixMilli(1795377249775)}})
	if err != nil || string(b) != "[1795132800,1795377249.775]" {
		t.Errorf("times are written %s, %v", b, err)
	}
}

// Through AWS's own client, whose types say what must be there.
func TestTrailAsTheSDKSeesIt(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.sdk("admin"), t.Context()
	const trail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/trailgate"
	trails, err := c.DescribeTrails(ctx, &awstrail.DescribeTrailsInput{})
	if err != nil || len(trails.TrailList) != 1 || *trails.TrailList[0].TrailARN != trail || *trails.TrailList[0].S3BucketName != bucket || !*trails.TrailList[0].LogFileValidationEnabled {
		t.Fatalf("DescribeTrails = %+v, %v", trails, err)
	}
	one, err := c.GetTrail(ctx, &awstrail.GetTrailInput{Name: aws.String(trail)})
	if err != nil || *one.Trail.Name != "trailgate" || *one.Trail.HomeRegion != region {
		t.Errorf("GetTrail = %+v, %v", one, err)
	}
	all, err := c.ListTrails(ctx, &awstrail.ListTrailsInput{})
	if err != nil || len(all.Trails) != 1 || *all.Trails[0].TrailARN != trail {
		t.Errorf("ListTrails = %+v, %v", all, err)
	}
	status, err := c.GetTrailStatus(ctx, &awstrail.GetTrailStatusInput{Name: aws.String("trailgate")})
	if err != nil || !*status.IsLogging || status.LatestDeliveryTime == nil || status.LatestDigestDeliveryTime != nil || *status.TimeLoggingStarted == "" {
		t.Errorf("GetTrailStatus = %+v, %v", status, err)
	}
	keys, err := c.ListPublicKeys(ctx, &awstrail.ListPublicKeysInput{StartTime: aws.Time(time.Now().Add(-time.Minute)), EndTime: aws.Time(time.Now().Add(2 * time.Hour))})
	if err != nil || len(keys.PublicKeyList) != 1 || len(keys.PublicKeyList[0].Value) < 256 || len(*keys.PublicKeyList[0].Fingerprint) != 32 {
		t.Errorf("ListPublicKeys = %+v, %v", keys, err)
	}
	if old, err := c.ListPublicKeys(ctx, &awstrail.ListPublicKeysInput{StartTime: aws.Time(time.Unix(0, 0)), EndTime: aws.Time(time.Unix(1e9, 0))}); err != nil || len(old.PublicKeyList) != 0 {
		t.Errorf("keys of 2001 = %+v, %v", old, err)
	}
	stores, err := c.ListEventDataStores(ctx, &awstrail.ListEventDataStoresInput{})
	if err != nil || len(stores.EventDataStores) != 1 || *stores.EventDataStores[0].EventDataStoreArn != store {
		t.Errorf("ListEventDataStores = %+v, %v", stores, err)
	}
	for _, id := range []string{store, storeID, "eventdatastore/" + storeID} {
		got, err := c.GetEventDataStore(ctx, &awstrail.GetEventDataStoreInput{EventDataStore: aws.String(id)})
		if err != nil || got.Status != "ENABLED" || *got.RetentionPeriod != 400 || got.CreatedTimestamp == nil {
			t.Errorf("GetEventDataStore(%s) = %+v, %v", id, got, err)
		}
	}
	if got, err := c.GetChannel(ctx, &awstrail.GetChannelInput{Channel: aws.String(channel)}); err != nil || *got.Destinations[0].Location != store {
		t.Errorf("GetChannel = %+v, %v", got, err)
	}
	if got, err := c.ListChannels(ctx, &awstrail.ListChannelsInput{}); err != nil || *got.Channels[0].ChannelArn != channel {
		t.Errorf("ListChannels = %+v, %v", got, err)
	}
	if got, err := c.ListTags(ctx, &awstrail.ListTagsInput{ResourceIdList: []string{trail, store}}); err != nil || len(got.ResourceTagList) != 2 {
		t.Errorf("ListTags = %+v, %v", got, err)
	}
	if got, err := c.GetEventSelectors(ctx, &awstrail.GetEventSelectorsInput{TrailName: aws.String("trailgate")}); err != nil || len(got.AdvancedEventSelectors) != 3 {
		t.Errorf("GetEventSelectors = %+v, %v", got, err)
	}
	if got, err := c.GetEventConfiguration(ctx, &awstrail.GetEventConfigurationInput{TrailName: aws.String("trailgate")}); err != nil || got.MaxEventSize != "Standard" {
		t.Errorf("GetEventConfiguration = %+v, %v", got, err)
	}
	samples, err := c.SearchSampleQueries(ctx, &awstrail.SearchSampleQueriesInput{SearchPhrase: aws.String("sessions without mfa"), MaxResults: aws.Int32(2)})
	if err != nil || len(samples.SearchResults) != 2 || *samples.SearchResults[0].Name != "Sessions without MFA" || samples.NextToken == nil {
		t.Fatalf("SearchSampleQueries = %+v, %v", samples, err)
	}
	if next, err := c.SearchSampleQueries(ctx, &awstrail.SearchSampleQueriesInput{SearchPhrase: aws.String("sessions without mfa"), NextToken: samples.NextToken}); err != nil || len(next.SearchResults) == 0 {
		t.Errorf("the next page of samples = %+v, %v", next, err)
	}
}

func TestErrorsHaveTheModelsNames(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ operation, body, code string }{
		{"GetTrail", `{"Name":"other-trail"}`, "TrailNotFoundException"},
		{"GetTrail", `{"Name":"x"}`, "InvalidTrailNameException"},
		{"GetTrail", `{}`, "InvalidTrailNameException"},
		{"GetTrail", `{"Name":"arn:aws:s3:::b"}`, "CloudTrailARNInvalidException"},
		{"GetTrail", `{"Name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/other"}`, "TrailNotFoundException"},
		{"GetTrailStatus", `{"Name":"other-trail"}`, "TrailNotFoundException"},
		{"DescribeTrails", `{"trailNameList":["!"]}`, "InvalidTrailNameException"},
		{"GetEventDataStore", `{"EventDataStore":"arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/00000000-0000-0000-0000-000000000000"}`, "EventDataStoreNotFoundException"},
		{"GetEventDataStore", `{"EventDataStore":"arn:aws:s3:::b"}`, "EventDataStoreARNInvalidException"},
		{"GetEventDataStore", `{"EventDataStore":"a b"}`, "EventDataStoreARNInvalidException"},
		{"ListEventDataStores", `{"MaxResults":0}`, "InvalidMaxResultsException"},
		{"ListEventDataStores", `{"NextToken":"xxxx"}`, "InvalidNextTokenException"},
		{"ListPublicKeys", `{"StartTime":2000,"EndTime":1000}`, "InvalidTimeRangeException"},
		{"ListPublicKeys", `{"NextToken":"xxxx"}`, "InvalidTokenException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"a"},{"AttributeKey":"EventId","AttributeValue":"b"}]}`, "InvalidLookupAttributesException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"eventname","AttributeValue":"a"}]}`, "InvalidLookupAttributesException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":""}]}`, "InvalidLookupAttributesException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"` + strings.Repeat("_", 1001) + `"}]}`, "InvalidLookupAttributesException"},
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"\u202e"}]}`, "InvalidLookupAttributesException"},
		{"LookupEvents", `{"StartTime":2000,"EndTime":1000}`, "InvalidTimeRangeException"},
		{"LookupEvents", `{"MaxResults":51}`, "InvalidMaxResultsException"},
		{"LookupEvents", `{"EventCategory":"management"}`, "InvalidEventCategoryException"},
		{"LookupEvents", `{"NextToken":"xxxx"}`, "InvalidNextTokenException"},
		{"StartQuery", `{}`, "InvalidParameterException"},
		{"StartQuery", `{"QueryStatement":"` + strings.Repeat("x", 10_001) + `"}`, "InvalidParameterException"},
		{"StartQuery", `{"QueryStatement":"SELECT 1","QueryParameters":["a"]}`, "InvalidParameterException"},
		{"StartQuery", `{"QueryStatement":"DROP TABLE CloudTrailLogs"}`, "InvalidQueryStatementException"},
		{"StartQuery", `{"QueryStatement":"SELECT * FROM 00000000-0000-0000-0000-000000000000"}`, "InvalidQueryStatementException"},
		{"StartQuery", `{"QueryStatement":"SELECT 1","DeliveryS3Uri":"https://x"}`, "InvalidS3BucketNameException"},
		{"StartQuery", `{"QueryStatement":"SELECT 1","DeliveryS3Uri":"s3://other-bucket"}`, "S3BucketDoesNotExistException"},
		{"StartQuery", `{"QueryStatement":"SELECT 1","DeliveryS3Uri":"s3://` + bucket + `/elsewhere"}`, "InvalidS3PrefixException"},
		{"DescribeQuery", `{}`, "InvalidParameterException"},
		{"DescribeQuery", `{"QueryAlias":"a"}`, "QueryIdNotFoundException"},
		{"DescribeQuery", `{"QueryId":"../../../../../../../../etc/passwd"}`, "InvalidParameterException"},
		{"GetQueryResults", `{"QueryId":"00000000-0000-0000-0000-000000000000"}`, "QueryIdNotFoundException"},
		{"GetQueryResults", `{"QueryId":"00000000-0000-0000-0000-000000000000","MaxQueryResults":1001}`, "InvalidMaxResultsException"},
		{"GetQueryResults", `{"QueryId":"00000000-0000-0000-0000-000000000000","EventDataStore":"nope"}`, "EventDataStoreNotFoundException"},
		{"CancelQuery", `{"QueryId":"00000000-0000-0000-0000-000000000000"}`, "QueryIdNotFoundException"},
		{"ListQueries", `{}`, "EventDataStoreARNInvalidException"},
		{"ListQueries", `{"EventDataStore":"` + storeID + `","QueryStatus":"DONE"}`, "InvalidQueryStatusException"},
		{"ListQueries", `{"EventDataStore":"` + storeID + `","StartTime":2,"EndTime":1}`, "InvalidDateRangeException"},
		{"ListQueries", `{"EventDataStore":"` + storeID + `","NextToken":"xxxx"}`, "InvalidNextTokenException"},
		{"SearchSampleQueries", `{"SearchPhrase":"x"}`, "InvalidParameterException"},
		{"SearchSampleQueries", `{"SearchPhrase":"logins","MaxResults":51}`, "InvalidParameterException"},
		{"GetInsightSelectors", `{"TrailName":"trailgate"}`, "InsightNotEnabledException"},
		{"GetInsightSelectors", `{}`, "InvalidParameterCombinationException"},
		{"GetResourcePolicy", `{"ResourceArn":"` + store + `"}`, "ResourcePolicyNotFoundException"},
		{"GetResourcePolicy", `{"ResourceArn":"arn:x"}`, "ResourceNotFoundException"},
		{"GetChannel", `{"Channel":"00000000-0000-0000-0000-000000000000"}`, "ChannelNotFoundException"},
		{"GetChannel", `{"Channel":"x"}`, "ChannelARNInvalidException"},
		{"ListTags", `{"ResourceIdList":["arn:x"]}`, "ResourceNotFoundException"},
	} {
		a := w.call("admin", c.operation, c.body)
		if a.status != 400 || a.code() != c.code {
			t.Errorf("%s %.100s: %d %s, want %s", c.operation, c.body, a.status, a.body, c.code)
		}
		if rec := w.last(); rec.EventName != c.operation || rec.ErrorCode != c.code {
			t.Errorf("%s %.100s is recorded as %s %s, want %s", c.operation, c.body, rec.EventName, rec.ErrorCode, c.code)
		}
	}
}

// requestParameters are as CloudTrail itself logs these calls.
func TestEventsSayWhatWasAsked(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ operation, body, want string }{
		{"LookupEvents", `{"LookupAttributes":[{"AttributeKey":"ReadOnly","AttributeValue":"false"}],"MaxResults":5,"StartTime":1795132800}`,
			`{"lookupAttributes":[{"attributeKey":"ReadOnly","attributeValue":"false"}],"startTime":"2026-11-20T00:00:00Z","maxResults":5}`},
		{"LookupEvents", `{}`, `null`},
		{"DescribeTrails", `{"trailNameList":["trailgate"],"includeShadowTrails":false}`, `{"trailNameList":["trailgate"],"includeShadowTrails":false}`},
		{"GetTrailStatus", `{"Name":"trailgate"}`, `{"name":"trailgate"}`},
		{"StartQuery", `{"QueryStatement":"SELECT 'a & b'"}`, `{"queryStatement":"SELECT 'a & b'"}`},
	} {
		before := len(w.records())
		w.call("admin", c.operation, c.body)
		rec := w.records()[before]
		if diff := cmp.Diff(c.want, string(rec.RequestParameters)); diff != "" || rec.EventName != c.operation {
			t.Errorf("%s %s (-want +got):\n%s", c.operation, c.body, diff)
		}
		if hasID := strings.Contains(string(rec.ResponseElements), `"queryId"`); hasID != (c.operation == "StartQuery") {
			t.Errorf("%s has responseElements %s", c.operation, rec.ResponseElements)
		}
	}
	if rec := w.last(); rec.EventCategory != event.Management {
		t.Errorf("the newest event is %+v", rec)
	}
}

// The reference names what there is.
func TestReferenceNamesEveryOperation(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/api.md")
	if err != nil {
		t.Fatal(err)
	}
	unsupported := map[string]bool{}
	for _, r := range refused {
		unsupported[event.Name(r.event)] = true
	}
	for name := range operations {
		if strings.Contains(string(page), "`"+name+"`") == unsupported[name] {
			t.Errorf("docs/reference/api.md and the operations do not agree about %s", name)
		}
	}
}
