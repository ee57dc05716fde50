package action

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/runbook"
)

// Sessions ends sessions. The gate is one.
type Sessions interface {
	// Terminate ends a live session and shows message to its person.
	Terminate(ctx context.Context, session, message string, by By) error
}

// Locks creates locks. The lock keeper is one.
type Locks interface {
	// Create puts a lock in force. The lock brings its ID.
	Create(ctx context.Context, l policy.Lock, by event.UserIdentity) (policy.Lock, error)
	// Active are the locks in force.
	Active(now time.Time) []policy.Lock
}

// By is who acts: a run, as the records show it.
type By struct {
	Identity event.UserIdentity
	Run      string
}

// Order is one action to take.
type Order struct {
	Runbook string
	Title   string // of the runbook, for whoever is affected
	Run     string
	Step    string
	Action  string
	With    map[string]string
	By      event.UserIdentity
}

// Result is what came of an order.
type Result string

// The results. Observed is what Describe's text is recorded under.
const (
	Done    Result = "done"
	Refused Result = "refused"
)

// Outcome is a result and one line about it.
type Outcome struct {
	Result Result
	Detail string
}

// Limits bound what responses may do.
type Limits struct {
	PerRun  int // actions of one run
	PerHour int // actions of one runbook in an hour
}

// DefaultLimits let a runbook answer a busy day and not a whole company. What
// is over the cap is not done, so the cap of an hour is above what one attacker
// can use up by opening sessions for a runbook to end.
var DefaultLimits = Limits{PerRun: 20, PerHour: 1000}

// How long locks last when a step does not say.
const (
	lockFor     = time.Hour
	mfaFor      = 90 * 24 * time.Hour
	throttleFor = 30 * time.Minute
)

// Deps are what an Executor needs.
type Deps struct {
	Sessions Sessions
	Locks    Locks
	// Protected says whether an error of Locks is its refusal to lock somebody
	// who must not be locked; nil says no.
	Protected func(error) bool
	// Gone says whether an error of Sessions is that no such session is live,
	// and Ended whether a session is known to be over; nil says no.
	Gone   func(error) bool
	Ended  func(ctx context.Context, session string) bool
	Limits Limits // zero fields are DefaultLimits'
	Now    func() time.Time
}

// Executor carries orders out. It is safe for concurrent use.
type Executor struct {
	deps Deps

	mu   sync.Mutex // guards below
	done map[act]time.Time
}

// act is an order's identity.
type act struct{ runbook, run, step string }

// New makes an Executor.
func New(d Deps) *Executor {
	if d.Limits.PerRun == 0 {
		d.Limits.PerRun = DefaultLimits.PerRun
	}
	if d.Limits.PerHour == 0 {
		d.Limits.PerHour = DefaultLimits.PerHour
	}
	if d.Protected == nil {
		d.Protected = func(error) bool { return false }
	}
	if d.Gone == nil {
		d.Gone = func(error) bool { return false }
	}
	if d.Ended == nil {
		d.Ended = func(context.Context, string) bool { return false }
	}
	return &Executor{deps: d, done: map[act]time.Time{}}
}

// Restore counts an action taken before a restart towards the caps.
func (x *Executor) Restore(runbook, run, step string, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.done[act{runbook, run, step}] = at
}

// Describe says what Do would do, or why it would refuse.
func (x *Executor) Describe(o Order) Outcome { return Describe(o, x.deps.Now()) }

// Describe says what an order taken at the time now would do, or why it would
// be refused, as far as the order alone tells.
func Describe(o Order, now time.Time) Outcome {
	p, err := plan(o, now)
	if err != nil {
		return Outcome{Refused, err.Error()}
	}
	return Outcome{Done, p.text}
}

// Do carries an order out.
func (x *Executor) Do(ctx context.Context, o Order) (Outcome, error) {
	now := x.deps.Now()
	p, err := plan(o, now)
	if err != nil {
		return Outcome{Refused, err.Error()}, nil
	}
	key := act{o.Runbook, o.Run, o.Step}
	if reason := x.take(key, now); reason != "" {
		return Outcome{Refused, reason}, nil
	}
	out, err := x.do(ctx, o, p)
	if err != nil || out.Result != Done {
		x.giveBack(key)
	}
	return out, err
}

func (x *Executor) do(ctx context.Context, o Order, p deed) (Outcome, error) {
	if p.session != "" {
		return x.terminate(ctx, o, p)
	}
	for _, l := range x.deps.Locks.Active(x.deps.Now()) {
		if l.Effect == p.lock.Effect && l.Match == p.lock.Match && (l.Run == o.Run || !l.Expires.Before(p.lock.Expires) || l.Expires.IsZero()) {
			return Outcome{Done, fmt.Sprintf("in force as lock %s", l.ID)}, nil
		}
	}
	l, err := x.deps.Locks.Create(ctx, p.lock, o.By)
	switch {
	case err == nil:
		return Outcome{Done, fmt.Sprintf("lock %s until %s", l.ID, l.Expires.UTC().Format(time.RFC3339))}, nil
	case x.deps.Protected(err):
		return Outcome{Refused, err.Error()}, nil
	}
	return Outcome{}, fmt.Errorf("create lock: %w", err)
}

// A session's StartSession is in the trail a moment before the session can be
// ended. A session that is not live is looked for again this often, this long.
const (
	lookAgain   = 25 * time.Millisecond
	lookFor     = 500 * time.Millisecond
	terminateIn = 5 * time.Second
)

func (x *Executor) terminate(ctx context.Context, o Order, p deed) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, terminateIn)
	defer cancel()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for waited := time.Duration(0); ; waited += lookAgain {
		err := x.deps.Sessions.Terminate(ctx, p.session, p.message, By{o.By, o.Run})
		switch {
		case err == nil:
			return Outcome{Done, "session " + p.session + " ended"}, nil
		case !x.deps.Gone(err):
			return Outcome{}, fmt.Errorf("terminate session %s: %w", p.session, err)
		case waited >= lookFor || x.deps.Ended(ctx, p.session):
			return Outcome{Done, "session " + p.session + " is over"}, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return Outcome{}, fmt.Errorf("terminate session %s: %w", p.session, context.Cause(ctx))
		}
	}
}

// take counts an act against the caps, once.
func (x *Executor) take(key act, now time.Time) (refusal string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, again := x.done[key]; again {
		return ""
	}
	ofRun, ofHour := 0, 0
	for k, at := range x.done {
		switch {
		case now.Sub(at) > time.Hour:
			delete(x.done, k)
			continue
		case k.run == key.run:
			ofRun++
		}
		if k.runbook == key.runbook {
			ofHour++
		}
	}
	switch {
	case ofRun >= x.deps.Limits.PerRun:
		return fmt.Sprintf("the cap of %d actions a run is reached", x.deps.Limits.PerRun)
	case ofHour >= x.deps.Limits.PerHour:
		return fmt.Sprintf("the cap of %d actions an hour for %s is reached", x.deps.Limits.PerHour, key.runbook)
	}
	x.done[key] = now
	return ""
}

func (x *Executor) giveBack(key act) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.done, key)
}

// deed is an order understood: a session to end, or a lock to create.
type deed struct {
	text    string
	session string
	message string
	lock    policy.Lock
}

func plan(o Order, now time.Time) (deed, error) {
	message := o.With["message"]
	if message == "" {
		message = o.Title
	}
	lock := func(effect policy.Effect, m policy.Match, d time.Duration, text string) (deed, error) {
		if f := o.With["for"]; f != "" {
			given, err := runbook.ParseDuration(f)
			if err != nil {
				return deed{}, fmt.Errorf("with.for: %w", err)
			}
			d = given
		}
		return deed{
			text: text + " for " + runbook.FormatDuration(d),
			lock: policy.Lock{
				ID: LockID(o.Run, o.Step), Effect: effect, Match: m, Reason: message,
				Created: now, By: runbook.InvokedBy + o.Runbook, Run: o.Run, Expires: now.Add(d),
			},
		}, nil
	}
	switch o.Action {
	case "terminate_session":
		id := o.With["session"]
		if id == "" {
			return deed{}, errors.New("the event that raised the alarm has no session")
		}
		return deed{text: "end session " + id, session: id, message: message}, nil
	case "lock_identity", "require_mfa":
		who := o.With["identity"]
		if who == "" || who == event.Hidden {
			return deed{}, errors.New("the event that raised the alarm has no proven identity")
		}
		if o.Action == "require_mfa" {
			return lock(policy.RequireMFA, policy.Match{Identity: who}, mfaFor, "require MFA of "+who)
		}
		return lock(policy.Deny, policy.Match{Identity: who}, lockFor, "lock "+who)
	case "throttle_source":
		addr, err := netip.ParseAddr(o.With["source"])
		if err != nil {
			return deed{}, errors.New("the event that raised the alarm has no source address")
		}
		addr = addr.Unmap().WithZone("")
		return lock(policy.Throttle, policy.Match{Source: netip.PrefixFrom(addr, addr.BitLen())}, throttleFor, "throttle "+addr.String())
	}
	return deed{}, fmt.Errorf("there is no action %q", o.Action)
}

// LockID is the ID of the lock a step of a run creates: the same step has the
// same lock, however often it is tried.
func LockID(run, step string) string { return run + "." + step }
