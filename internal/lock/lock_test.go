package lock_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/lock"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeTrail keeps what was appended; it can be down, or slow.
type fakeTrail struct {
	mu     sync.Mutex
	events []event.Record
	down   bool
	slow   chan struct{} // when not nil, Append waits for it
}

func (f *fakeTrail) Append(ctx context.Context, rec event.Record) (event.Entry, error) {
	f.mu.Lock()
	slow := f.slow
	f.mu.Unlock()
	if slow != nil {
		<-slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return event.Entry{}, errors.New("the disk is full")
	}
	f.events = append(f.events, rec)
	return event.Entry{Seq: uint64(len(f.events))}, nil
}

func (f *fakeTrail) set(down bool, slow chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.slow = down, slow
}

// lines are the events as name, lock, cause and who.
func (f *fakeTrail) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, r := range f.events {
		out = append(out, fmt.Sprintf("%s %s %s by %s", r.EventName, r.RequestParameters, r.ResponseElements, r.UserIdentity.UserName))
	}
	return out
}

var (
	origin = event.Origin{EventSource: "ssh.example.com", Region: "us-east-1", AccountID: "123456789012"}
	ada    = event.UserIdentity{Type: "IAMUser", ARN: "arn:aws:iam::123456789012:user/ada", UserName: "ada"}
)

// house is a store with two admins, a break-glass identity and bob.
func house(t *testing.T) state.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	update(t, s, func(tx state.Tx) error {
		var errs []error
		for name, id := range map[string]state.Identity{"ada": {Admin: true}, "grace": {Admin: true}, "glass": {BreakGlass: true}, "bob": {}} {
			id.Name, id.ARN = name, "arn:aws:iam::123456789012:user/"+name
			errs = append(errs, tx.Identities().Create(id), tx.Keys().Create(state.Key{Fingerprint: "SHA256:" + name, Identity: name}))
		}
		errs = append(errs, tx.Keys().Create(state.Key{Fingerprint: "SHA256:ada2", Identity: "ada"}),
			tx.Roles().Create(state.Role{Name: "admins", Members: []string{"ada", "grace"}}),
			tx.Roles().Create(state.Role{Name: "ops", Members: []string{"bob", "glass"}}),
			tx.Roles().Create(state.Role{Name: "dev", Members: []string{"bob"}}))
		return errors.Join(errs...)
	})
	return s
}

func update(t *testing.T, s state.Store, fn func(state.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, s state.Store, f *fakeTrail) *lock.Book {
	t.Helper()
	b, err := lock.New(t.Context(), lock.Deps{Store: s, Trail: f, Origin: origin, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func create(t *testing.T, b *lock.Book, l policy.Lock) policy.Lock {
	t.Helper()
	l, err := b.Create(t.Context(), l, ada)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ids(locks []policy.Lock) []string {
	var out []string
	for _, l := range locks {
		out = append(out, l.ID)
	}
	return out
}

// running runs b until the test ends.
func running(t *testing.T, b *lock.Book) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func bob(effect policy.Effect) policy.Lock {
	return policy.Lock{Effect: effect, Match: policy.Match{Identity: "bob"}, Reason: "surge"}
}

func TestCreateAndDelete(t *testing.T) {
	f := &fakeTrail{}
	s := house(t)
	b := open(t, s, f)
	changed := b.Changed()
	l := create(t, b, policy.Lock{ID: "l1", Effect: policy.Deny, Reason: "surge", Run: "r1", Expires: time.Now().Add(time.Hour).Truncate(time.Second),
		Match: policy.Match{Identity: "bob", Role: "ops", Source: netip.MustParsePrefix("203.0.113.0/24"), Target: "web1", Login: "root", Fingerprint: "SHA256:bob"}})
	select {
	case <-changed:
	default:
		t.Error("Create did not close Changed")
	}
	if l.By != ada.ARN || l.Created.IsZero() {
		t.Errorf("lock = %+v, want its maker and time", l)
	}
	if got := ids(b.Active(time.Now())); !slices.Equal(got, []string{"l1"}) {
		t.Errorf("Active = %v", got)
	}
	if got := b.Active(l.Expires); len(got) != 0 {
		t.Errorf("Active at its expiry = %v, want none", got)
	}
	// Another process, or this one after a restart, sees it too.
	if got := ids(open(t, s, f).Active(time.Now())); !slices.Equal(got, []string{"l1"}) {
		t.Errorf("Active after a restart = %v", got)
	}
	changed = b.Changed()
	if err := b.Delete(t.Context(), "l1", ada); err != nil {
		t.Fatal(err)
	}
	<-changed
	if got := b.Active(time.Now()); len(got) != 0 {
		t.Errorf("Active after Delete = %v", got)
	}
	if err := b.Delete(t.Context(), "l1", ada); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("second Delete = %v, want ErrNotFound", err)
	}
	want := []string{
		`CreateLock {"effect":"deny","identity":"bob","source":"203.0.113.0/24","roleName":"ops","login":"root","keyFingerprint":"SHA256:bob","target":"web1","reason":"surge","expires":"` + l.Expires.UTC().Format(time.RFC3339) + `","runId":"r1"} {"lockId":"l1"} by ada`,
		`DeleteLock {"lockId":"l1","cause":"deleted"} null by ada`,
	}
	if got := f.lines(); !slices.Equal(got, want) {
		t.Errorf("events:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCreateRefusesWhatMakesNoSense(t *testing.T) {
	f := &fakeTrail{}
	b := open(t, house(t), f)
	for _, l := range []policy.Lock{
		{},
		{Effect: policy.Deny},
		{Effect: "forbid", Match: policy.Match{Identity: "bob"}},
		{Effect: policy.Deny, Match: policy.Match{Identity: "bob"}, Expires: time.Now()},
	} {
		if _, err := b.Create(t.Context(), l, ada); err == nil {
			t.Errorf("Create(%+v) succeeded", l)
		}
	}
	if n := len(f.lines()); n != 0 || len(b.Active(time.Now())) != 0 {
		t.Errorf("%d events, locks %v after refusals", n, b.Active(time.Now()))
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	f := &fakeTrail{}
	b := open(t, house(t), f)
	first := create(t, b, policy.Lock{Effect: policy.Deny, Match: policy.Match{Identity: "bob"}, Run: "r1"})
	again := create(t, b, policy.Lock{Effect: policy.Deny, Match: policy.Match{Identity: "bob"}, Run: "r1", Reason: "resumed"})
	byID := create(t, b, policy.Lock{ID: first.ID, Effect: policy.RequireMFA, Match: policy.Match{Identity: "ada"}})
	if again.ID != first.ID || byID.ID != first.ID || byID.Effect != policy.Deny {
		t.Errorf("locks %s, %s, %s, want one", first.ID, again.ID, byID.ID)
	}
	for _, other := range []policy.Lock{
		{Effect: policy.RequireMFA, Match: policy.Match{Identity: "bob"}, Run: "r1"},
		{Effect: policy.Deny, Match: policy.Match{Login: "root"}, Run: "r1"},
		{Effect: policy.Deny, Match: policy.Match{Identity: "bob"}, Run: "r2"},
		{Effect: policy.Deny, Match: policy.Match{Identity: "bob"}},
		{Effect: policy.Deny, Match: policy.Match{Identity: "bob"}},
	} {
		create(t, b, other)
	}
	if n, m := len(b.Active(time.Now())), len(f.lines()); n != 6 || m != 6 {
		t.Errorf("%d locks, %d events, want 6 of each", n, m)
	}
}

// Threat F6: an attacker makes a runbook lock all admins, or break-glass.
func TestProtected(t *testing.T) {
	m := func(m policy.Match) policy.Lock { return policy.Lock{Effect: policy.Deny, Match: m} }
	for _, c := range []struct {
		name   string
		before []policy.Lock
		lock   policy.Lock
		refuse bool
	}{
		{"somebody", nil, m(policy.Match{Identity: "bob"}), false},
		{"one of two admins", nil, m(policy.Match{Identity: "ada"}), false},
		{"the last admin", []policy.Lock{m(policy.Match{Identity: "ada"})}, m(policy.Match{Identity: "grace"}), true},
		{"the last admin by ARN", []policy.Lock{m(policy.Match{Identity: "ada"})}, m(policy.Match{Identity: "arn:aws:iam::123456789012:user/grace"}), true},
		{"the last admin, the other's lock has expired", []policy.Lock{{Effect: policy.Deny, Match: policy.Match{Identity: "ada"}, Expires: time.Now().Add(-time.Second)}}, m(policy.Match{Identity: "grace"}), false},
		{"the last admin on one target", []policy.Lock{m(policy.Match{Identity: "ada"})}, m(policy.Match{Identity: "grace", Target: "web1"}), false},
		{"the last admin from one place", []policy.Lock{m(policy.Match{Identity: "ada"})}, m(policy.Match{Identity: "grace", Source: netip.MustParsePrefix("203.0.113.7/32")}), false},
		{"the last admin needs MFA", []policy.Lock{m(policy.Match{Identity: "ada"})}, policy.Lock{Effect: policy.RequireMFA, Match: policy.Match{Identity: "grace"}}, false},
		{"all admins by role", nil, m(policy.Match{Role: "admins"}), true},
		{"one key of two", []policy.Lock{m(policy.Match{Identity: "grace"})}, m(policy.Match{Fingerprint: "SHA256:ada"}), false},
		{"both keys of the last admin", []policy.Lock{m(policy.Match{Identity: "grace"}), m(policy.Match{Fingerprint: "SHA256:ada"})}, m(policy.Match{Fingerprint: "SHA256:ada2"}), true},
		{"break-glass", nil, m(policy.Match{Identity: "glass"}), true},
		{"break-glass by role", nil, m(policy.Match{Role: "ops"}), true},
		{"break-glass by key", nil, m(policy.Match{Fingerprint: "SHA256:glass"}), true},
		{"a role without break-glass", nil, m(policy.Match{Role: "dev"}), false},
		{"everywhere", nil, m(policy.Match{Source: netip.MustParsePrefix("0.0.0.0/0")}), true},
		{"one source", nil, m(policy.Match{Source: netip.MustParsePrefix("203.0.113.7/32")}), false},
		{"one target", nil, m(policy.Match{Target: "web1"}), false},
		{"one login", nil, m(policy.Match{Login: "root"}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeTrail{}
			s := house(t)
			update(t, s, func(tx state.Tx) error {
				for i, l := range c.before {
					l.ID = fmt.Sprint("before", i)
					if err := tx.Locks().Create(l); err != nil {
						return err
					}
				}
				return nil
			})
			b := open(t, s, f)
			_, err := b.Create(t.Context(), c.lock, ada)
			if errors.Is(err, lock.ErrProtected) != c.refuse || (err != nil) != c.refuse {
				t.Errorf("Create = %v, want refused %v", err, c.refuse)
			}
			if n := len(f.lines()); (n == 0) != c.refuse {
				t.Errorf("%d events", n)
			}
		})
	}
}

// Two locks made at once must not shut out two admins who protect each other.
func TestProtectedWhenMadeAtOnce(t *testing.T) {
	for range 5 {
		b := open(t, house(t), &fakeTrail{})
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, name := range []string{"ada", "grace"} {
			wg.Go(func() {
				_, errs[i] = b.Create(t.Context(), policy.Lock{Effect: policy.Deny, Match: policy.Match{Identity: name}}, ada)
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("Create of both = %v, %v, want exactly one refused", errs[0], errs[1])
		}
	}
}

// An administrator without a key cannot come in, so does not count as the one
// who is left.
func TestProtectedCountsAdminsWhoCanComeIn(t *testing.T) {
	s := house(t)
	update(t, s, func(tx state.Tx) error {
		return tx.Keys().Put(state.Key{Fingerprint: "SHA256:grace", Identity: "grace", Disabled: true})
	})
	b := open(t, s, &fakeTrail{})
	if _, err := b.Create(t.Context(), policy.Lock{Effect: policy.Deny, Match: policy.Match{Identity: "ada"}}, ada); !errors.Is(err, lock.ErrProtected) {
		t.Errorf("Create = %v, want ErrProtected", err)
	}
}

// Promise 2: what only restricts goes ahead while the trail is down, and is
// recorded when it is back, in order. What widens waits.
func TestTrailDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTrail{}
		s := house(t)
		b := open(t, s, f)
		stop := running(t, b)
		f.set(true, nil)
		for _, id := range []string{"z", "a", "m"} {
			create(t, b, policy.Lock{ID: id, Effect: policy.Deny, Match: policy.Match{Identity: "bob"}})
			time.Sleep(time.Millisecond)
		}
		if got := len(b.Active(time.Now())); got != 3 {
			t.Errorf("%d locks in force while the trail is down, want 3", got)
		}
		if err := b.Delete(t.Context(), "a", ada); err == nil {
			t.Error("Delete succeeded although its event cannot be appended")
		}
		if got := len(b.Active(time.Now())); got != 3 {
			t.Errorf("%d locks after a refused Delete, want 3", got)
		}
		time.Sleep(time.Minute)
		f.set(false, nil)
		time.Sleep(2 * time.Second)
		want := []string{`"z"`, `"a"`, `"m"`}
		got := f.lines()
		if len(got) != 3 {
			t.Fatalf("events after the trail is back:\n%s", strings.Join(got, "\n"))
		}
		for i := range want {
			if !strings.Contains(got[i], `"lockId":`+want[i]) || !strings.HasSuffix(got[i], "by ada") {
				t.Errorf("event %d = %s, want lock %s by ada", i, got[i], want[i])
			}
		}
		if err := b.Delete(t.Context(), "a", ada); err != nil {
			t.Error(err)
		}
		stop()
		s.Close()
	})
}

// A crash between the lock and its event loses neither.
func TestEventFollowsARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTrail{down: true}
		s := house(t)
		create(t, open(t, s, f), bob(policy.Deny))
		f.set(false, nil)
		b := open(t, s, f)
		stop := running(t, b)
		synctest.Wait()
		if got := f.lines(); len(got) != 1 || !strings.HasPrefix(got[0], "CreateLock") || !strings.HasSuffix(got[0], "by ada") {
			t.Errorf("events after a restart = %q, want one CreateLock by ada", got)
		}
		stop()
		// And once only.
		stop = running(t, open(t, s, f))
		synctest.Wait()
		stop()
		if n := len(f.lines()); n != 1 {
			t.Errorf("%d events after another restart, want 1", n)
		}
		s.Close()
	})
}

// A trail that is opening a new segment does not keep a lock out of force.
func TestSlowTrailDoesNotDelayALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTrail{}
		s := house(t)
		b := open(t, s, f)
		slow := make(chan struct{})
		f.set(false, slow)
		changed := b.Changed()
		done := make(chan error, 1)
		start := time.Now()
		go func() {
			_, err := b.Create(t.Context(), bob(policy.Deny), ada)
			done <- err
		}()
		<-changed
		if took := time.Since(start); took > 300*time.Millisecond {
			t.Errorf("in force after %v", took)
		}
		if len(b.Active(time.Now())) != 1 {
			t.Error("Changed was closed, but the lock is not in force")
		}
		close(slow)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := len(f.lines()); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		s.Close()
	})
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTrail{}
		s := house(t)
		b := open(t, s, f)
		stop := running(t, b)
		for i, d := range []time.Duration{time.Hour, time.Minute, 0} {
			l := bob(policy.Deny)
			l.ID = fmt.Sprint(i)
			if d > 0 {
				l.Expires = time.Now().Add(d)
			}
			create(t, b, l)
		}
		synctest.Wait()
		changed := b.Changed()
		start := time.Now()
		<-changed
		if took := time.Since(start); took < 59*time.Second || took > time.Minute {
			t.Errorf("Changed after %v, want when the minute ends", took)
		}
		if got := ids(b.Active(time.Now())); !slices.Equal(got, []string{"0", "2"}) {
			t.Errorf("Active = %v", got)
		}
		synctest.Wait()
		if got := f.lines(); len(got) != 4 || got[3] != `DeleteLock {"lockId":"1","cause":"expired"} null by ` {
			t.Errorf("events = %q", got)
		}
		// A lock ends on time while the trail is down; its event follows.
		f.set(true, nil)
		changed = b.Changed()
		<-changed
		if got := ids(b.Active(time.Now())); !slices.Equal(got, []string{"2"}) {
			t.Errorf("Active = %v", got)
		}
		time.Sleep(10 * time.Second)
		f.set(false, nil)
		time.Sleep(2 * time.Second)
		if got := f.lines(); len(got) != 5 || got[4] != `DeleteLock {"lockId":"0","cause":"expired"} null by ` {
			t.Errorf("events = %q", got)
		}
		stop()
		s.Close()
	})
}

func TestManyAtOnce(t *testing.T) {
	f := &fakeTrail{}
	s := house(t)
	b := open(t, s, f)
	stop := running(t, b)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				l := bob(policy.Throttle)
				l.ID = fmt.Sprintf("%d.%d", i, j)
				l.Match = policy.Match{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), byte(j)}), 32)}
				if _, err := b.Create(t.Context(), l, ada); err != nil {
					t.Error(err)
				}
				if j%2 == 0 {
					if err := b.Delete(t.Context(), l.ID, ada); err != nil {
						t.Error(err)
					}
				}
				b.Active(time.Now())
			}
		})
	}
	wg.Wait()
	stop()
	if n := len(b.Active(time.Now())); n != 16 {
		t.Errorf("%d locks in force, want 16", n)
	}
	if n := len(f.lines()); n != 40+24 {
		t.Errorf("%d events, want 64: each lock made once and deleted once", n)
	}
}

func BenchmarkActive(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	book, err := lock.New(b.Context(), lock.Deps{Store: s, Trail: &fakeTrail{}, Origin: origin, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		l := policy.Lock{ID: fmt.Sprint(i), Effect: policy.Deny, Match: policy.Match{Identity: "bob"}, Expires: time.Now().Add(time.Hour)}
		if _, err := book.Create(b.Context(), l, ada); err != nil {
			b.Fatal(err)
		}
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if len(book.Active(now)) != 100 {
			b.Fatal("locks are missing")
		}
	}
}
