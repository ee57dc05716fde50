package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// record is a CloudTrail record as it is in its file, and what an import must
// know of it.
type record struct {
	text string    // a JSON object, UTF-8
	id   string    // eventID; of an aggregated event its eventId; else made of the text
	made bool      // id is not in the member eventID
	at   time.Time // eventTime; of an aggregated event the start of its window
	// What its row is sorted by.
	source, name, code string
	account            string // recipientAccountId
}

// recordKeys are the keys that a record can begin with, as they are written.
var recordKeys = quoted("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent",
	"errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources",
	"apiVersion", "eventType", "recipientAccountId", "sharedEventID", "vpcEndpointId", "serviceEventDetails", "managementEvent", "eventCategory",
	"addendum", "sessionCredentialFromConsole", "edgeDeviceDetails", "tlsDetails", "vpcEndpointAccountId", "eventContext", "insightDetails", "annotation",
	"accountId", "eventId", "timeWindow", "summary")

// envelopeKeys are those that a wrapped record can begin with, or a document.
var envelopeKeys = quoted("Records", "Events", "NextToken", "EventId", "EventName", "CloudTrailEvent", "Username", "version", "detail", "detail-type")

func quoted(keys ...string) map[string]bool {
	m := map[string]bool{}
	for _, k := range keys {
		m[`"`+k+`"`] = true
	}
	return m
}

// What is left out knowingly.
const (
	skipDigest       = "digest"       // says which log files there are; holds no events
	skipNotification = "notification" // SNS, SQS and S3 saying that a file arrived
	skipOld          = "older"        // than --since
	skipOwn          = "own"          // this installation's own events
	skipOther        = "other"        // a file that is no log file, a link out of the directory, a pipe
	skipOldFile      = "older file"   // delivered before --since
)

// maxWraps is how many wrappers may be around a record.
const maxWraps = 4

// judge says what an object is, and hands it, or what is inside it, to take.
func judge(text string, offset int64, depth int, take func(finding) error) error {
	size := int64(len(text))
	if !utf8.ValidString(text) { // no engine takes other text
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	var m struct {
		id, aggregatedID, time, window       string
		source, name, code, account, version string
		lookup, records, detail, detailType  string
		kind, topic, body, handle, event     string
		s3, bucket, keys, digest, files      bool
	}
	for key, v := range sqlfront.Members(text) {
		switch key {
		case "eventID":
			m.id = v
		case "eventTime":
			m.time = v
		case "eventSource":
			m.source = v
		case "eventName":
			m.name = v
		case "errorCode":
			m.code = v
		case "recipientAccountId":
			m.account = v
		case "eventVersion":
			m.version = v
		case "eventId":
			m.aggregatedID = v
		case "timeWindow":
			m.window = v
		case "CloudTrailEvent":
			m.lookup = v
		case "Records", "Events":
			m.records = v
		case "detail":
			m.detail = v
		case "detail-type":
			m.detailType = v
		case "Type":
			m.kind = v
		case "TopicArn":
			m.topic = v
		case "Body":
			m.body = v
		case "ReceiptHandle":
			m.handle = v
		case "Event":
			m.event = v
		case "s3":
			m.s3 = true
		case "s3Bucket":
			m.bucket = true
		case "s3ObjectKey":
			m.keys = true
		case "digestStartTime":
			m.digest = true
		case "logFiles":
			m.files = true
		}
	}
	f := finding{offset: offset, size: size}
	wrong := func(format string, args ...any) error {
		return take(broken(text, offset, size, fmt.Sprintf(format, args...)))
	}
	switch {
	case m.digest && m.files:
		f.skip = skipDigest
		return take(f)
	case m.s3 && m.source == `"aws:s3"`, m.bucket && m.keys, m.topic != "" && m.kind != "", m.body != "" && m.handle != "",
		m.event == `"s3:TestEvent"`:
		f.skip = skipNotification
		return take(f)
	case depth == maxWraps:
		return wrong("the record is inside more than %d others", maxWraps)
	case m.time == "" && strings.HasPrefix(m.records, "["):
		for v := range sqlfront.Elements(m.records) {
			if !strings.HasPrefix(v, "{") {
				if err := take(broken(v, offset, int64(len(v)), "a value that is no object stands where a record belongs")); err != nil {
					return err
				}
			} else if err := judge(v, offset, depth+1, take); err != nil {
				return err
			}
		}
		return nil
	case m.time == "" && strings.HasPrefix(m.lookup, `"`):
		inner, _ := sqlfront.Text(m.lookup)
		return unwrap(inner, "CloudTrailEvent", text, offset, depth, take)
	case m.time == "" && strings.HasSuffix(m.detailType, ` via CloudTrail"`) && m.detail != "":
		return unwrap(m.detail, "detail", text, offset, depth, take)
	}
	if m.time == "" && m.id == "" && m.aggregatedID == "" && (m.name == "" || m.source == "") {
		return wrong("the object is no CloudTrail record: it has neither eventTime nor eventID")
	}
	f.text = text
	var said string
	f.at, said = moment(m.time, m.window)
	if f.at.IsZero() {
		return wrong("the record has no time that can be read: eventTime is %.60s", said)
	}
	f.id = plain(m.id)
	if f.id == "" {
		f.id, f.made = plain(m.aggregatedID), true
	}
	if f.id == "" {
		f.id = idOf(text)
	}
	f.source, f.name, f.code, f.account = plain(m.source), plain(m.name), plain(m.code), plain(m.account)
	return take(f)
}

// unwrap judges a record that was inside another text.
func unwrap(inner, name, outer string, offset int64, depth int, take func(finding) error) error {
	inner = strings.TrimSpace(inner)
	end, err := sqlfront.ScanJSON(inner, 0)
	if err != nil || end != len(inner) || inner[0] != '{' {
		return take(broken(outer, offset, int64(len(outer)), "its "+name+" is not a JSON object"))
	}
	return judge(inner, offset, depth+1, take)
}

// plain is a value as text, nothing for null.
func plain(v string) string {
	if v == "" {
		return ""
	}
	s, _ := sqlfront.Text(v)
	return s
}

// Times outside of these years are no times of CloudTrail's, and would make
// partitions without end.
const (
	firstYear = 2000
	lastYear  = 2099
)

// moment is when a record happened, and what it says if that is no time.
func moment(eventTime, window string) (at time.Time, said string) {
	v := eventTime
	if v == "" && strings.HasPrefix(window, "{") {
		for key, start := range sqlfront.Members(window) {
			if key == "windowStart" {
				v = start
			}
		}
	}
	if v == "" {
		return at, "missing"
	}
	t, err := time.Parse(time.RFC3339Nano, plain(v))
	if t = t.UTC(); err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return at, v
	}
	return t.Truncate(time.Microsecond), v
}

// idOf is the eventID of a record that has none: the same for the same text.
func idOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6] = sum[6]&0x0f | 0x80 // UUID version 8: of our own making
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
