package relay_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal: our end and the end of who runs on it.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

func resize(t *testing.T, f *os.File, columns, rows uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}); err != nil {
		t.Fatal(err)
	}
}

// The person's window, at the start and after a change, is the target's.
func TestResizeReachesTheTarget(t *testing.T) {
	d := newDoors(t)
	ours, theirs := terminal(t)
	resize(t, ours, 91, 31)
	cmd := d.ssh.Command(t.Context(), "-t", "gate", `stty size; trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(ours)
	next := func() string {
		if !lines.Scan() {
			t.Fatalf("terminal: %v", lines.Err())
		}
		return strings.TrimSpace(lines.Text())
	}
	if got := next(); got != "31 91" {
		t.Errorf("at the start stty says %q, want 31 91", got)
	}
	if got := next(); got != "ready" {
		t.Fatalf("got %q", got)
	}
	resize(t, ours, 132, 50)
	if got := next(); got != "50 132" {
		t.Errorf("after the change stty says %q, want 50 132", got)
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
}
