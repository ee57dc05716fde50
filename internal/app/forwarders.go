package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/ocsf"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// makeSink makes the sink of a forwarder from its settings, which config has
// checked.
type makeSink func(ctx context.Context, cfg config.Config, f config.Forwarder, u *url.URL) (forward.Sink, error)

// sinks are the kinds there are, by the URL's scheme: those of config.Schemes.
var sinks = map[string]makeSink{
	"file": func(_ context.Context, _ config.Config, _ config.Forwarder, u *url.URL) (forward.Sink, error) {
		return forward.NewFile(u.Path), nil
	},
	"https":        webhookSink,
	"http":         webhookSink,
	"syslog+tls":   syslogSink,
	"syslog+tcp":   syslogSink,
	"s3":           bucketSink,
	"cloudwatch":   cloudWatchSink,
	"eventbridge":  eventBridgeSink,
	"lake":         lakeSink,
	"securitylake": securityLakeSink,
}

func webhookSink(_ context.Context, _ config.Config, f config.Forwarder, _ *url.URL) (forward.Sink, error) {
	trust, err := trustOf(f)
	if err != nil {
		return nil, err
	}
	return forward.NewWebhook(f.To, f.SecretFile, trust, time.Now)
}

func syslogSink(_ context.Context, cfg config.Config, f config.Forwarder, u *url.URL) (forward.Sink, error) {
	host, err := os.Hostname()
	if err != nil {
		host = cfg.EventSource
	}
	o := forward.Syslog{Address: u.Host, Host: host, Name: f.To}
	if u.Scheme == "syslog+tls" {
		if o.TLS, err = trustOf(f); err != nil {
			return nil, err
		}
		if o.TLS == nil {
			o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		o.TLS.ServerName = u.Hostname()
	}
	return forward.NewSyslog(o), nil
}

func bucketSink(ctx context.Context, cfg config.Config, f config.Forwarder, _ *url.URL) (forward.Sink, error) {
	place, err := config.ParsePlace(f.To)
	if err != nil {
		return nil, err
	}
	b, prefix, err := openPlace(ctx, place, "")
	if err != nil {
		return nil, err
	}
	layout := logfile.Layout{Prefix: prefix, AccountID: cfg.AccountID, Region: cfg.Region, Name: cfg.Trail.Name}
	return forward.NewBucket(f.Name, b, layout, cfg.Trail.LogFileEvery), nil
}

func trustOf(f config.Forwarder) (*tls.Config, error) {
	return forward.Trust{CAFile: f.CAFile, ClientCertificate: f.ClientCertificate, ClientKey: f.ClientKey}.Config()
}

// forwarders opens what the settings name. The error holds every mistake.
func (a *App) openForwarders(ctx context.Context) error {
	var wrong []error
	for _, f := range a.cfg.Forwarders {
		r, err := a.openForwarder(ctx, f)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("forwarder %s: %w", f.Name, err))
			continue
		}
		a.forwarders = append(a.forwarders, r)
	}
	return errors.Join(wrong...)
}

func (a *App) openForwarder(ctx context.Context, f config.Forwarder) (*forward.Runner, error) {
	u := f.URL()
	for _, to := range []string{f.To, u.Query().Get("endpoint")} {
		if to, err := url.Parse(to); err == nil && to.Host != "" && isOwn(a.cfg.API.Listen, to) {
			return nil, fmt.Errorf("%s is this node's own API: each event would come back as another", to.Host)
		}
	}
	o := forward.Options{
		Name: f.Name, Kind: u.Scheme, Journal: a.trail, Store: a.store, Dir: forwardDir(a.cfg, f.Name),
		Record: a.forwarderEvent(f.Name), FromNow: f.From == "now", Log: a.o.Log,
	}
	if f.Only != "" {
		var err error
		if o.Only, err = sqlfront.ParsePredicate(f.Only); err != nil {
			return nil, err
		}
	}
	if f.Format == config.FormatOCSF && u.Scheme != "securitylake" { // which files events by their class, and maps them itself
		o.Encode = func(e event.Entry) ([]byte, error) { return ocsf.Transform(e.JSON) }
	}
	var err error
	if o.Sink, err = sinks[u.Scheme](ctx, a.cfg, f, u); err != nil {
		return nil, err
	}
	r, err := forward.New(ctx, o)
	if err != nil {
		return nil, errors.Join(err, o.Sink.Close())
	}
	return r, nil
}

// forwarderChecks says what is wrong with forwarders, as far as it can be seen
// from here: trailgate forwarder test asks the sink itself.
func forwarderChecks(ctx context.Context, cfg config.Config) []Check {
	var checks []Check
	for _, f := range cfg.Forwarders {
		sink, err := sinks[f.URL().Scheme](ctx, cfg, f, f.URL())
		if err != nil {
			checks = append(checks, Check{false, "forwarder " + f.Name + ": " + err.Error(), "the server does not start like this: mend trailgate.yaml"})
			continue
		}
		sink.Close()
		refused := filepath.Join(forwardDir(cfg, f.Name), forward.AsideName)
		if info, err := os.Stat(refused); err == nil && info.Size() > 0 {
			checks = append(checks, Check{false, "forwarder " + f.Name + ": its sink refused events, which are in " + refused, "mend what the reasons say, send them on by hand, and remove the file"})
			continue
		}
		checks = append(checks, Check{true, "forwarder " + f.Name + " sends to " + sink.String(), ""})
	}
	return checks
}

// forwarderEvent appends what a forwarder has to say, in its own name: that is
// what a runbook's alarm is kept by.
func (a *App) forwarderEvent(name string) func(context.Context, event.Event) error {
	who := nodeIdentity(a.origin)
	who.PrincipalID = "forwarder:" + name
	return func(ctx context.Context, e event.Event) error {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := a.trail.Append(bounded, a.origin.Record(event.Meta{Time: time.Now(), Identity: who, SourceIP: a.origin.EventSource}, e))
		return err
	}
}

// forwardDir is where a forwarder keeps what its sink refused.
func forwardDir(cfg config.Config, name string) string {
	return filepath.Join(cfg.DataDir, "forward", name)
}

// isOwn says whether a URL leads to the address that this node listens on.
func isOwn(listen string, to *url.URL) bool {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port != cmp.Or(to.Port(), map[string]string{"http": "80", "https": "443"}[to.Scheme]) {
		return false
	}
	if to.Hostname() == host {
		return true
	}
	everywhere := host == ""
	own, err := netip.ParseAddr(host)
	if err == nil && own.IsUnspecified() {
		everywhere = true
	}
	there, err := netip.ParseAddr(to.Hostname())
	if err != nil {
		name, _ := os.Hostname()
		local := to.Hostname() == "localhost"
		return local && (everywhere || config.Loopback(host)) || everywhere && to.Hostname() == name
	}
	if !everywhere {
		return there.Unmap() == own.Unmap()
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(net.IP(there.AsSlice())) {
			return true
		}
	}
	return there.Unmap().IsLoopback()
}

// flushWait bounds how long a node that stops waits for its forwarders; what has
// not gone then goes when it starts again.
const flushWait = 3 * time.Second

// flushForwarders sends what can be sent before the node ends.
func (a *App) flushForwarders(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	seq := a.trail.Head().Seq
	var wg sync.WaitGroup
	for _, r := range a.forwarders {
		if r.Status().Failing.IsZero() {
			wg.Go(func() { _ = r.Flush(bounded, seq) }) // its cursor says how far it came
		}
	}
	wg.Wait()
}

// ForwardersNeed is the oldest event that a forwarder still needs from the
// journal, and whether there is any.
func (a *App) ForwardersNeed() (seq uint64, any bool) {
	for _, r := range a.forwarders {
		if n := r.Needed(); !any || n < seq {
			seq, any = n, true
		}
	}
	return seq, any
}

// apiForwarders shows an administrator the forwarders at work.
type apiForwarders struct{ a *App }

// Forwarders lists how they do.
func (f apiForwarders) Forwarders() []forward.Status {
	all := make([]forward.Status, len(f.a.forwarders))
	for i, r := range f.a.forwarders {
		all[i] = r.Status()
	}
	return all
}

// TestForwarder appends an event for the forwarder, and waits for the sink to
// take it.
func (f apiForwarders) TestForwarder(ctx context.Context, by admin.Actor, name string) (rest.ForwarderTest, error) {
	for _, r := range f.a.forwarders {
		if r.Status().Name != name {
			continue
		}
		rec := f.a.origin.Record(event.Meta{Time: time.Now(), Identity: by.Identity, SourceIP: by.Source}, event.TestForwarder{Forwarder: name})
		e, err := f.a.trail.Append(ctx, rec)
		if err != nil {
			return rest.ForwarderTest{}, fmt.Errorf("record the test: %w", err)
		}
		before := r.Status()
		err = r.Flush(ctx, e.Seq)
		out := rest.ForwarderTest{EventID: rec.EventID, Status: r.Status()}
		switch {
		case err != nil:
			out.Problem = err.Error()
			if errors.Is(err, context.DeadlineExceeded) {
				out.Problem = "the sink has not taken it yet"
			}
		case out.Status.Refused > before.Refused:
			out.Problem = "the sink refuses messages: see " + filepath.Join(forwardDir(f.a.cfg, name), forward.AsideName)
		}
		return out, nil
	}
	return rest.ForwarderTest{}, fmt.Errorf("no forwarder named %q: %w", name, state.ErrNotFound)
}
