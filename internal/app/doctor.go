package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/trail"
)

// Check is one thing doctor looked at.
type Check struct {
	OK   bool
	What string
	Hint string // what to do when it is not
}

// diskReserve is the free space under which an installation is in danger: a
// trail that cannot be written refuses every act.
const diskReserve = 1 << 30

// Doctor checks an installation from its data directory alone.
func Doctor(ctx context.Context, cfg config.Config) []Check {
	var checks []Check
	say := func(err error, ok, hint string) {
		if err != nil {
			checks = append(checks, Check{false, err.Error(), hint})
			return
		}
		checks = append(checks, Check{true, ok, ""})
	}
	info, err := os.Stat(cfg.DataDir)
	if errors.Is(err, os.ErrNotExist) { // nothing else can be asked
		say(fmt.Errorf("there is no data directory %s", cfg.DataDir), "", "trailgate init --admin NAME --key KEY.pub makes it; --data-dir or TRAILGATE_DATA_DIR names another")
		return checks
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%s can be read by others (mode %o)", cfg.DataDir, info.Mode().Perm())
	}
	say(err, "data directory "+cfg.DataDir+" is the server's alone", "chmod 700 "+cfg.DataDir)
	_, err = ca.Load(caDir(cfg))
	say(err, "certificate authorities and host key", "trailgate init makes them; nobody else may read them")

	var fs unix.Statfs_t
	err = unix.Statfs(cfg.DataDir, &fs)
	free := uint64(fs.Bavail) * uint64(fs.Bsize)
	if err == nil && free < diskReserve {
		err = fmt.Errorf("only %d MiB are free for the trail", free>>20)
	}
	say(err, fmt.Sprintf("%d GiB free for the trail", free>>30), "when the disk is full every session is refused: make room now")

	if report, err := trail.Verify(ctx, cfg.DataDir, func(int64, int64) {}); err != nil {
		say(err, "", "trailgate trail verify says more")
	} else if !report.Intact {
		say(fmt.Errorf("the trail was changed in %d places", len(report.Findings)), "", "trailgate trail verify names them")
	} else {
		say(nil, fmt.Sprintf("the trail is intact: %d events", report.Events), "")
	}
	checks = append(checks, keepChecks(ctx, cfg)...)
	checks = append(checks, forwarderChecks(ctx, cfg)...)
	checks = append(checks, apiChecks(cfg)...)
	books, err := Runbooks(cfg)
	say(err, fmt.Sprintf("%d runbooks load", len(books)), "trailgate runbook lint FILE")
	for _, rb := range books {
		for _, n := range runbook.Lint(rb, cfg.EventSource) {
			if n.Level == runbook.Warning {
				say(fmt.Errorf("runbook %s: %s", rb.ID, n.Text), "", "trailgate runbook lint "+rb.ID)
			}
		}
	}
	_, err = exec.LookPath("ssh")
	say(err, "ssh client found", "only the demo needs it: apt-get install openssh-client")
	return checks
}
