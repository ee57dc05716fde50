package importer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scanned is what a scanner finds in a text, in short: the ids of its records,
// what it skips and what it cannot read.
type scanned struct {
	IDs     []string
	Skipped []string
	Broken  []string
	Cut     string
}

func scanText(t testing.TB, text string) scanned {
	t.Helper()
	u := unpacker{most: 2 << 20}
	r, _ := u.open(strings.NewReader(text))
	var s scanned
	last := int64(-1)
	size, cut, err := scan(r, make([]byte, windowSize), func(f finding) error {
		switch {
		case f.skip != "":
			s.Skipped = append(s.Skipped, f.skip)
		case f.reason != "":
			s.Broken = append(s.Broken, f.text)
		default:
			s.IDs = append(s.IDs, strings.TrimLeft(strings.TrimSuffix(f.id, "-0000-4000-8000-000000000000"), "0"))
		}
		if f.offset < last {
			t.Errorf("a finding at offset %d follows one at %d", f.offset, last)
		}
		last = f.offset
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cut != nil {
		s.Cut = cut.Error()
	} else if size != int64(len(text)) && text[0] != 0x1f {
		t.Errorf("scanned %d of %d bytes", size, len(text))
	}
	return s
}

func check(t *testing.T, name, text string, want scanned) {
	t.Helper()
	if diff := cmp.Diff(want, scanText(t, text)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// lookup is record n as LookupEvents gives it.
func lookup(n int) string {
	return fmt.Sprintf(`{"EventId":"%08x-0000-4000-8000-000000000000","EventName":"DescribeInstances","ReadOnly":"true","EventTime":1772323200.0,"CloudTrailEvent":%q}`, n, awsRecord(n))
}

func TestEveryShapeIsRead(t *testing.T) {
	t.Parallel()
	three := scanned{IDs: []string{"1", "2", "3"}}
	packed := func(s string) string { return string(pack(t, s)) }
	list := awsRecords(1, 4)
	lines := awsRecord(1) + "\n" + awsRecord(2) + "\r\n" + awsRecord(3)
	for name, text := range map[string]string{
		"a log file":                     `{"Records":[` + list + `]}`,
		"with a newline":                 `{"Records":[` + list + `]}` + "\n",
		"with spaces":                    " { \"Records\" : [\n" + strings.ReplaceAll(list, "},{", "} ,\n {") + "\n] \n}\n",
		"with a byte order mark":         "\xEF\xBB\xBF" + `{"Records":[` + list + `]}`,
		"with more in its envelope":      `{"version":1,"Records":[` + list + `],"next":{"a":[1,2]},"more":null}`,
		"a bare array":                   `[` + list + `]`,
		"lines":                          lines,
		"lines with an end":              lines + "\n\n",
		"records without a space":        awsRecord(1) + awsRecord(2) + awsRecord(3),
		"log files one after the other":  `{"Records":[` + awsRecords(1, 3) + `]}` + "\n" + `{"Records":[` + awsRecord(3) + `]}`,
		"arrays one after the other":     `[` + awsRecord(1) + `][` + awsRecords(2, 4) + `]`,
		"LookupEvents":                   `{"Events":[` + lookup(1) + "," + lookup(2) + "," + lookup(3) + `]}`,
		"LookupEvents with a token":      `{"NextToken":"abc","Events":[` + lookup(1) + "," + lookup(2) + "," + lookup(3) + `]}`,
		"rows of LookupEvents":           lookup(1) + "\n" + lookup(2) + "\n" + lookup(3) + "\n",
		"what EventBridge delivers":      `{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":` + awsRecord(1) + "}\n" + awsRecord(2) + "\n" + awsRecord(3),
		"an envelope in a list":          `[{"Records":[` + awsRecords(1, 3) + `]},` + awsRecord(3) + `]`,
		"gzip":                           packed(`{"Records":[` + list + `]}`),
		"gzip of several members":        packed(`{"Records":[`+awsRecords(1, 3)) + packed(`,`+awsRecord(3)+`]}`),
		"gzip of gzip":                   packed(packed(`[` + list + `]`)),
		"log files packed one by one":    packed(`{"Records":[`+awsRecord(1)+`]}`) + packed(`{"Records":[`+awsRecords(2, 4)+`]}`),
		"nothing between records":        `[` + strings.ReplaceAll(list, "},{", "}{") + `]`,
		"an unknown member, and nesting": `{"Records":[` + strings.ReplaceAll(list, `"filterSet":{}`, `"new":[[[{"a":"]}"}]]],"x\"y":"\\"`) + `]}`,
	} {
		check(t, name, text, three)
	}
	for name, text := range map[string]string{
		"nothing":      "",
		"an empty log": `{"Records":[]}`,
		"spaces":       " \n\t\r",
		"empty gzip":   packed(""),
	} {
		check(t, name, text, scanned{})
	}
}

func TestOtherKindsAreRead(t *testing.T) {
	t.Parallel()
	check(t, "an insight", `{"Records":[{"eventVersion":"1.09","eventTime":"2026-03-01T00:00:00Z","awsRegion":"us-east-1","eventID":"7","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333",`+
		`"sharedEventID":"s","insightDetails":{"state":"Start","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","insightType":"ApiCallRateInsight"},"eventCategory":"Insight"}]}`, scanned{IDs: []string{"7"}})
	check(t, "an aggregated event", `{"Records":[{"eventVersion":"1.0","accountId":"111122223333","eventId":"8","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1",`+
		`"eventSource":"s3.amazonaws.com","timeWindow":{"windowStart":"2026-03-01T00:00:00Z","windowEnd":"2026-03-01T00:05:00Z","windowSize":"PT5M"},"summary":{"primaryDimension":{"dimension":"eventName","statistics":[]}}}]}`,
		scanned{IDs: []string{"8"}})
	check(t, "network activity", `{"Records":[{"eventVersion":"1.09","userIdentity":{"type":"AWSAccount","principalId":"A","accountId":"1"},"eventTime":"2026-03-01T00:00:00Z","eventSource":"kms.amazonaws.com",`+
		`"eventName":"Decrypt","errorCode":"VpceAccessDenied","eventID":"9","eventType":"AwsVpceEvents","eventCategory":"NetworkActivity"}]}`, scanned{IDs: []string{"9"}})
	check(t, "a digest", `{"awsAccountId":"1","digestStartTime":"2026-03-01T00:00:00Z","digestEndTime":"2026-03-01T01:00:00Z","digestS3Bucket":"b","logFiles":[{"s3Bucket":"b","s3Object":"k"}]}`,
		scanned{Skipped: []string{skipDigest}})
	check(t, "notifications", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-03-01T00:00:00.000Z","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`+"\n"+
		`{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":"{\"s3Bucket\":\"b\",\"s3ObjectKey\":[\"k\"]}"}`+"\n"+
		`{"s3Bucket":"b","s3ObjectKey":["k"]}`+"\n"+`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`+"\n"+`{"MessageId":"m","ReceiptHandle":"h","Body":"{}"}`,
		scanned{Skipped: []string{skipNotification, skipNotification, skipNotification, skipNotification, skipNotification}})
}

// TestRecordsWithoutAnID get one that is the same in the next import.
func TestRecordsWithoutAnID(t *testing.T) {
	t.Parallel()
	text := `{"eventVersion":"1.0","eventTime":"2013-11-02T01:06:28Z","eventName":"StartInstances","eventSource":"ec2.amazonaws.com"}`
	one := scanText(t, `{"Records":[`+text+`]}`)
	other := scanText(t, text+"\n")
	if len(one.IDs) != 1 || len(one.IDs[0]) < 30 || !cmp.Equal(one, other) {
		t.Errorf("the same record has the ids %q and %q", one.IDs, other.IDs)
	}
	if again := scanText(t, strings.Replace(text, "Start", "Stop", 1)); again.IDs[0] == one.IDs[0] {
		t.Errorf("another record has the same id %q", again.IDs)
	}
}

// TestBrokenRecordsCostThemselvesAlone breaks the second of three records in
// every way there is.
func TestBrokenRecordsCostThemselvesAlone(t *testing.T) {
	t.Parallel()
	two := awsRecord(2)
	for name, broken := range map[string]string{
		"cut":                    two[:len(two)/2],
		"cut inside a text":      two[:strings.Index(two, "aws-cli")],
		"cut behind a brace":     two[:strings.Index(two, `"items"`)],
		"without its end":        two[:len(two)-1],
		"one brace too few":      strings.Replace(two, `"filterSet":{}`, `"filterSet":{`, 1),
		"one quote too many":     strings.Replace(two, `"readOnly"`, `"readOnly""`, 1),
		"a quote missing":        strings.Replace(two, `"readOnly"`, `"readOnly`, 1),
		"a comma missing":        strings.Replace(two, `,"readOnly"`, `"readOnly"`, 1),
		"NUL":                    strings.Replace(two, "aws-cli", "aws\x00cli", 1),
		"a newline in a text":    strings.Replace(two, "aws-cli", "aws\ncli", 1),
		"a bad escape":           strings.Replace(two, "aws-cli", `aws\xcli`, 1),
		"a bad surrogate escape": strings.Replace(two, "aws-cli", `aws\ud8cli`, 1),
		"deep":                   strings.Replace(two, `"filterSet":{}`, `"filterSet":`+strings.Repeat(`[`, 600)+strings.Repeat(`]`, 600), 1),
		"a number":               `12`,
		"a text":                 `"Records"`,
		"null":                   `null`,
		"an array":               `[1,2]`,
		"an empty object":        `{}`,
		"no time":                strings.Replace(two, `"eventTime":"2026`, `"eventTime":"today`, 1),
		"a time out of all":      strings.Replace(two, `"eventTime":"2026`, `"eventTime":"9999`, 1),
		"rubbish":                "\x01\x02\xff\xfe}{][",
		"half of a word":         `tru`,
		"larger than a record":   strings.Replace(two, "aws-cli", strings.Repeat("x", windowSize/2), 1),
		"larger than the window": strings.Replace(two, "aws-cli", strings.Repeat("x", windowSize+100), 1),
		"endless text":           `{"eventVersion":"` + strings.Repeat("x", 3*windowSize),
		"wraps":                  strings.Repeat(`{"Records":[`, 8) + two + strings.Repeat(`]}`, 8),
	} {
		for shape, text := range map[string]string{
			"in a log file": `{"Records":[` + awsRecord(1) + "," + broken + "," + awsRecord(3) + `]}`,
			"in an array":   "[\n" + awsRecord(1) + ",\n" + broken + ",\n" + awsRecord(3) + "\n]",
			"on a line":     awsRecord(1) + "\n" + broken + "\n" + awsRecord(3) + "\n",
		} {
			got := scanText(t, text)
			if !cmp.Equal(got.IDs, []string{"1", "3"}) || len(got.Broken) == 0 {
				short := got
				for i, b := range short.Broken {
					short.Broken[i] = b[:min(len(b), 200)]
				}
				t.Errorf("%s %s: %q, want records 1 and 3 and something broken", name, shape, short)
			}
		}
	}
}

// TestBrokenRecordsAreKeptAsTheyAre: the bytes, and where they are.
func TestBrokenRecordsAreKeptAsTheyAre(t *testing.T) {
	t.Parallel()
	text := `{"Records":[` + awsRecord(1) + `,{"eventVersion":"1.09","oops",` + awsRecord(2) + `]}`
	var u unpacker
	r, _ := u.open(strings.NewReader(text))
	var found []finding
	if _, _, err := scan(r, make([]byte, windowSize), func(f finding) error {
		if f.reason != "" {
			found = append(found, f)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := `{"eventVersion":"1.09","oops"`
	if len(found) != 1 || found[0].text != want || found[0].size != int64(len(want)) || found[0].offset != int64(strings.Index(text, want)) {
		t.Errorf("found %+v, want %q at %d", found, want, strings.Index(text, want))
	}
}

func TestWhatBreaksOffIsReadUpToThere(t *testing.T) {
	t.Parallel()
	whole := `{"Records":[` + awsRecords(1, 200) + `]}`
	packed := pack(t, whole)
	for _, n := range []int{len(packed) / 2, len(packed) - 1, len(packed) - 8, len(packed) - 9} {
		got := scanText(t, string(packed[:n]))
		if got.Cut == "" || len(got.Broken) > 1 || n > len(packed)-20 && len(got.IDs) != 199 {
			t.Errorf("%d of %d bytes: %d records, %d broken, cut %q", n, len(packed), len(got.IDs), len(got.Broken), got.Cut)
		}
	}
	damaged := bytes.Clone(packed)
	damaged[len(damaged)-6] ^= 1 // the checksum
	if got := scanText(t, string(damaged)); !strings.Contains(got.Cut, "checksum") || len(got.IDs) != 199 {
		t.Errorf("a wrong checksum: %d records, cut %q", len(got.IDs), got.Cut)
	}
	check(t, "an unfinished list", `{"Records":[`+awsRecord(1)+`,`, scanned{IDs: []string{"1"}, Cut: "the text ends inside a list of records"})
}

func TestBombsAreCutShort(t *testing.T) {
	t.Parallel()
	bomb := pack(t, `{"Records":[`+awsRecord(1)+","+strings.Repeat(" ", 4<<20))
	got := scanText(t, string(bomb))
	if !strings.Contains(got.Cut, errBomb.Error()) || !cmp.Equal(got.IDs, []string{"1"}) {
		t.Errorf("a bomb gives %+v", got)
	}
}

// TestSearchIsBounded: a text in which everything looks like the beginning of a
// record costs time in proportion to its length.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	const window = 128 << 10
	for name, text := range map[string]string{
		"open objects": strings.Repeat(`,{"eventVersion":`, window/16),
		"open lists":   strings.Repeat(`[{"eventVersion":[`, window/16),
		"open texts":   strings.Repeat(`,{"eventVersion":"x`, window/16),
		"open records": strings.Repeat(`{"Records":[`, window/16),
	} {
		s := &scanner{r: strings.NewReader("[" + text), buf: make([]byte, window), take: func(finding) error { return nil }}
		s.more()
		for s.next() {
			if _, err := s.value(); err != nil {
				t.Fatal(err)
			}
		}
		if most := (searchWindows+2)*window + searchRatio*len(text); s.effort > most {
			t.Errorf("%s: looked at %d bytes of %d, more than %d", name, s.effort, len(text), most)
		}
	}
}

// TestWindowsLeaveNothingOut scans a text of many windows, with what is broken
// in between.
func TestWindowsLeaveNothingOut(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	var text strings.Builder
	records, broken := 0, 0
	text.WriteString(`{"Records":[`)
	for n := 1; text.Len() < 3*windowSize; n++ {
		if n > 1 {
			text.WriteString(",\n")
		}
		if r.IntN(50) == 0 {
			text.WriteString(awsRecord(n)[:200+r.IntN(300)])
			broken++
			continue
		}
		text.WriteString(awsRecord(n))
		records++
	}
	text.WriteString(`]}`)
	got := scanText(t, text.String())
	// Two broken ones in a row are one that is broken.
	if len(got.IDs) != records || len(got.Broken) > broken || len(got.Broken) < broken*8/10 {
		t.Errorf("found %d records and %d broken, want %d and %d", len(got.IDs), len(got.Broken), records, broken)
	}
}

var errStop = errors.New("stop")

func TestTakersErrorsEndTheScan(t *testing.T) {
	t.Parallel()
	n := 0
	_, _, err := scan(strings.NewReader(`[`+awsRecords(1, 10)+`]`), make([]byte, windowSize), func(finding) error {
		n++
		return errStop
	})
	if !errors.Is(err, errStop) || n != 1 {
		t.Errorf("%v after %d findings", err, n)
	}
}
