package trail

import (
	"os"

	"golang.org/x/sys/unix"
)

// fdatasync makes a file's data and size durable, and leaves its times.
func fdatasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR { // interrupted before it did anything, as os.File.Sync has it
			return err
		}
	}
}
