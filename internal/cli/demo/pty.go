package demo

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pty is a Linux pseudo terminal (pty(7)).
type pty struct{ master, slave *os.File }

func openPTY(cols, rows uint32) (*pty, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		master.Close()
		return nil, fmt.Errorf("unlock a terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		master.Close()
		return nil, fmt.Errorf("name a terminal: %w", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		master.Close()
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	t := &pty{master, slave}
	t.resize(cols, rows)
	return t, nil
}

// resize sets the terminal's size; sizes no terminal has are cut.
func (t *pty) resize(cols, rows uint32) {
	unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(min(cols, 1000)), Row: uint16(min(rows, 1000))})
}

func (t *pty) close() {
	t.master.Close()
	t.slave.Close()
}
