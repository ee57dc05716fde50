//go:build conformance

package forward_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/blob/s3"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// farRsyslog is a real rsyslogd that writes what it receives to a file.
type farRsyslog struct {
	t            *testing.T
	pki          *pki
	dir          string
	address, out string
	cmd          *exec.Cmd // nil when it is down
}

func newFarRsyslog(t *testing.T) *farRsyslog {
	f := &farRsyslog{t: t, pki: newPKI(t), dir: t.TempDir()}
	f.out = filepath.Join(f.dir, "out")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = ln.Addr().String()
	ln.Close()
	ca, cert, key := f.pki.files(t, "127.0.0.1")
	host, port, _ := net.SplitHostPort(f.address)
	conf := fmt.Sprintf(`global(workDirectory="%s" maxMessageSize="256k" DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="%s" DefaultNetstreamDriverCertFile="%s" DefaultNetstreamDriverKeyFile="%s")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
input(type="imtcp" address="%s" port="%s")
template(name="m" type="string" string="%%msg%%\n")
action(type="omfile" file="%s" template="m")
`, f.dir, ca, cert, key, host, port, f.out)
	if err := os.WriteFile(filepath.Join(f.dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Set(forwardtest.Fine)
	t.Cleanup(func() { f.Set(forwardtest.Down) })
	return f
}

func (f *farRsyslog) Sink(testing.TB) forward.Sink {
	far := farSyslog{pki: f.pki, address: f.address}
	return far.Sink(f.t)
}

func (f *farRsyslog) Set(w forwardtest.Weather) bool {
	switch w {
	case forwardtest.Down:
		if f.cmd != nil { // it writes what it has read: its queue is in memory
			f.cmd.Process.Signal(syscall.SIGTERM)
			f.cmd.Wait()
			f.cmd = nil
		}
		return true
	case forwardtest.Fine:
		if f.cmd != nil {
			return true
		}
		f.cmd = exec.Command("rsyslogd", "-n", "-f", filepath.Join(f.dir, "conf"), "-i", filepath.Join(f.dir, "pid"))
		f.cmd.Stderr = os.Stderr
		if err := f.cmd.Start(); err != nil {
			f.t.Fatal(err)
		}
		trust := f.pki.trust()
		trust.Certificates = []tls.Certificate{f.pki.issue("gate")}
		for range 500 {
			if c, err := tls.Dial("tcp", f.address, trust); err == nil {
				c.CloseWrite()
				io.Copy(io.Discard, c)
				c.Close()
				return true
			}
			<-time.After(20 * time.Millisecond)
		}
		f.t.Fatal("rsyslogd does not listen")
	}
	return false
}

func (f *farRsyslog) Receipts() (all []forwardtest.Receipt) {
	f.Set(forwardtest.Down)
	text, err := os.ReadFile(f.out)
	if err != nil {
		f.t.Error(err)
	}
	for line := range strings.Lines(string(text)) {
		all = append(all, receipt([]byte(strings.TrimSpace(line))))
	}
	return all
}

// TestConformanceRsyslog holds the syslog sink to its promises against rsyslogd
// with GnuTLS. With OpenSSL it (8.2302) closes a file descriptor too many when a
// client leaves, and now and then loses its own output file by that.
func TestConformanceRsyslog(t *testing.T) {
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return newFarRsyslog(t) })
}

// farS3 is a bucket of a server that checks signatures.
type farS3 struct {
	t      *testing.T
	bucket *s3.Bucket
}

func (f *farS3) Set(w forwardtest.Weather) bool { return w == forwardtest.Fine }

func (f *farS3) Sink(testing.TB) forward.Sink {
	return forward.NewBucket("archive", f.bucket, layout, time.Minute)
}

func (f *farS3) Receipts() (all []forwardtest.Receipt) {
	var files [][]forwardtest.Receipt
	for o, err := range f.bucket.List(context.Background(), layout.LogPrefix(), "") {
		if err != nil {
			f.t.Fatal(err)
		}
		body, _, err := f.bucket.Get(context.Background(), o.Key)
		if err != nil {
			f.t.Fatal(err)
		}
		text, err := logfile.Unpack(body)
		if err != nil {
			f.t.Fatal(err)
		}
		records, err := logfile.Split(text)
		if err != nil {
			f.t.Fatal(err)
		}
		var file []forwardtest.Receipt
		for _, r := range records {
			file = append(file, receipt(r))
		}
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b []forwardtest.Receipt) int { return strings.Compare(a[0].EventID, b[0].EventID) })
	return slices.Concat(files...)
}

// TestConformanceBucket: log files in a real S3 server hold each event once,
// whenever the process dies.
func TestConformanceBucket(t *testing.T) {
	g := blobtest.StartGateway(t)
	made := make(chan int, 1) // how many buckets there are
	made <- 0
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far {
		n := <-made + 1
		name := fmt.Sprintf("forward-%d", n)
		g.Make(name, false)
		made <- n
		b, err := s3.Open(t.Context(), s3.Options{Bucket: name, Endpoint: g.Endpoint})
		if err != nil {
			t.Fatal(err)
		}
		return &farS3{t, b}
	})
}
