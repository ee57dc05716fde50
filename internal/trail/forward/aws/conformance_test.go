//go:build conformance

package aws

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/blob/s3"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

// tool is a program that scripts/tools installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(os.Getenv("TRAILGATE_TOOLS"), "venv", "bin", name)
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%s is not there (make conformance installs it and says where in TRAILGATE_TOOLS): %v", name, err)
	}
	return program
}

// command runs one of them. An AWS_PROFILE that is set and empty is one that
// cannot be found, to Python.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(tool(t, name), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") && strings.HasSuffix(v, "=") })
	return cmd
}

// moto is AWS as others rebuilt it: its state and its answers, not its limits
// and signatures.
type moto struct {
	URL string
	n   atomic.Int32 // names given out
}

var running = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

func startMoto(t *testing.T) *moto {
	t.Helper()
	setenv(t, credentials)
	cmd := command(t, "moto_server", "-H", "127.0.0.1", "-p", "0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		defer close(found)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			if m := running.FindStringSubmatch(sc.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case at, ok := <-found:
		if !ok {
			t.Fatal("moto ended")
		}
		return &moto{URL: at}
	case <-time.After(60 * time.Second):
		t.Fatal("moto did not start within a minute")
		return nil
	}
}

func (m *moto) name(kind string) string { return fmt.Sprintf("%s-%d", kind, m.n.Add(1)) }

// call calls an operation of a JSON protocol.
func (m *moto) call(t testing.TB, service, target string, in, out any) {
	t.Helper()
	c, err := open(context.Background(), service, Options{Region: region, Endpoint: m.URL})
	if err != nil {
		t.Fatal(err)
	}
	body, err := encode(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.call(context.Background(), request{target: target, body: body}, out); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
}

// events are the messages of a log group, in order.
func (m *moto) events(t testing.TB, group string) (all []string) {
	in := map[string]any{"logGroupName": group, "limit": 10000}
	for {
		var out struct {
			Events    []struct{ Message string }
			NextToken string
		}
		m.call(t, "logs", "Logs_20140328.FilterLogEvents", in, &out)
		for _, e := range out.Events {
			all = append(all, e.Message)
		}
		if in["nextToken"] = out.NextToken; out.NextToken == "" {
			return all
		}
	}
}

// stage is something in moto as the far side of a sink.
type stage struct {
	sink     func(t testing.TB) forward.Sink
	receipts func() []forwardtest.Receipt
}

func (s stage) Sink(t testing.TB) forward.Sink        { return s.sink(t) }
func (s stage) Set(w forwardtest.Weather) bool        { return w == forwardtest.Fine }
func (s stage) Receipts() (all []forwardtest.Receipt) { return s.receipts() }

func receiptOf(record string) forwardtest.Receipt {
	var head struct{ EventID string }
	_ = json.Unmarshal([]byte(record), &head)
	return forwardtest.Receipt{EventID: head.EventID, Body: []byte(record)}
}

func must(t testing.TB, s forward.Sink, err error) forward.Sink {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformanceMotoCloudWatch(t *testing.T) {
	m := startMoto(t)
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far {
		group := m.name("group")
		return stage{
			func(t testing.TB) forward.Sink {
				s, err := NewCloudWatch(t.Context(), CloudWatch{Options{Region: region, Endpoint: m.URL}, group, "stream"})
				return must(t, s, err)
			},
			func() (all []forwardtest.Receipt) {
				for _, record := range m.events(t, group) {
					all = append(all, receiptOf(record))
				}
				return all
			}}
	})
}

// TestConformanceMotoEventBridge: a rule that matches Trailgate's source brings
// the events to a log group.
func TestConformanceMotoEventBridge(t *testing.T) {
	m := startMoto(t)
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far {
		bus, group := m.name("bus"), m.name("/aws/events/group")
		m.call(t, "logs", "Logs_20140328.CreateLogGroup", map[string]any{"logGroupName": group}, nil)
		m.call(t, "events", "AWSEvents.CreateEventBus", map[string]any{"Name": bus}, nil)
		m.call(t, "events", "AWSEvents.PutRule", map[string]any{"Name": "all", "EventBusName": bus, "EventPattern": `{"source":["trailgate.ssh"],"detail-type":["SSH Session Event via Trailgate"]}`}, nil)
		m.call(t, "events", "AWSEvents.PutTargets", map[string]any{"Rule": "all", "EventBusName": bus,
			"Targets": []any{map[string]any{"Id": "1", "Arn": "arn:aws:logs:" + region + ":123456789012:log-group:" + group}}}, nil)
		return stage{
			func(t testing.TB) forward.Sink {
				s, err := NewEventBridge(t.Context(), EventBridge{Options{Region: region, Endpoint: m.URL}, bus})
				return must(t, s, err)
			},
			func() (all []forwardtest.Receipt) {
				for _, text := range m.events(t, group) {
					var e struct{ Detail json.RawMessage }
					if err := json.Unmarshal([]byte(text), &e); err != nil {
						t.Fatal(err)
					}
					all = append(all, receiptOf(string(e.Detail)))
				}
				return all
			}}
	})
}

func TestConformanceMotoSecurityLake(t *testing.T) {
	m := startMoto(t)
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return lakeIn(t, m.URL, m.name("bucket"), false) })
}

// TestConformanceGatewaySecurityLake: the same with a server that checks
// signatures.
func TestConformanceGatewaySecurityLake(t *testing.T) {
	g := blobtest.StartGateway(t)
	var n atomic.Int32
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far {
		bucket := fmt.Sprintf("lake-%d", n.Add(1))
		g.Make(bucket, false)
		return lakeIn(t, g.Endpoint, bucket, true)
	})
}

// lakeIn is a Security Lake in an S3 server.
func lakeIn(t *testing.T, endpoint, bucket string, there bool) forwardtest.Far {
	b, err := s3.Open(t.Context(), s3.Options{Bucket: bucket, Region: "us-east-1", Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	if !there {
		r, _ := http.NewRequest(http.MethodPut, endpoint+"/"+bucket, nil)
		if resp, err := http.DefaultClient.Do(r); err != nil || resp.StatusCode != 200 {
			t.Fatalf("make bucket: %v %v", resp, err)
		}
	}
	return stage{
		func(testing.TB) forward.Sink {
			return NewSecurityLake(SecurityLake{Bucket: b, Prefix: "ext", Source: "tg_", Region: region, Account: "111122223333", Writer: "w"})
		},
		func() []forwardtest.Receipt {
			read := newLakeBucket(t)
			for o, err := range b.List(context.Background(), "", "") {
				if err != nil {
					t.Fatal(err)
				}
				body, _, err := b.Get(context.Background(), o.Key)
				if err != nil {
					t.Fatal(err)
				}
				if err := read.Put(context.Background(), o.Key, body, nil); err != nil {
					t.Fatal(err)
				}
			}
			return read.Receipts()
		}}
}

// TestConformancePutAuditEventsIsWhatTheCLISends: the same request, but for what
// says who sends it.
func TestConformancePutAuditEventsIsWhatTheCLISends(t *testing.T) {
	setenv(t, credentials)
	f := lakeAt(t)
	type capture struct {
		method, path, auth, contentType string
		query                           url.Values
		signed                          []string
		body                            any
	}
	var got []capture
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c := capture{method: r.Method, path: r.URL.Path, query: r.URL.Query(), contentType: r.Header.Get("Content-Type")}
		c.auth, _, _ = strings.Cut(r.Header.Get("Authorization"), ", ")
		_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
		signed, _, _ = strings.Cut(signed, ",")
		for _, name := range strings.Split(signed, ";") {
			if name != "content-length" { // Go's signer adds it
				c.signed = append(c.signed, name)
			}
		}
		if err := json.Unmarshal(body, &c.body); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		got = append(got, c)
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.ServeHTTP(w, r)
	}))
	defer front.Close()

	data, err := auditEvent(one().JSON, "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewLake(t.Context(), Lake{Options: Options{Endpoint: front.URL}, Channel: channel, ExternalID: "ext1"})
	if err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, one())

	events, err := encode([]any{map[string]any{"id": "e-1", "eventData": string(data), "eventDataChecksum": f.checksum(t)}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "aws", "cloudtrail-data", "put-audit-events", "--region", region, "--endpoint-url", front.URL,
		"--channel-arn", channel, "--external-id", "ext1", "--audit-events", string(events))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws: %v: %s", err, out)
	}
	if len(got) != 2 {
		t.Fatalf("%d requests, want ours and the CLI's", len(got))
	}
	for i := range got {
		slices.Sort(got[i].signed)
	}
	if d := cmp.Diff(got[1], got[0], cmp.AllowUnexported(capture{})); d != "" {
		t.Errorf("ours differs from the CLI's: %s", d)
	}
	if len(f.receipts) != 2 || !bytes.Equal(f.receipts[0].Body, f.receipts[1].Body) {
		t.Errorf("the service took %d events", len(f.receipts))
	}
}

// checksum is what the last event came with.
func (a *amazon) checksum(t *testing.T) string {
	var in struct {
		AuditEvents []struct{ EventDataChecksum string }
	}
	if err := json.Unmarshal(a.bodies[len(a.bodies)-1], &in); err != nil {
		t.Fatal(err)
	}
	return in.AuditEvents[0].EventDataChecksum
}
