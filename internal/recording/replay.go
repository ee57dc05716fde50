package recording

import (
	"context"
	"errors"
	"io"
	"time"
)

// Pace is how a replay runs.
type Pace struct {
	Speed   float64       // 2 is twice as fast; 0 means 1
	MaxIdle time.Duration // longer pauses are cut to it; 0 cuts none
	Channel int           // which channel; 0 means the first
	// Sleep waits, or returns early with ctx's error; nil is the real clock's.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Replay shows a channel's output on w, sanitised, as it was paced. An
// unfinished recording is shown as far as it goes, and is no error.
func (r *Reader) Replay(ctx context.Context, w io.Writer, p Pace) error {
	if p.Speed == 0 {
		p.Speed = 1
	}
	if p.Sleep == nil {
		p.Sleep = sleep
	}
	var pick picker
	pick.want = p.Channel
	out := NewSanitizer(w)
	var last time.Duration
	for {
		f, err := r.Next()
		if err == io.EOF || errors.Is(err, ErrUnfinished) {
			return nil
		}
		if err != nil {
			return err
		}
		if !pick.has(f) || f.Kind != Stdout && f.Kind != Stderr {
			continue
		}
		pause := time.Duration(float64(f.Time-last) / p.Speed)
		last = f.Time
		if p.MaxIdle > 0 {
			pause = min(pause, p.MaxIdle)
		}
		if err := p.Sleep(ctx, pause); err != nil {
			return err
		}
		if _, err := out.Write(f.Bytes); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
