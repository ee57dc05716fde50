package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/trail"
)

// The events that the query benchmarks ask about: 90 days of them, mixed of
// those of 14 AWS operations and 10 of ours (41 in a hundred), by 4,000
// principals of which few do most; 4 in a hundred fail, and 25 in a million are
// denials of access to a target. AWS's IDs are random, ours are UUIDv7.
const (
	dataDays       = 90
	dataPrincipals = 4000
	dataEvents     = 10_000_000 // TRAILGATE_BENCH_EVENTS says otherwise
)

var dataStart = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// queryData is a data directory with the events, all sealed, a file a day.
// TRAILGATE_BENCH_DATA names one that is made once and kept.
func queryData(b *testing.B) (dir string, events int) {
	b.Helper()
	events = dataEvents
	if v := os.Getenv("TRAILGATE_BENCH_EVENTS"); v != "" {
		var err error
		if events, err = strconv.Atoi(v); err != nil {
			b.Fatal(err)
		}
	}
	if dir = os.Getenv("TRAILGATE_BENCH_DATA"); dir == "" {
		dir = appendDir(b)
	}
	made := filepath.Join(dir, fmt.Sprintf("made-%d", events))
	if _, err := os.Stat(made); err == nil {
		return dir, events
	}
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		b.Fatalf("%s holds something else than %d whole events: remove it", dir, events)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	for day := range dataDays {
		n := events*(day+1)/dataDays - events*day/dataDays
		if err := writeDataDay(dir, day, n); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(made, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	return dir, events
}

// writeDataDay writes a day's n events. One goroutine makes them while another
// writes.
func writeDataDay(dir string, day, n int) error {
	const many = 512
	batches := make(chan []event.Entry, 4) // two do the work; four keep both busy
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(batches)
		g := newDataGenerator(day)
		for made := 0; made < n; made += many {
			batch := make([]event.Entry, 0, many)
			for i := made; i < min(n, made+many); i++ {
				at := dataStart.AddDate(0, 0, day).Add(time.Duration(i) * (24 * time.Hour / time.Duration(n)))
				batch = append(batch, event.Entry{AppendTime: at.Add(40 * time.Millisecond), JSON: g.record(at)})
			}
			select {
			case batches <- batch:
			case <-stop:
				return
			}
		}
	}()
	_, err := trail.WriteHistory(dir, fmt.Sprintf("bench-%02d", day), func(yield func(event.Entry) bool) {
		for batch := range batches {
			for _, e := range batch {
				if !yield(e) {
					return
				}
			}
		}
	})
	return err
}

// dataGenerator makes one day's records, the same each time.
type dataGenerator struct {
	r    *rand.Rand
	zipf *rand.Zipf
	day  string
}

func newDataGenerator(day int) *dataGenerator {
	r := rand.New(rand.NewPCG(2026, uint64(day)))
	return &dataGenerator{r, rand.NewZipf(r, 1.2, 20, dataPrincipals-1), dataStart.AddDate(0, 0, day).Format(time.DateOnly)}
}

// dataARN is a principal of the data; 0 does most.
func dataARN(principal int) string {
	return fmt.Sprintf("arn:aws:sts::%012d:assumed-role/%s/user%04d", 111122223333+principal%5, dataRole(principal), principal)
}

func dataRole(principal int) string {
	return []string{"ops", "deploy", "support", "data", "audit", "platform"}[principal%6]
}

const dataSource = "ssh-proxy-service.yourdomain.com"

func (g *dataGenerator) record(at time.Time) []byte {
	p := int(g.zipf.Uint64())
	ip := fmt.Sprintf("203.0.%d.%d", p%113, (p/7+g.r.IntN(3))%250)
	if g.r.IntN(100) < 41 {
		return g.ours(at, p, ip)
	}
	return g.aws(at, p, ip)
}

// id is a random UUID, and sortable one whose time is at.
func (g *dataGenerator) id() (u uuid.UUID) {
	for i := 0; i < len(u); i += 8 {
		for j, n := 0, g.r.Uint64(); j < 8; j, n = j+1, n>>8 {
			u[i+j] = byte(n)
		}
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u
}

func (g *dataGenerator) sortable(at time.Time) uuid.UUID {
	u := g.id()
	ms := at.UnixMilli()
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	return u
}

func (g *dataGenerator) ours(at time.Time, p int, ip string) []byte {
	arn, role := dataARN(p), dataRole(p)
	user, account := fmt.Sprintf("user%04d", p), arn[13:25]
	mfa := g.r.IntN(50) > 0
	m := event.Meta{
		Time: at,
		Identity: event.UserIdentity{
			Type: "AssumedRole", PrincipalID: "AROA4EXAMPLE" + strconv.Itoa(p%6) + ":" + user, ARN: arn,
			AccountID: account, AccessKeyID: fmt.Sprintf("SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDE5s2Bl5wYy2h%04d", p), UserName: user,
			SessionContext: &event.SessionContext{
				SessionIssuer: &event.SessionIssuer{Type: "Role", PrincipalID: "AROA4EXAMPLE" + strconv.Itoa(p%6), ARN: "arn:aws:iam::" + account + ":role/" + role, AccountID: account, UserName: role},
				Attributes:    &event.SessionAttributes{CreationDate: g.day + "T06:00:00Z", MFAAuthenticated: strconv.FormatBool(mfa)},
			},
		},
		SourceIP:     ip,
		UserAgent:    "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3",
		ConnectionID: g.sortable(at.Add(-time.Minute)).String(),
		Session:      &event.Session{ID: g.sortable(at.Add(-time.Minute)).String(), Target: fmt.Sprintf("web%d", g.r.IntN(200)), Login: "ec2-user", MFA: mfa},
	}
	zero := 0
	if g.r.IntN(100) < 4 {
		zero, m.ErrorCode, m.ErrorMessage = 1, "OperationFailed", "exit status 1"
	}
	var e event.Event
	switch g.r.IntN(9) {
	case 0:
		e = event.StartSession{FrontDoor: "gate", Fingerprint: m.Identity.AccessKeyID, Policies: []string{"all"}, Recording: "terminal"}
	case 1:
		e = event.EndSession{Cause: "client closed the connection", ExitStatus: &zero, Millis: g.r.Int64N(1e7), BytesReceived: g.r.Int64N(1e5), BytesSent: g.r.Int64N(1e7)}
	case 2:
		e = event.StartShell{Channel: 1, Terminal: true, Term: "xterm-256color"}
	case 3:
		e = event.OpenTunnel{Channel: 2, Host: fmt.Sprintf("10.0.%d.%d", g.r.IntN(4), g.r.IntN(250)), Port: 5432}
	case 4:
		e = event.CloseTunnel{Channel: 2, Host: fmt.Sprintf("10.0.%d.%d", g.r.IntN(4), g.r.IntN(250)), Port: 5432, BytesReceived: g.r.Int64N(1e5), BytesSent: g.r.Int64N(1e7)}
	case 5:
		e = event.StartSubsystem{Channel: 1, Subsystem: "sftp"}
	case 6:
		e = event.ConnectTarget{Target: m.Session.Target, Login: "ec2-user", Address: m.Session.Target + ":22", HostKeyFingerprint: "SHA256:" + m.Session.Target + "Vztksb2Bl5wYy2hZ1gkCsDhcc0u9e8BgrJXVGDE5s2",
			ServerVersion: "SSH-2.0-OpenSSH_9.2p1", Cipher: "aes128-gcm@openssh.com", KEX: "curve25519-sha256", Millis: g.r.Int64N(90)}
	case 7:
		e = event.CloseChannel{Channel: 1, Kind: "exec", ExitStatus: &zero, BytesReceived: g.r.Int64N(1e4), BytesSent: g.r.Int64N(1e6)}
	default:
		e = event.ExecuteCommand{Channel: 1, Command: fmt.Sprintf("sudo journalctl --unit nginx --since '%d min ago' --no-pager | grep -c 'upstream timed out'", g.r.IntN(60))}
	}
	if n := g.r.IntN(1e6); n < 61 { // of 41 in a hundred
		m.ErrorCode, m.ErrorMessage = event.AccessDenied, "access denied by policy"
		e = event.AuthorizeSecurityGroupIngress{Target: m.Session.Target, Login: "root", Protocol: "tcp", Port: 22, FrontDoor: "gate", Fingerprint: m.Identity.AccessKeyID, Reason: "no policy permits it"}
	}
	record := event.Origin{EventSource: dataSource, Region: "us-east-1", AccountID: "123456789012"}.Record(m, e)
	record.EventID = g.sortable(at).String()
	text, err := json.Marshal(record)
	if err != nil {
		panic(err) // it is made of text and numbers
	}
	return text
}

func (g *dataGenerator) aws(at time.Time, p int, ip string) []byte {
	operations := []struct{ source, name, read, request, response string }{
		{"ec2.amazonaws.com", "DescribeInstances", "true", `{"instancesSet":{},"filterSet":{"items":[{"name":"tag:service","valueSet":{"items":[{"value":"svc-%d"}]}}]}}`, `null`},
		{"ec2.amazonaws.com", "RunInstances", "false", `{"instancesSet":{"items":[{"imageId":"ami-0c02fb55956c7d316","minCount":1,"maxCount":1}]},"instanceType":"m5.large","subnetId":"subnet-%08x"}`,
			`{"instancesSet":{"items":[{"instanceId":"i-%016x","imageId":"ami-0c02fb55956c7d316","instanceState":{"code":0,"name":"pending"},"instanceType":"m5.large"}]}}`},
		{"ec2.amazonaws.com", "DescribeVolumes", "true", `{"maxResults":500,"volumeSet":{"items":[{"volumeId":"vol-%08x"}]}}`, `null`},
		{"ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", "false", `{"groupId":"sg-%08x","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"}]}}]}}`, `{"_return":true}`},
		{"s3.amazonaws.com", "GetObject", "true", `{"bucketName":"logs-%d","Host":"logs.s3.us-east-1.amazonaws.com","key":"2026/app/part-000.gz"}`, `null`},
		{"s3.amazonaws.com", "PutObject", "false", `{"bucketName":"data-%d","Host":"data.s3.us-east-1.amazonaws.com","key":"2026/in/part-000.parquet"}`, `{"x-amz-server-side-encryption":"AES256"}`},
		{"s3.amazonaws.com", "ListObjects", "true", `{"list-type":"2","bucketName":"data-%d","prefix":"2026/","max-keys":"1000"}`, `null`},
		{"sts.amazonaws.com", "AssumeRole", "true", `{"roleArn":"arn:aws:iam::123456789012:role/deploy","roleSessionName":"session-%d","durationSeconds":3600}`,
			`{"credentials":{"accessKeyId":"ASIA%016X","expiration":"2026-09-01T12:00:00Z"},"assumedRoleUser":{"assumedRoleId":"AROA4EXAMPLE1:session","arn":"arn:aws:sts::123456789012:assumed-role/deploy/session"}}`},
		{"iam.amazonaws.com", "GetRole", "true", `{"roleName":"service-%d"}`, `null`},
		{"iam.amazonaws.com", "ListAttachedRolePolicies", "true", `{"roleName":"service-%d","maxItems":100}`, `null`},
		{"kms.amazonaws.com", "Decrypt", "true", `{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::data-%d"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`},
		{"lambda.amazonaws.com", "Invoke", "false", `{"functionName":"arn:aws:lambda:us-east-1:123456789012:function:worker-%d","invocationType":"Event"}`, `null`},
		{"dynamodb.amazonaws.com", "DescribeTable", "true", `{"tableName":"table-%d"}`, `null`},
		{"logs.amazonaws.com", "CreateLogStream", "false", `{"logGroupName":"/aws/lambda/worker","logStreamName":"2026/%08x"}`, `null`},
	}
	o := operations[g.r.IntN(len(operations))]
	number := g.r.IntN(5000)
	if o.name == "RunInstances" || o.name == "CreateLogStream" {
		number = int(g.r.Uint32())
	}
	arn, role := dataARN(p), dataRole(p)
	account, failure := arn[13:25], ""
	if g.r.IntN(100) < 4 {
		failure = `"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized to perform this operation.",`
	}
	response := o.response
	if response != "null" && response != `{"_return":true}` && o.name != "PutObject" {
		response = fmt.Sprintf(response, g.r.Uint64())
	}
	extra := ""
	if o.source == "s3.amazonaws.com" {
		extra = fmt.Sprintf(`"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"bytesTransferredOut":%d,"AuthenticationMethod":"AuthHeader"},`, g.r.IntN(5000))
	}
	return fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA4EXAMPLE%d:user%04d","arn":%q,"accountId":%q,"accessKeyId":"ASIAEXAMPLEKEY%04d",`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA4EXAMPLE%d","arn":"arn:aws:iam::%s:role/%s","accountId":%q,"userName":%q},"attributes":{"creationDate":"%sT06:00:00Z","mfaAuthenticated":"false"}}},`+
		`"eventTime":%q,"eventSource":%q,"eventName":%q,"awsRegion":%q,"sourceIPAddress":%q,"userAgent":"aws-cli/2.17.%d md/awscrt#0.21.2 ua/2.0 os/linux#6.1.0 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/prompt#off md/command#call",`+
		`%s"requestParameters":%s,"responseElements":%s,%s"requestID":%q,"eventID":%q,"readOnly":%s,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":%q,"eventCategory":"Management",`+
		`"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%s"}}`,
		p%6, p, arn, account, p, p%6, account, role, account, role, g.day,
		at.Format("2006-01-02T15:04:05Z"), o.source, o.name, []string{"us-east-1", "eu-west-1", "ap-southeast-2"}[p%3], ip, p%30,
		failure, fmt.Sprintf(o.request, number), response, extra, g.id(), g.id(), o.read, account, o.source)
}

// dataSize is the size of a catalogue's files.
func dataSize(b *testing.B, c query.Catalogue) (size int64) {
	b.Helper()
	for _, f := range c.Files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
