package app

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// importNice is how far an import steps back: a gate on the same machine gets
// ten times its share.
const importNice = 10

// stepBack lowers the priority of this process. On Linux it is one of threads;
// those to come have their maker's. Where it may not, it does without.
func stepBack() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, importNice)
		}
	}
}
