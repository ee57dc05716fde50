package forwardtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

// step is a place where a process can be killed.
type step string

const (
	beforeSend step = "before a batch is sent"
	afterSend  step = "after a batch is sent, before its answer is read"
	beforeSave step = "before the cursor is saved"
	afterSave  step = "after the cursor is saved"
)

var errKilled = errors.New("killed")

// process is one life of a runner: killed at the nth passing of a step, nothing
// it does afterwards has any effect.
type process struct {
	at   step
	nth  int
	kill context.CancelFunc

	mu   sync.Mutex // guards below
	seen int
	dead bool
}

// pass is an error when the process is dead, which it may become here.
func (p *process) pass(s step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead && s == p.at {
		if p.seen++; p.seen == p.nth {
			p.dead = true
			p.kill()
		}
	}
	if p.dead {
		return errKilled
	}
	return nil
}

func (p *process) killed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// mortalSink dies with its process. Its limits are small, so that there are many
// steps, and nothing waits long.
type mortalSink struct {
	forward.Sink
	p       *process
	events  int
	timeout time.Duration
}

func (s *mortalSink) Limits() forward.Limits {
	l := s.Sink.Limits()
	if l.Events == 0 || l.Events > s.events {
		l.Events = s.events
	}
	l.Timeout = s.timeout
	l.Linger = min(l.Linger, 5*time.Millisecond)
	return l
}

func (s *mortalSink) Send(ctx context.Context, batch []forward.Message) ([]forward.Failure, error) {
	if err := s.p.pass(beforeSend); err != nil {
		return nil, err
	}
	failed, err := s.Sink.Send(ctx, batch)
	if err := s.p.pass(afterSend); err != nil {
		return nil, err
	}
	return failed, err
}

// mortalStore dies with its process.
type mortalStore struct {
	state.Store
	p *process
}

func (s *mortalStore) Update(ctx context.Context, fn func(state.Tx) error) error {
	if err := s.p.pass(beforeSave); err != nil {
		return err
	}
	err := s.Store.Update(ctx, fn)
	if err := s.p.pass(afterSave); err != nil {
		return err
	}
	return err
}
