package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

func TestCaretStandsBelowTheMistake(t *testing.T) {
	long := "SELECT " + strings.Repeat("a, ", 100) + "evntName FROM CloudTrailLogs"
	for _, tt := range []struct {
		name, text string
		line, col  int
		want       string
	}{
		{"first line", "SELECT evntName", 1, 8, "  SELECT evntName\n         ^"},
		{"second line", "SELECT é,\r\n\tevntName\r\nFROM x", 2, 2, "   evntName\n   ^"},
		{"characters, not bytes", "SELECT 'ééé', x", 1, 15, "  SELECT 'ééé', x\n                ^"},
		{"the end", "SELECT", 1, 7, "  SELECT\n        ^"},
		{"speaks to no terminal", "SELECT '\x1b[2J', x", 1, 16, "  SELECT ' [2J', x\n                 ^"},
		{"a long line", long, 1, 308, "  " + long[247:307] + long[307:] + "\n  " + strings.Repeat(" ", 60) + "^"},
		{"no such line", "SELECT", 2, 1, ""},
		{"no such column", "SELECT", 1, 9, ""},
	} {
		if got := caret(tt.text, &sqlfront.Error{Line: tt.line, Column: tt.col}); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestWaitingSaysForHowLong(t *testing.T) {
	var errs bytes.Buffer
	sh := &shell{streams: streams{nil, &bytes.Buffer{}, &errs}}
	began := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	tick, stop, gone := make(chan time.Time), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		sh.sayWaiting(tick, stop, began)
	}()
	tick <- began.Add(time.Second)
	tick <- began.Add(3 * time.Second)
	close(stop)
	<-gone
	if want := "\r\x1b[Krunning … 1 s, Ctrl-C stops it\r\x1b[Krunning … 3 s, Ctrl-C stops it\r\x1b[K"; errs.String() != want {
		t.Errorf("says %q, want %q", errs.String(), want)
	}
	errs.Reset()
	done := sh.waiting() // stderr is no terminal
	done()
	if errs.Len() > 0 {
		t.Errorf("says %q to what is no terminal", errs.String())
	}
}
