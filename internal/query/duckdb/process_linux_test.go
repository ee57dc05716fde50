package duckdb

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestWorkerProcessIsBounded(t *testing.T) {
	s := slowTrail(t)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", e.pid(), name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	limits := read("limits")
	for _, want := range []string{`Max file size +0 +0 `, `Max core file size +0 +0 `, `Max address space +\d+ +\d+ `} {
		if !regexp.MustCompile(want).MatchString(limits) {
			t.Errorf("limits have no %q:\n%s", want, limits)
		}
	}
	if env := strings.TrimRight(read("environ"), "\x00"); env != "TZ=UTC" {
		t.Errorf("environment is %q, want nothing of ours", env)
	}
	var pid, parent, group int
	stat := read("stat")
	if _, err := fmt.Sscanf(stat[:strings.Index(stat, " ")], "%d", &pid); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(stat[strings.LastIndex(stat, ")")+4:], "%d %d", &parent, &group); err != nil || group != pid {
		t.Errorf("process group %d of %d, %v: want its own", group, pid, err)
	}
}

// Whoever asks comes after the trail and detection: every thread of a worker
// steps back as it is told.
func TestWorkerStepsBack(t *testing.T) {
	s := slowTrail(t)
	e := runEngineWith(t, s, func(o *Options) { o.Nice = 5 })
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	if _, err := e.rows(t.Context(), "SELECT count(*) FROM logs a, logs b"); err != nil {
		t.Fatal(err)
	}
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", e.pid()))
	if err != nil || len(stats) < 2 {
		t.Fatalf("%v, %v", stats, err)
	}
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended
		}
		if fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); fields[16] != "5" {
			t.Errorf("%s: nice is %s, want 5", name, fields[16])
		}
	}
}

// A worker goes when its parent does, also from a statement that heeds no
// interrupt.
func TestWorkerEndsWithItsParent(t *testing.T) {
	cmd := exec.Command(os.Args[0], "query-worker")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	send := func(k kind, v any) {
		f, err := jsonFrame(k, v)
		if err == nil {
			_, err = in.Write(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	send(kindHello, hello{Version: protocolVersion, MemoryLimit: "1GB", MemoryBytes: 1e9, Threads: 1})
	var buf []byte
	if k, body, err := readFrame(out, &buf); err != nil || k != kindReady {
		t.Fatalf("frame %d %s, %v", k, body, err)
	}
	send(kindQuery, ask{ID: 1, SQL: "SELECT length(regexp_replace(repeat('ab', 400000000), 'a(b)', 'x\\1', 'g'))", MaxRows: 1, Timeout: time.Hour})
	if err := in.Close(); err != nil { // as the system does when the parent dies
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("worker whose parent is gone ended with %v, want by itself", err)
	}
}
