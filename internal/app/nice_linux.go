package app

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// importNice is how far an import steps back: a gate on the same machine gets
// ten times its share. mergeNice is the same of merging seals, beside a gate in
// the same process.
const (
	importNice = 10
	mergeNice  = 19
)

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

// stepBackThread lowers the priority of the thread it is called on, which the
// caller has locked.
func stepBackThread() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), mergeNice) }
