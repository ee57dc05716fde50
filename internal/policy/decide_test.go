package policy

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// monday is a working day.
var monday = time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)

// request is alice of ops asking to connect to web1 as deploy.
func request() Request {
	return Request{
		Subject: Subject{Name: "alice", ARN: "arn:aws:iam::123456789012:user/alice", Roles: []string{"ops"}, Fingerprint: "SHA256:abc"},
		Action:  Connect,
		Object:  Object{Name: "web1", Labels: map[string]string{"env": "prod"}},
		Login:   "deploy",
		Source:  netip.MustParseAddr("203.0.113.7"),
		Time:    monday,
	}
}

func TestDecideTheExample(t *testing.T) {
	book := Book{Policies: set(t, example)}
	for _, c := range []struct {
		name   string
		change func(*Request)
		allow  bool
		mfa    bool
		reason string
	}{
		{"deploy", func(r *Request) {}, true, false, "permitted by p#1"},
		{"root without a second factor", func(r *Request) { r.Login = "root" }, false, true, "a second factor is required"},
		{"root with a second factor", func(r *Request) { r.Login, r.MFA = "root", true }, true, false, "permitted by p#1"},
		{"another login", func(r *Request) { r.Login = "oracle" }, false, false,
			`no policy permits alice to connect to web1 as oracle; nearest is p#1: context.login == "deploy" || context.login == "root" && context.mfa is false: context.login is "oracle", context.mfa is false`},
		{"another role", func(r *Request) { r.Subject.Roles = []string{"dev", "qa"} }, false, false,
			`no policy permits alice to connect to web1 as deploy; nearest is p#1: principal in Role::"ops" is false: principal is Identity::"alice" in roles dev, qa`},
		{"a tunnel out of production", func(r *Request) { r.Action, r.Host, r.Port = Tunnel, "db1", 5432 }, false, false, "forbidden by p#2: tunnels out of production are closed"},
		{"a tunnel elsewhere", func(r *Request) { r.Action, r.Host, r.Port, r.Object.Labels = Tunnel, "db1", 5432, nil }, true, false, "permitted by p#1"},
		{"a weekend from outside", func(r *Request) { r.Time = monday.AddDate(0, 0, -1) }, false, false, "forbidden by p#3: production rests at weekends"},
		{"a weekend from the office", func(r *Request) { r.Time, r.Source = monday.AddDate(0, 0, -1), netip.MustParseAddr("::ffff:10.1.2.3") }, true, false, "permitted by p#1"},
		{"a weekend by UTC only", func(r *Request) {
			r.Time = time.Date(2026, 11, 23, 1, 0, 0, 0, time.FixedZone("east", 2*3600)) // Sunday 23:00 UTC
		}, false, false, "forbidden by p#3: production rests at weekends"},
		{"no identity", func(r *Request) { r.Subject = Subject{} }, false, false, "the request names no identity"},
		{"no target", func(r *Request) { r.Object = Object{} }, false, false, "the request names no target"},
		{"no login", func(r *Request) { r.Login = "" }, false, false, "the request names no login"},
		{"no source", func(r *Request) { r.Source = netip.Addr{} }, false, false, "the request has no source address"},
		{"no time", func(r *Request) { r.Time = time.Time{} }, false, false, "the request has no time"},
		{"no such action", func(r *Request) { r.Action = "Exce" }, false, false, `the request's action "Exce" does not exist`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request()
			c.change(&r)
			d := Decide(book, r)
			if d.Allowed != c.allow || d.NeedsMFA != c.mfa || d.Reason != c.reason {
				t.Errorf("Decide = allowed %v, needs MFA %v, reason %q;\nwant %v, %v, %q", d.Allowed, d.NeedsMFA, d.Reason, c.allow, c.mfa, c.reason)
			}
			if d.Grant.Valid() != c.allow {
				t.Errorf("Grant.Valid = %v", d.Grant.Valid())
			}
			if len(d.Explain) == 0 || !strings.HasPrefix(d.Explain[0], map[bool]string{true: "allowed: ", false: "denied: "}[c.allow]) {
				t.Errorf("Explain = %q", d.Explain)
			}
		})
	}
}

func TestNoPolicyDeniesEverything(t *testing.T) {
	for _, s := range []*Set{nil, {}} {
		d := Decide(Book{Policies: s}, request())
		if d.Allowed || d.NeedsMFA || d.Reason != "no policy permits alice to connect to web1 as deploy" {
			t.Errorf("Decide = %+v", d)
		}
	}
}

// Promise 4, threat B15: Cedar skips a forbid that fails; Decide denies.
func TestPolicyThatFailsDenies(t *testing.T) {
	s := set(t, `permit (principal, action, resource);`,
		`forbid (principal, action, resource) when { context.hour * 9223372036854775807 > 1 && context.login == "nobody" };`)
	d := Decide(Book{Policies: s}, request())
	if d.Allowed || d.NeedsMFA || d.Grant.Valid() || d.Failed != "p'" {
		t.Errorf("Decide = %+v, want a denial with Failed p'", d)
	}
	if !strings.HasPrefix(d.Reason, "policy p' failed: ") {
		t.Errorf("Reason = %q", d.Reason)
	}
	if text := strings.Join(d.Explain, "\n"); !strings.Contains(text, "a policy that fails denies") {
		t.Errorf("Explain does not name the failure:\n%s", text)
	}
	// A permit that fails denies too, even where another one allows.
	s = set(t, `permit (principal, action, resource);`, `permit (principal, action, resource) when { context.hour * 9223372036854775807 > 1 };`)
	if d := Decide(Book{Policies: s}, request()); d.Allowed {
		t.Error("allowed beside a permit that failed")
	}
}

func TestLocks(t *testing.T) {
	all := set(t, `permit (principal, action, resource) unless { context.login == "nobody" };`)
	lock := func(e Effect, m Match) Lock { return Lock{ID: "l1", Effect: e, Match: m, Reason: "20 denied attempts"} }
	prefix := netip.MustParsePrefix
	for _, c := range []struct {
		name   string
		lock   Lock
		change func(*Request)
		allow  bool
		mfa    bool
		reason string
	}{
		{"identity by name", lock(Deny, Match{Identity: "alice"}), nil, false, false, "locked: 20 denied attempts"},
		{"identity by ARN", lock(Deny, Match{Identity: "arn:aws:iam::123456789012:user/alice"}), nil, false, false, "locked: 20 denied attempts"},
		{"a second factor does not open a deny lock", lock(Deny, Match{Identity: "alice"}), func(r *Request) { r.MFA = true }, false, false, "locked: 20 denied attempts"},
		{"another identity", lock(Deny, Match{Identity: "bob"}), nil, true, false, "permitted by p"},
		{"role", lock(Deny, Match{Role: "ops"}), nil, false, false, "locked: 20 denied attempts"},
		{"source", lock(Deny, Match{Source: prefix("203.0.113.0/24")}), nil, false, false, "locked: 20 denied attempts"},
		{"source written as IPv6", lock(Deny, Match{Source: prefix("::ffff:203.0.113.7/128")}), nil, false, false, "locked: 20 denied attempts"},
		{"source that comes as IPv6", lock(Deny, Match{Source: prefix("203.0.113.7/32")}), func(r *Request) { r.Source = netip.MustParseAddr("::ffff:203.0.113.7") }, false, false, "locked: 20 denied attempts"},
		{"link-local source with a zone", lock(Deny, Match{Source: prefix("fe80::/10")}), func(r *Request) { r.Source = netip.MustParseAddr("fe80::1%eth0") }, false, false, "locked: 20 denied attempts"},
		{"another source", lock(Deny, Match{Source: prefix("203.0.113.8/32")}), nil, true, false, "permitted by p"},
		{"target", lock(Deny, Match{Target: "web1"}), nil, false, false, "locked: 20 denied attempts"},
		{"login", lock(Deny, Match{Login: "deploy"}), nil, false, false, "locked: 20 denied attempts"},
		{"key", lock(Deny, Match{Fingerprint: "SHA256:abc"}), nil, false, false, "locked: 20 denied attempts"},
		{"all fields must match", lock(Deny, Match{Identity: "alice", Target: "db1"}), nil, true, false, "permitted by p"},
		{"nothing set matches nothing", lock(Deny, Match{}), nil, true, false, "permitted by p"},
		{"throttle is for the gate", lock(Throttle, Match{Source: prefix("203.0.113.7/32")}), nil, true, false, "permitted by p"},
		{"require_mfa", lock(RequireMFA, Match{Identity: "alice"}), nil, false, true, "a second factor is required: 20 denied attempts"},
		{"require_mfa, proven", lock(RequireMFA, Match{Identity: "alice"}), func(r *Request) { r.MFA = true }, true, false, "permitted by p"},
		{"require_mfa where policy denies anyway", lock(RequireMFA, Match{Identity: "alice"}), func(r *Request) { r.Login = "nobody" }, false, false,
			`no policy permits alice to connect to web1 as nobody; nearest is p: unless context.login == "nobody" is true: context.login is "nobody"`},
		{"expired", Lock{ID: "l1", Effect: Deny, Match: Match{Identity: "alice"}, Expires: monday}, nil, true, false, "permitted by p"},
		{"about to expire", Lock{ID: "l1", Effect: Deny, Match: Match{Identity: "alice"}, Expires: monday.Add(1)}, nil, false, false, "locked until 2026-11-23T08:30:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request()
			if c.change != nil {
				c.change(&r)
			}
			d := Decide(Book{Policies: all, Locks: []Lock{c.lock}}, r)
			if d.Allowed != c.allow || d.NeedsMFA != c.mfa || d.Reason != c.reason {
				t.Errorf("Decide = allowed %v, needs MFA %v, reason %q;\nwant %v, %v, %q", d.Allowed, d.NeedsMFA, d.Reason, c.allow, c.mfa, c.reason)
			}
			if locked := strings.HasPrefix(c.reason, "locked") || strings.HasPrefix(c.reason, "a second factor"); (d.Lock != nil) != locked {
				t.Errorf("Lock = %v", d.Lock)
			}
		})
	}
}

func TestDenyLockComesBeforeAllElse(t *testing.T) {
	r := request()
	d := Decide(Book{Policies: set(t, `permit (principal, action, resource);`), Locks: []Lock{
		{ID: "1", Effect: RequireMFA, Match: Match{Identity: "alice"}},
		{ID: "2", Effect: Deny, Match: Match{Identity: "alice"}},
	}}, r)
	if d.Allowed || d.NeedsMFA || d.Lock == nil || d.Lock.ID != "2" {
		t.Errorf("Decide = %+v, want the deny lock's denial", d)
	}
}

func TestThrottled(t *testing.T) {
	locks := []Lock{
		{ID: "deny", Effect: Deny, Match: Match{Source: netip.MustParsePrefix("203.0.113.7/32")}},
		{ID: "old", Effect: Throttle, Match: Match{Source: netip.MustParsePrefix("203.0.113.7/32")}, Expires: monday},
		{ID: "slow", Effect: Throttle, Match: Match{Source: netip.MustParsePrefix("203.0.113.7/32")}},
	}
	if l := Throttled(locks, netip.MustParseAddr("203.0.113.7"), monday); l == nil || l.ID != "slow" {
		t.Errorf("Throttled = %v, want slow", l)
	}
	if l := Throttled(locks, netip.MustParseAddr("203.0.113.8"), monday); l != nil {
		t.Errorf("another source is throttled by %s", l.ID)
	}
}

func TestLockCheck(t *testing.T) {
	source := netip.MustParsePrefix("203.0.113.7/32")
	for _, c := range []struct {
		name string
		lock Lock
		ok   bool
	}{
		{"deny", Lock{Effect: Deny, Match: Match{Identity: "a"}}, true},
		{"throttle", Lock{Effect: Throttle, Match: Match{Source: source}}, true},
		{"throttle of an identity", Lock{Effect: Throttle, Match: Match{Source: source, Identity: "a"}}, false},
		{"throttle of nothing", Lock{Effect: Throttle}, false},
		{"no effect", Lock{Match: Match{Identity: "a"}}, false},
		{"no match", Lock{Effect: Deny}, false},
		{"broken prefix", Lock{Effect: Deny, Match: Match{Source: netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), 99)}}, false},
	} {
		if err := c.lock.Check(); (err == nil) != c.ok {
			t.Errorf("%s: Check = %v", c.name, err)
		}
	}
}

func TestGrantSaysWhatWasAllowed(t *testing.T) {
	r := request()
	r.MFA = true
	g := Decide(Book{Policies: set(t, `permit (principal, action, resource);`)}, r).Grant
	r.Subject.Roles[0] = "changed later"
	if !g.Valid() || g.Login() != "deploy" || g.Target() != "web1" || g.Action() != Connect || !g.MFA() ||
		g.Source() != r.Source || !g.Time().Equal(monday) || g.Subject().Name != "alice" {
		t.Errorf("grant = %+v", g)
	}
	if !slices.Equal(g.Subject().Roles, []string{"ops"}) || !slices.Equal(g.Policies(), []string{"p"}) {
		t.Errorf("roles %v, policies %v", g.Subject().Roles, g.Policies())
	}
	if (Grant{}).Valid() {
		t.Error("the zero Grant is valid")
	}
}

func TestExplainRanksPermitsByNearness(t *testing.T) {
	s, err := Compile([]Document{
		{"far", `permit (principal in Role::"dev", action == Action::"Shell", resource == Target::"db1");`},
		{"login", `permit (principal in Role::"ops", action, resource) when { context.login == "root" };`},
		{"mfa", `permit (principal in Role::"ops", action, resource) when { context.login == "deploy" && context.mfa && context.hour < 6 };`},
		{"weekend", `forbid (principal, action, resource) when { context.weekday == "Sunday" };`},
		{"label", `permit (principal is Identity in Role::"ops", action in [Action::"Connect", Action::"Exec"], resource) when { resource has tier && resource.tier == "web" };`},
	})
	if err != nil {
		t.Fatal(err)
	}
	book := Book{Policies: s, Locks: []Lock{{ID: "l9", Effect: Throttle, Match: Match{Source: netip.MustParsePrefix("203.0.113.7/32")}, Reason: "surge"}}}
	d := Decide(book, request())
	want := []string{
		`denied: alice may not connect to web1 as deploy: no policy permits alice to connect to web1 as deploy; nearest is mfa: context.mfa is false`,
		`asked: alice in roles ops; second factor: no; from 203.0.113.7; Monday 2026-11-23 08:30 UTC`,
		`lock l9 (throttle): matches source 203.0.113.7/32: surge`,
		`permit mfa (mfa:1:1): context.mfa is false`,
		`permit label (label:1:1): resource has tier is false`,
		`permit login (login:1:1): context.login == "root" is false: context.login is "deploy"`,
		`permit far (far:1:1): principal in Role::"dev" is false: principal is Identity::"alice" in roles ops`,
		`forbid weekend (weekend:1:1): does not apply: context.weekday == "Sunday" is false: context.weekday is "Monday"`,
	}
	if diff := cmp.Diff(want, d.Explain); diff != "" {
		t.Errorf("Explain differs (-want +got):\n%s", diff)
	}
}

func TestExplainNamesTheAct(t *testing.T) {
	r := request()
	for _, c := range []struct {
		change Request
		want   string
	}{
		{Request{Action: Shell}, "open a shell on web1 as deploy"},
		{Request{Action: Exec, Command: "rm -rf /\x1b[2J"}, `run "rm -rf /\x1b[2J" on web1 as deploy`},
		{Request{Action: Exec, Command: strings.Repeat("é", 300)}, `run "` + strings.Repeat("é", 200) + `…" on web1 as deploy`},
		{Request{Action: Subsystem, Subsystem: "sftp"}, `start subsystem "sftp" on web1 as deploy`},
		{Request{Action: Tunnel, Host: "db1", Port: 5432}, `open a tunnel to "db1" port 5432 on web1 as deploy`},
		{Request{Action: ForwardAgent}, "forward an agent on web1 as deploy"},
		{Request{Action: ForwardX11}, "forward X11 on web1 as deploy"},
	} {
		q := r
		q.Action, q.Command, q.Subsystem, q.Host, q.Port = c.change.Action, c.change.Command, c.change.Subsystem, c.change.Host, c.change.Port
		if got, want := Decide(Book{}, q).Reason, "no policy permits alice to "+c.want; got != want {
			t.Errorf("Reason = %q, want %q", got, want)
		}
	}
}

// An administrator of Trailgate reaches targets by policy, like everybody:
// nothing a Subject carries is a way around it.
func TestNothingInASubjectBypassesPolicy(t *testing.T) {
	r := request()
	r.Subject = Subject{Name: "root", ARN: "arn:aws:iam::123456789012:root", Roles: []string{"admin", "Administrator"}}
	if Decide(Book{Policies: set(t, `permit (principal in Role::"ops", action, resource);`)}, r).Allowed {
		t.Error("a subject was allowed without a permit")
	}
}

// Threat B16: a Book is a snapshot. Decisions from many goroutines share it
// while others compile new ones (run with -race).
func TestBookIsSharedWithoutRaces(t *testing.T) {
	book := Book{Policies: set(t, example), Locks: []Lock{{ID: "l1", Effect: RequireMFA, Match: Match{Role: "dev"}}}}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				r := request()
				r.Subject.Roles = [][]string{{"ops"}, {"dev"}}[i%2]
				if Decide(book, r).Allowed != (i%2 == 0) {
					t.Error("a decision changed under load")
				}
				if _, err := Compile([]Document{{"p", example}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
