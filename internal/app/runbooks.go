package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/lock"
	"github.com/trailgate/trailgate/internal/recording"
	"github.com/trailgate/trailgate/internal/respond"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/runbooks"
)

// Runbooks loads the shipped runbooks and those of runbooks.dir. The error
// holds every mistake of every file. A file of one's own may not take the ID of
// a shipped runbook: whoever reads an alarm must know which text it means.
func Runbooks(cfg config.Config) ([]*runbook.Runbook, error) {
	all, err := runbooks.All()
	if err != nil {
		return nil, err
	}
	from := map[string]string{}
	for _, rb := range all {
		from[rb.ID] = "the shipped runbooks"
	}
	if cfg.Runbooks.Dir == "" {
		return all, nil
	}
	files, err := filepath.Glob(filepath.Join(cfg.Runbooks.Dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read runbooks.dir: %w", err)
	}
	slices.Sort(files)
	var wrong []error
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read the runbook: %w", err)
		}
		rb, err := runbook.Load(f, data)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case from[rb.ID] != "":
			wrong = append(wrong, fmt.Errorf("%s: id %s is taken by %s", f, rb.ID, from[rb.ID]))
		default:
			from[rb.ID] = f
			all = append(all, rb)
		}
	}
	return all, errors.Join(wrong...)
}

// responder joins the runbooks to the gate, the locks and the receivers.
func (a *App) responder(books []*runbook.Runbook) (*respond.Responder, error) {
	receivers := map[string]action.Receiver{}
	for name, r := range a.cfg.Notify {
		receivers[name] = action.Receiver{Webhook: r.Webhook, SecretFile: r.SecretFile}
	}
	notifier, err := action.NewNotifier(receivers, time.Now)
	if err != nil {
		return nil, err
	}
	return respond.New(respond.Deps{
		Store: a.store, Trail: a.trail, Origin: a.origin, Engine: a.runbooks, Runbooks: books,
		Actions: action.New(action.Deps{
			Sessions: runSessions{a.gate}, Locks: a.locks, Now: time.Now,
			Protected: func(err error) bool { return errors.Is(err, lock.ErrProtected) },
			Gone:      func(err error) bool { return errors.Is(err, gate.ErrNoSession) },
			Ended:     a.ended,
		}),
		Notifier: notifier, Recordings: evidence(recordingDir(a.cfg)), Log: a.o.Log,
	}), nil
}

// runSessions lets a run end sessions.
type runSessions struct{ gate *gate.Gate }

// Terminate ends a live session.
func (s runSessions) Terminate(ctx context.Context, id, message string, by action.By) error {
	return s.gate.Terminate(ctx, id, message, gate.By{Identity: by.Identity, Run: by.Run})
}

// ended says whether a session is known to be over.
func (a *App) ended(ctx context.Context, session string) bool {
	var row state.Session
	err := a.store.View(ctx, func(tx state.Tx) (err error) {
		row, err = tx.Sessions().Get(session)
		return err
	})
	return err == nil && !row.Ended.IsZero()
}

// evidence finds what was recorded of a session.
type evidence string

// Evidence names the recording of a session and its hash so far.
func (dir evidence) Evidence(_ context.Context, session string) (string, error) {
	sealed, err := recording.Verify(string(dir), session)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "no recording", nil
	case errors.Is(err, recording.ErrUnfinished):
		return "recording " + session + ", still being written", nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("recording %s, %d bytes, sha256 %x", session, sealed.Bytes, sealed.SHA256), nil
}
