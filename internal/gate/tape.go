package gate

import (
	"context"
	"encoding/hex"
	"sync"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/recording"
)

// recordingMode is what StartSession says is recorded.
const recordingMode = "terminal"

// Recorders make recordings.
type Recorders interface {
	// Open begins the recording of a session.
	Open(session string, m recording.Meta) (*recording.Recorder, error)
}

// RecordTo is Recorders that write to a directory.
type RecordTo string

// Open implements Recorders.
func (dir RecordTo) Open(session string, m recording.Meta) (*recording.Recorder, error) {
	return recording.Open(string(dir), session, m)
}

// tape is a session's recording. It begins with the first shell or command: a
// session of tunnels and file transfers has none.
type tape struct {
	mu     sync.Mutex // guards below; opening a file happens under it, once
	rec    *recording.Recorder
	failed bool // said so already
}

// track begins the recording of a channel, before what it runs is started.
// Subsystems are not recorded, and have a nil track.
func (t *tape) track(sh *shell, e inspect.Message) (*track, error) {
	began := recording.Began{Kind: sh.kind}
	switch m := e.(type) {
	case inspect.Subsystem:
		return nil, nil
	case inspect.Exec:
		began.Command = clean(m.Command, maxCommand)
	}
	if p := sh.pty; p != nil {
		began.Terminal, began.Term = true, line(p.Term, maxName)
		began.Columns, began.Rows = size(p.Columns), size(p.Rows)
	}
	rec, err := t.open(sh.session)
	if err != nil {
		return nil, err
	}
	ch, err := rec.Channel(sh.number, began)
	if err != nil {
		return nil, err
	}
	return &track{ch}, nil
}

func (t *tape) open(s *session) (*recording.Recorder, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rec != nil {
		return t.rec, nil
	}
	rec, err := s.c.g.Recorders.Open(s.id, recording.Meta{
		Session: s.id, Identity: s.row.Identity, Login: s.row.Login, Target: s.row.Target, Started: s.row.Started,
	})
	if err != nil {
		return nil, err
	}
	rec.OnFault(func(err error) { s.lose(context.Background(), err) })
	t.rec = rec
	return rec, nil
}

// lost notes that the recording failed, and says whether that is news.
func (t *tape) lost() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	news := !t.failed
	t.failed = true
	return news
}

// seal finishes the recording and records what it is.
func (t *tape) seal(ctx context.Context, s *session) {
	t.mu.Lock()
	rec, failed := t.rec, t.failed
	t.mu.Unlock()
	if rec == nil {
		return
	}
	sealed, err := rec.Close()
	if failed {
		return
	}
	if err != nil {
		s.lose(ctx, err)
		return
	}
	s.c.g.appendLate(ctx, s.meta(), event.SealRecording{
		Bytes: sealed.Bytes, SHA256: hex.EncodeToString(sealed.SHA256[:]), Frames: sealed.Frames,
	})
}

// track is the recording of one channel; nil records nothing.
type track struct{ ch *recording.Channel }

func (t *track) output(stream wire.Stream, p []byte) error {
	switch {
	case t == nil:
		return nil
	case stream == wire.Stderr:
		return t.ch.Stderr(p)
	}
	return t.ch.Stdout(p)
}

func (t *track) resize(columns, rows uint32) error {
	if t == nil {
		return nil
	}
	return t.ch.Resize(size(columns), size(rows))
}

func (t *track) end(sum relay.Summary, e event.CloseChannel) error {
	if t == nil {
		return nil
	}
	return t.ch.End(recording.Totals{
		Stdout: sum.Out, Stderr: sum.Err, SHA256: e.SHA256, Status: e.ExitStatus, Signal: e.ExitSignal,
	})
}

// size bounds what a client says of its terminal.
func size(n uint32) int { return int(min(n, 10_000)) }
