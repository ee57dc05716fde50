package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailgate/trailgate/event"
)

// Retention believes the wall clock, which may be wrong: one that is set years
// ahead would have everything removed that is not held. So it notes at each round
// what the clock shows. A clock that is more than a day ahead of the last note, or
// without one of the newest event, is an event, and from then on nothing is
// announced until it has gone on for a day: somebody has that long to set it
// right, or to make a hold. A server that was off for longer waits that day too.
const (
	clockWait = 24 * time.Hour
	// clockAhead is a day and the round that may come a moment late.
	clockAhead = clockWait + retentionEvery
)

// seenClock is what the last round saw, in the file retention-clock.json.
type seenClock struct {
	Seen  time.Time `json:"seen"`           // what the clock showed
	Ahead time.Time `json:"ahead,omitzero"` // what it showed when it was found ahead; zero when it is believed
}

// trustClock returns why nothing may be announced now.
func (r *retention) trustClock(ctx context.Context) error {
	now := r.now().UTC()
	s, err := readClock(r.clockFile)
	if err != nil {
		return err
	}
	if s.Seen.IsZero() {
		s.Seen = r.trail.Head().Time
	}
	switch ahead := now.Sub(s.Seen); {
	case ahead > clockAhead && !s.Seen.IsZero():
		step := event.StepClock{From: stampOf(s.Seen), To: stampOf(now), Millis: -ahead.Milliseconds()}
		if _, err := r.trail.Append(ctx, r.origin.Record(event.Meta{Time: now, Identity: nodeIdentity(r.origin), SourceIP: r.origin.EventSource, UserAgent: r.origin.EventSource}, step)); err != nil {
			return fmt.Errorf("record that the clock is ahead: %w", err)
		}
		s.Ahead = now
	case now.Before(s.Ahead) || now.Sub(s.Ahead) >= clockWait:
		s.Ahead = time.Time{} // it was set back, or has gone on since
	}
	s.Seen = now
	if err := writeClock(r.clockFile, s); err != nil {
		return err
	}
	if !s.Ahead.IsZero() {
		return fmt.Errorf("at %s the clock was more than a day ahead of when it was last seen: nothing is removed before %s", stampOf(s.Ahead), stampOf(s.Ahead.Add(clockWait)))
	}
	return nil
}

func stampOf(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// readClock reads the file; one that is not there or cannot be understood says
// nothing.
func readClock(name string) (s seenClock, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read what the clock showed: %w", err)
	}
	if json.Unmarshal(text, &s) != nil {
		return seenClock{}, nil
	}
	return s, nil
}

// writeClock makes the file durable, whole or not at all.
func writeClock(name string, s seenClock) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("note what the clock shows: %w", err)
		}
	}()
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	next := name + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, name); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
