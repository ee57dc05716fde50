package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// command is one that README.md tells people to type.
type command struct {
	line string
	at   int // its line in README.md
}

var fenced = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```")

// shown is what a page shows: the commands of its console and sh blocks in
// order, and its first block of each kind.
func shown(t *testing.T, page string) (commands []command, blocks map[string]string) {
	t.Helper()
	blocks = map[string]string{}
	text, err := os.ReadFile("../" + page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fenced.FindAllSubmatchIndex(text, -1) {
		kind, body := string(text[m[2]:m[3]]), string(text[m[4]:m[5]])
		if blocks[kind] == "" {
			blocks[kind] = body
		}
		at := 1 + strings.Count(string(text[:m[4]]), "\n")
		for line := range strings.Lines(body) {
			line = strings.TrimSpace(line)
			if typed, ok := strings.CutPrefix(line, "$ "); ok && kind == "console" {
				commands = append(commands, command{typed, at})
			} else if kind == "sh" && line != "" && !strings.HasPrefix(line, "#") {
				commands = append(commands, command{line, at})
			}
			at++
		}
	}
	return commands, blocks
}

// TestReadme runs every command of README.md, in its order: what begins with
// bin/ beside a running demo, the rest on an installation of its own, with a
// real sshd as the target. STYLE: what is shown, runs.
func TestReadme(t *testing.T) {
	commands, blocks := shown(t, "README.md")
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]command{}
	var beside, real []string
	for i, c := range commands {
		id := fmt.Sprint(i)
		lines[id] = c
		words := strings.Fields(c.line)
		switch {
		case words[0] == "make":
			if !strings.Contains(string(makefile), "\n"+words[1]+":") {
				t.Errorf("README.md:%d: make has no target %q", c.at, words[1])
			}
		case words[0] == "bin/trailgate" || words[0] == "export":
			beside = append(beside, "type "+id)
		case strings.HasPrefix(c.line, "trailgate init "):
			real = append(real, "type "+id)
		case c.line == "trailgate serve":
			real = append(real, "serve", "sshd")
		case words[0] == "trailgate":
			// The address of the page's target is the sshd's, and a script says
			// that the host keys are right.
			c.line = strings.Replace(c.line, "--address 10.0.0.11:22", `--address "$SSHD" --yes`, 1)
			lines[id] = c
			real = append(real, "type "+id)
		default:
			t.Errorf("README.md:%d: this test does not know how to run %q", c.at, c.line)
		}
	}
	if len(beside) < 4 || len(real) < 10 || blocks["yaml"] == "" || blocks["cedar"] == "" {
		t.Fatalf("README.md shows %d commands for the demo, %d for an installation and blocks of %v; did they change?", len(beside), len(real), slices.Sorted(maps.Keys(blocks)))
	}
	dir := t.TempDir()
	write := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("readme_demo.txtar", "demo\n"+strings.Join(beside, "\n")+"\nsuggested\n")
	write("readme_real.txtar", `mkdir .ssh
exec ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
exec ssh-keygen -q -t ed25519 -N '' -f alice
`+strings.Join(real, "\n")+`
-- ops.cedar --
`+blocks["cedar"]+`-- root-without-mfa.yaml --
`+blocks["yaml"])
	testscript.Run(t, testscript.Params{
		Dir:   dir,
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": serve, "sshd": startSSHD, "demo": startDemo, "suggested": suggested,
			"type": func(ts *testscript.TestScript, _ bool, args []string) {
				c := lines[args[0]]
				if status, out := typed(ts, c.line, ""); status != 0 {
					ts.Fatalf("README.md:%d: %s\nexits %d:\n%s", c.at, c.line, status, out)
				}
			},
		},
	})
}

// TestHowToPages runs every command of the pages on an installation with the
// runbook of docs/how-to/write-a-runbook.md in its folder.
func TestHowToPages(t *testing.T) {
	_, blocks := shown(t, "docs/how-to/write-a-runbook.md")
	runbook := blocks["yaml"]
	for _, page := range []string{"docs/how-to/write-a-runbook.md", "docs/how-to/answer-an-auditor.md"} {
		commands, _ := shown(t, page)
		if len(commands) < 5 {
			t.Fatalf("%s shows %d commands; did its blocks change?", page, len(commands))
		}
		var script strings.Builder
		fmt.Fprint(&script, "exec ssh-keygen -q -t ed25519 -N '' -f ada\nexec trailgate init --admin ada --key ada.pub\nserve --runbooks-dir books\n")
		for i := range commands {
			fmt.Fprintln(&script, "type", i)
		}
		fmt.Fprintf(&script, "-- books/root-without-mfa.yaml --\n%[1]s-- root-without-mfa.yaml --\n%[1]s-- broken.yaml --\n%[2]s", runbook, strings.ReplaceAll(runbook, "terminate_session", "terminate_sesion"))
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(filepath.Base(page), ".md")+".txtar"), []byte(script.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		testscript.Run(t, testscript.Params{Dir: dir, Setup: setup,
			Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
				"serve": serve,
				"type": func(ts *testscript.TestScript, _ bool, args []string) {
					i, err := strconv.Atoi(args[0])
					ts.Check(err)
					c, want := commands[i], 0
					if strings.Contains(c.line, "broken.yaml") {
						want = 2
					}
					if status, out := typed(ts, c.line, ""); status != want {
						ts.Fatalf("%s:%d: %s\nexits %d, want %d:\n%s", page, c.at, c.line, status, want, out)
					}
				},
			},
		})
	}
}

// typed runs a line as a person's shell does, after the exports before it.
func typed(ts *testscript.TestScript, line, stdin string) (status int, out []byte) {
	if strings.HasPrefix(line, "export ") {
		name, value, _ := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		value, _, _ = strings.Cut(value, " ")
		ts.Setenv(name, value)
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Stdin = ts.Getenv("WORK"), strings.NewReader(stdin)
	cmd.Env = append(environ(ts), "SSHD="+ts.Getenv("SSHD"))
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%s: %v", line, err)
	}
	return cmd.ProcessState.ExitCode(), out
}

// startDemo starts "trailgate demo" in $WORK, waits until it has printed what
// to try, and ends it with the script.
func startDemo(ts *testscript.TestScript, _ bool, _ []string) {
	work := ts.Getenv("WORK")
	ts.Check(os.Mkdir(filepath.Join(work, "bin"), 0o700))
	ts.Check(os.Symlink(lookPath(ts, "trailgate"), filepath.Join(work, "bin", "trailgate")))
	ts.Setenv("TRAILGATE_DATA_DIR", "")
	cmd := exec.Command(lookPath(ts, "trailgate"), "demo")
	cmd.Dir, cmd.Env = work, environ(ts)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	var said strings.Builder
	cmd.Stderr = &said
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			ts.Fatalf("the demo, interrupted, ends with %v\n%s", err, &said)
		}
		if _, err := os.Stat(filepath.Join(work, "trailgate-demo")); !errors.Is(err, os.ErrNotExist) {
			ts.Fatalf("the demo left its directory: %v", err)
		}
	})
	hung := time.AfterFunc(3*time.Minute, func() { cmd.Process.Signal(syscall.SIGQUIT) })
	defer hung.Stop()
	var story strings.Builder
	var lines []string
	trying := false
	for sc := bufio.NewScanner(out); sc.Scan(); {
		fmt.Fprintln(&story, sc.Text())
		line, indented := strings.CutPrefix(sc.Text(), "  ")
		if trying && indented {
			lines = append(lines, line)
			if strings.Contains(line, "trail verify") { // the last one
				ts.Check(os.WriteFile(filepath.Join(work, "suggested"), []byte(strings.Join(lines, "\n")), 0o600))
				return
			}
		}
		trying = trying || strings.HasSuffix(sc.Text(), "try:")
	}
	ts.Fatalf("the demo ended before it said what to try:\n%s", &story)
}

// suggested types every line that the demo suggests.
func suggested(ts *testscript.TestScript, _ bool, _ []string) {
	for line := range strings.Lines(ts.ReadFile("suggested")) {
		line = strings.TrimSpace(line)
		want, stdin := 0, ""
		switch {
		case strings.Contains(line, "/ana/ssh_config"):
			stdin = "exit 0\n" // ssh sees no terminal: a shell that reads this
		case strings.Contains(line, "/mallory/ssh_config"):
			want = 254 // denied, or held back by the throttle
		case strings.Contains(line, " why mallory"):
			want = 4
		}
		status, out := typed(ts, line, stdin)
		if status == 255 && want == 254 {
			status = 254
		}
		if status != want {
			ts.Fatalf("the demo suggests %q, which exits %d and not %d:\n%s", line, status, want, out)
		}
	}
}

// TestDemoNoticesADisabledRunbook: the demo asserts, and does not only show.
func TestDemoNoticesADisabledRunbook(t *testing.T) {
	said := map[string]string{
		"denied-surge":        "denied-surge raised no alarm",
		"session-without-mfa": "bob's session without MFA was not ended",
		"failed-login-surge":  "failed-login-surge raised no alarm",
	}
	top := t.TempDir() // a short name: there is a Unix socket below
	for i, id := range append([]string{""}, slices.Sorted(maps.Keys(said))...) {
		t.Run("without "+id, func(t *testing.T) {
			dir := filepath.Join(top, fmt.Sprint("demo", i))
			cmd := exec.CommandContext(t.Context(), "trailgate", "demo", "--once", "--dir", dir, "--without", id)
			out, err := cmd.CombinedOutput()
			want := 3
			if id == "" {
				want = 0
			}
			if got := cmd.ProcessState.ExitCode(); got != want || !strings.Contains(string(out), said[id]) {
				t.Errorf("the demo without %q exits %d (%v), want %d and %q:\n%s", id, got, err, want, said[id], out)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the demo left its directory: %v", err)
			}
		})
	}
}
