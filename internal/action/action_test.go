package action

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/runbook"
)

var (
	errProtected = errors.New("protected")
	errGone      = errors.New("gone")
)

// bench is an executor with fakes behind it.
type bench struct {
	*Executor
	mu    sync.Mutex
	ended []string
	locks []policy.Lock
	fail  error
	now   time.Time
}

func newBench(l Limits) *bench {
	b := &bench{now: time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)}
	b.Executor = New(Deps{
		Sessions: b, Locks: b, Limits: l,
		Protected: func(err error) bool { return errors.Is(err, errProtected) },
		Gone:      func(err error) bool { return errors.Is(err, errGone) },
		Now:       func() time.Time { return b.now },
	})
	return b
}

func (b *bench) Terminate(_ context.Context, session, message string, _ By) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.ended = append(b.ended, session+": "+message)
	return nil
}

func (b *bench) Create(_ context.Context, l policy.Lock, _ event.UserIdentity) (policy.Lock, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return policy.Lock{}, b.fail
	}
	b.locks = append(b.locks, l)
	return l, nil
}

func (b *bench) Active(time.Time) []policy.Lock {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.locks)
}

func order(name string, with map[string]string) Order {
	return Order{Runbook: "rb", Title: "the title", Run: "run1", Step: "step1", Action: name, With: with}
}

func do(t *testing.T, b *bench, o Order) Outcome {
	t.Helper()
	out, err := b.Do(t.Context(), o)
	if err != nil {
		t.Fatalf("%s: %v", o.Action, err)
	}
	return out
}

func TestEveryActionOfTheCatalogueIsCarriedOut(t *testing.T) {
	with := map[string]string{"session": "s1", "identity": "arn:aws:iam::1:user/bob", "source": "198.51.100.9"}
	for _, spec := range runbook.Actions {
		b := newBench(Limits{})
		if out := do(t, b, order(spec.Name, with)); out.Result != Done || len(b.ended)+len(b.locks) != 1 {
			t.Errorf("%s = %+v, %d sessions ended, %d locks; want one of them", spec.Name, out, len(b.ended), len(b.locks))
		}
		if out := b.Describe(order(spec.Name, with)); out.Result != Done || out.Detail == "" {
			t.Errorf("Describe(%s) = %+v, want what it would do", spec.Name, out)
		}
	}
}

func TestLocksAreWhatTheStepSays(t *testing.T) {
	b := newBench(Limits{})
	do(t, b, order("throttle_source", map[string]string{"source": "::ffff:198.51.100.9", "for": "10m", "message": "slow down"}))
	l := b.locks[0]
	if l.Effect != policy.Throttle || l.Match.Source != netip.MustParsePrefix("198.51.100.9/32") || l.Reason != "slow down" ||
		!l.Expires.Equal(b.now.Add(10*time.Minute)) || l.Run != "run1" || l.By != "runbook:rb" {
		t.Errorf("lock = %+v", l)
	}
	if do(t, b, Order{Runbook: "rb", Title: "the title", Run: "run2", Step: "s", Action: "require_mfa", With: map[string]string{"identity": "bob"}}); b.locks[1].Effect != policy.RequireMFA || b.locks[1].Reason != "the title" {
		t.Errorf("lock = %+v, want require_mfa with the title as its reason", b.locks[1])
	}
}

func TestAnActionTwiceHasOneEffect(t *testing.T) {
	b := newBench(Limits{})
	for range 3 {
		if out := do(t, b, order("lock_identity", map[string]string{"identity": "bob"})); out.Result != Done {
			t.Errorf("outcome %+v, want done each time", out)
		}
	}
	if len(b.locks) != 1 {
		t.Errorf("%d locks, want 1", len(b.locks))
	}
}

func TestALockInForceIsEnough(t *testing.T) {
	b := newBench(Limits{})
	do(t, b, order("lock_identity", map[string]string{"identity": "bob", "for": "2h"}))
	o := order("lock_identity", map[string]string{"identity": "bob", "for": "1h"})
	o.Run = "run2"
	if do(t, b, o); len(b.locks) != 1 {
		t.Errorf("%d locks, want the one that lasts longer", len(b.locks))
	}
	o.Run, o.With = "run3", map[string]string{"identity": "bob", "for": "3h"}
	if do(t, b, o); len(b.locks) != 2 {
		t.Errorf("%d locks, want a second one that lasts longer", len(b.locks))
	}
}

func TestWhatAnEventDoesNotSayIsRefused(t *testing.T) {
	b := newBench(Limits{})
	for name, with := range map[string]map[string]string{
		"terminate_session": {"session": ""},
		"lock_identity":     {"identity": event.Hidden},
		"require_mfa":       {},
		"throttle_source":   {"source": "0.0.0.0/0"},
		"format_disk":       {},
	} {
		if out := do(t, b, order(name, with)); out.Result != Refused || out.Detail == "" {
			t.Errorf("%s with %v = %+v, want refused", name, with, out)
		}
	}
	if len(b.ended)+len(b.locks) != 0 {
		t.Error("something that was refused was done")
	}
}

func TestWhoMustNotBeLockedIsRefused(t *testing.T) {
	b := newBench(Limits{})
	b.fail = errProtected
	if out := do(t, b, order("lock_identity", map[string]string{"identity": "root"})); out.Result != Refused {
		t.Errorf("outcome %+v, want refused", out)
	}
}

func TestOtherErrorsAreForTryingAgain(t *testing.T) {
	b := newBench(Limits{PerRun: 1})
	b.fail = errors.New("disk full")
	for range 3 {
		if _, err := b.Do(t.Context(), order("lock_identity", map[string]string{"identity": "bob"})); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Fatalf("err = %v, want the cause", err)
		}
	}
	b.fail = nil
	if out := do(t, b, order("lock_identity", map[string]string{"identity": "bob"})); out.Result != Done {
		t.Errorf("outcome %+v: attempts that failed counted towards the cap", out)
	}
}

func TestCaps(t *testing.T) {
	b := newBench(Limits{PerRun: 2, PerHour: 3})
	act := func(run, step string) Result {
		return do(t, b, Order{Runbook: "rb", Run: run, Step: step, Action: "terminate_session", With: map[string]string{"session": run + step}}).Result
	}
	if act("r1", "a") != Done || act("r1", "b") != Done || act("r1", "c") != Refused {
		t.Error("want two actions of a run, and the third refused")
	}
	if act("r1", "a") != Done {
		t.Error("an action done again was refused by the cap")
	}
	b.Restore("rb", "r0", "z", b.now.Add(-time.Minute))
	if act("r2", "a") != Refused {
		t.Error("want the fourth action of the hour refused, one of them from before the restart")
	}
	b.now = b.now.Add(61 * time.Minute)
	if act("r2", "a") != Done {
		t.Error("an hour later the cap still holds")
	}
}

func TestASessionIsLookedForUntilItCanBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Limits{})
		b.fail = errGone
		go func() {
			time.Sleep(100 * time.Millisecond)
			b.mu.Lock()
			b.fail = nil
			b.mu.Unlock()
		}()
		if do(t, b, order("terminate_session", map[string]string{"session": "s1"})); len(b.ended) != 1 {
			t.Error("a session that was live a moment later was not ended")
		}
		b.fail = errGone
		o := order("terminate_session", map[string]string{"session": "s2"})
		o.Step = "other"
		if out := do(t, b, o); out.Result != Done || !strings.Contains(out.Detail, "over") {
			t.Errorf("outcome %+v, want that the session is over", out)
		}
	})
}

func TestOrdersAreNotChanged(t *testing.T) {
	with := map[string]string{"identity": "bob"}
	do(t, newBench(Limits{}), order("lock_identity", with))
	if !maps.Equal(with, map[string]string{"identity": "bob"}) {
		t.Errorf("with became %v", with)
	}
}
