package duckdb

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// limitProcess bounds this process where DuckDB's own limits do not hold: one
// scalar call can take gigabytes past memory_limit. What the process has mapped
// before the first statement does not count.
func limitProcess(h hello) error {
	mapped, err := mappedBytes()
	if err != nil {
		return err
	}
	if err := stepBack(h.Nice); err != nil {
		return err
	}
	for _, l := range []struct {
		what string
		kind int
		max  uint64
	}{
		{"address space", unix.RLIMIT_AS, mapped + 2*uint64(h.MemoryBytes) + 1<<30},
		{"file size", unix.RLIMIT_FSIZE, 0}, // it has nothing to write
		{"core size", unix.RLIMIT_CORE, 0},  // it would hold events
	} {
		if err := unix.Setrlimit(l.kind, &unix.Rlimit{Cur: l.max, Max: l.max}); err != nil {
			return fmt.Errorf("limit %s: %w", l.what, err)
		}
	}
	return nil
}

// stepBack lowers the priority of this process. Priority is a thread's on
// Linux; threads to come have their maker's. There is no limit of CPU time: a
// worker's life is long, and each statement has its end by the clock.
func stepBack(nice int) error {
	if nice == 0 {
		return nil
	}
	threads, err := os.ReadDir("/proc/self/task")
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read own threads: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, id, nice); err != nil && err != unix.ESRCH {
			return fmt.Errorf("lower own priority: %w", err)
		}
	}
	return nil
}

// mappedBytes is the size of this process's address space; where the system
// has no /proc, a guess that is high enough for Go's and C's arenas.
func mappedBytes() (uint64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if os.IsNotExist(err) {
		return 8 << 30, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read own size: %w", err)
	}
	first, _, _ := bytes.Cut(b, []byte(" "))
	pages, err := strconv.ParseUint(string(first), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read own size: %w", err)
	}
	return pages * uint64(os.Getpagesize()), nil
}

// parseSize reads a size as DuckDB spells it, e.g. 512MB or 1GiB.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "abgikmtABGIKMT ")
	n, err := strconv.ParseInt(digits, 10, 64)
	unit := map[string]int64{
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	if err != nil || n <= 0 || unit == 0 || n > 1<<62/unit {
		return 0, fmt.Errorf("memory limit %q is not a size like 512MB", s)
	}
	return n * unit, nil
}
