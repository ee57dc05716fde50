package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

func TestLastErrorsOfForwardersAreWhole(t *testing.T) {
	long := strings.Repeat("while connecting ", 30) + "certificate has expired\x1b[2J"
	var out bytes.Buffer
	sh := &shell{streams: streams{nil, &out, &bytes.Buffer{}}}
	if err := sh.lastErrors([]forward.Status{
		{Name: "well"},
		{Name: "siem", LastError: long, ErrorTime: time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)},
	}); err != nil {
		t.Fatal(err)
	}
	want := "\nlast error\nsiem, 2026-11-23T08:30:00Z: " + strings.TrimSuffix(long, "\x1b[2J") + `\x1b[2J` + "\n"
	if out.String() != want {
		t.Errorf("shows %q, want %q", out.String(), want)
	}
	out.Reset()
	if err := sh.lastErrors([]forward.Status{{Name: "well"}}); err != nil || out.Len() > 0 {
		t.Errorf("without an error: %v, %q", err, out.String())
	}
}
