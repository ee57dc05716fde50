// Package e2e holds Trailgate's promises as scripts: the real binary and the
// real ssh, scp, sftp, rsync and git, against a real sshd on loopback.
//
// Commands beside testscript's own:
//
//	serve [flags]           start "trailgate serve" on $DATA and wait until it answers; sets $GATE_PORT
//	shutdown | kill9        end the server politely, or with SIGKILL
//	sshd                    start a real sshd that trusts $DATA's user CA; sets $SSHD and $SSHD_PORT
//	person NAME             make a key for NAME and an ssh_config that uses it: ssh -F $WORK/NAME.conf
//	smalldisk DIR SIZE      make DIR a file system of that size
//	receiver [stop]         a webhook receiver at $HOOK with its secret in hook.key; hook.ids is what it was told
//	port NAME               set $NAME to a free port
//	get URL                 print what it answers
//	exec makecert           write cert.pem and key.pem for localhost
//	exec awscall …          send a signed request to the CloudTrail API: see awsCall
//	code NAME SECRETFILE    let NAME answer the TOTP prompt with a code of that secret
package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trailgate/trailgate/internal/cli"
)

// asTrailgate, set, makes this test binary the trailgate command.
const asTrailgate = "TRAILGATE_E2E_BINARY"

func TestMain(m *testing.M) {
	// A query worker is this very binary, started again by the server; so is the
	// server of a test that is not a script.
	if len(os.Args) > 1 && os.Args[1] == "query-worker" || os.Getenv(asTrailgate) != "" {
		os.Exit(cli.Main())
	}
	testscript.Main(m, map[string]func(){"trailgate": func() { os.Exit(cli.Main()) }, "awscall": awsCall, "makecert": makeCert})
}

func TestScripts(t *testing.T) {
	for _, tool := range []string{"ssh", "scp", "sftp", "rsync", "git", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed: scripts/deps installs what the tests need", tool)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:   "scripts",
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":    serve,
			"shutdown": shutdown,
			"kill9":    kill9,
			"sshd":     startSSHD,
			"person":   person,
			"code":     code,

			"receiver": receiver,
			"port":     port,
			"get":      get,

			"smalldisk": smallDisk,
		},
		RequireUniqueNames: true,
	})
}

// TestNoScriptStops: testscript's own stop ends a script and calls it passed,
// whatever follows. The command that ends the server is shutdown.
func TestNoScriptStops(t *testing.T) {
	scripts, err := filepath.Glob("*/*.txtar")
	deeper, err2 := filepath.Glob("*/*/*.txtar")
	if err := errors.Join(err, err2); err != nil || len(scripts) < 10 {
		t.Fatalf("there are %d scripts: %v", len(scripts), err)
	}
	for _, name := range append(scripts, deeper...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		commands, _, _ := strings.Cut(string(text), "\n-- ")
		for i, line := range strings.Split(commands, "\n") {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word == "stop" {
				t.Errorf("%s:%d: stop: nothing after it is tested", name, i+1)
			}
		}
	}
}
