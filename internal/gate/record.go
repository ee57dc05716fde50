package gate

import (
	"context"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/policy"
)

const (
	// appendTime bounds an append; the trail gives up before (2 s).
	appendTime = 4 * time.Second
	// holdAfter is how long an append may take before running sessions are
	// held: far above a group commit, far below the trail's patience.
	holdAfter = 100 * time.Millisecond
)

// trailDown is what people read when a record could not be appended.
const trailDown = "the audit trail is not available, so nothing may run; try again in a moment"

// errTrail ends running sessions when the trail cannot be written.
var errTrail = newEnding("trail unavailable", "", "session ended: the audit trail is not available")

// append records e durably and returns its eventID. An error means it is not
// recorded, so that what it was to allow must not happen; it also ends every
// running session. A ctx that ends does not undo an append under way.
func (g *Gate) append(ctx context.Context, m event.Meta, e event.Event) (id string, err error) {
	rec := g.Origin.Record(m, e)
	if err := g.put(ctx, rec); err != nil {
		g.Log.Error("append failed", "conn", m.ConnectionID, "err", err)
		g.endAll(errTrail)
		return "", &relay.Refusal{Text: trailDown, Err: err}
	}
	return rec.EventID, nil
}

// appendLate records e now or, when the trail cannot take it, once it can: for
// what has happened already, and for acts that only restrict.
func (g *Gate) appendLate(ctx context.Context, m event.Meta, e event.Event) {
	g.appendThen(ctx, m, e, func() {})
}

// appendThen is appendLate that calls then once e is recorded.
func (g *Gate) appendThen(ctx context.Context, m event.Meta, e event.Event, then func()) {
	rec := g.Origin.Record(m, e)
	if err := g.put(ctx, rec); err != nil {
		g.Log.Error("append failed, to be recorded later", "conn", m.ConnectionID, "err", err)
		g.late.add(lateRecord{rec, then})
		g.endAll(errTrail)
		return
	}
	then()
}

func (g *Gate) put(ctx context.Context, rec event.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTime)
	defer cancel()
	done := g.pause.watch()
	_, err := g.Trail.Append(ctx, rec)
	done(err)
	return err
}

// late are the records that the trail could not take when they were made.
type late struct {
	flushing sync.Mutex // serialises flush; taken before mu

	mu      sync.Mutex // guards below
	waiting []lateRecord
}

type lateRecord struct {
	event.Record
	then func() // called once it is recorded
}

func (l *late) add(rec lateRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, rec)
}

// flush records what waits, in order, until the trail refuses again.
func (l *late) flush(ctx context.Context, t Trail) {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	for {
		l.mu.Lock()
		if len(l.waiting) == 0 {
			l.mu.Unlock()
			return
		}
		rec := l.waiting[0]
		l.mu.Unlock()
		if _, err := t.Append(ctx, rec.Record); err != nil {
			return
		}
		rec.then()
		l.mu.Lock()
		l.waiting = l.waiting[1:]
		l.mu.Unlock()
	}
}

// pause holds running sessions while the trail takes no records: while appends
// wait and none has been done for holdAfter. A disk that is slow and works
// holds them for moments; only a trail that stands still holds them for long.
type pause struct {
	hold relay.Hold

	mu      sync.Mutex // guards below
	waiting int        // appends under way
	timer   *time.Timer
	turn    int // of timer: one that was stopped too late changes nothing
}

// watch is called before an append, and what it returns after.
func (p *pause) watch() (done func(err error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	if p.waiting == 1 {
		p.arm()
	}
	return func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.waiting--
		if err != nil && p.waiting > 0 {
			return // those that wait may fare no better
		}
		p.timer.Stop()
		p.turn++
		p.hold.End()
		if p.waiting > 0 {
			p.arm()
		}
	}
}

// arm has sessions held in holdAfter. p.mu is held.
func (p *pause) arm() {
	p.turn++
	turn := p.turn
	p.timer = time.AfterFunc(holdAfter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if turn == p.turn {
			p.hold.Begin()
		}
	})
}

// failPolicy records a policy that failed to evaluate.
func (g *Gate) failPolicy(ctx context.Context, m event.Meta, r policy.Request, d policy.Decision) {
	if d.Failed == "" {
		return
	}
	m.Session, m.ErrorCode, m.ErrorMessage = nil, event.InternalFailure, d.Reason
	g.appendLate(ctx, m, event.FailPolicy{Policy: d.Failed, Target: r.Object.Name, Login: r.Login, Reason: d.Reason})
}

// ending is why a connection or session ends, as the cause of its context.
type ending struct {
	cause   string // EndSession's
	lock    string // lockId
	refusal *relay.Refusal
}

func newEnding(cause, lock, text string) *ending {
	return &ending{cause: cause, lock: lock, refusal: &relay.Refusal{Text: text}}
}

func (e *ending) Error() string { return e.cause }

// Unwrap is what a relay tells the person.
func (e *ending) Unwrap() error { return e.refusal }
