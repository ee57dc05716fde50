package gate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/event"
)

// What runs is in its record, all of it: a long beginning hides no end.
func TestCommandIsRecordedWholeOrRefused(t *testing.T) {
	const end = "; rm -rf /srv"
	for name, tt := range map[string]struct {
		command string
		refused bool
	}{
		"long":                   {"echo " + strings.Repeat("x", 40<<10) + end, false},
		"long, all of it quoted": {"echo " + strings.Repeat(`"`, 48<<10-5-len(end)) + end, false},
		"too long":               {"echo " + strings.Repeat("x", 48<<10) + end, true},
		"too long when readable": {"echo " + strings.Repeat("\x01", 20<<10) + end, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := exec(t, w.dial("deploy+web1", "alice"), tt.command)
			record := w.trail.waitFor(t, "ExecuteCommand")
			var request struct{ Command, Omitted string }
			if err := json.Unmarshal(record.RequestParameters, &request); err != nil || request.Omitted != "" {
				t.Errorf("ExecuteCommand = %.100s, %v", record.RequestParameters, err)
			}
			if !tt.refused {
				if r.status == 254 || record.ErrorCode != "" || request.Command != tt.command {
					t.Errorf("it ended with %d, %.100q, and its record has %d of its %d bytes", r.status, r.stderr, len(request.Command), len(tt.command))
				}
				return
			}
			if r.status != 254 || !strings.Contains(r.stderr, "more than a record can hold") || r.stdout != "" {
				t.Errorf("it ended with %d, %.200q", r.status, r.stderr)
			}
			if record.ErrorCode != event.AccessDenied {
				t.Errorf("recorded as %q", record.ErrorCode)
			}
		})
	}
}

// A tunnel goes where its record says.
func TestTunnelToWhatNoHostIsCalledIsRefused(t *testing.T) {
	w := newWorld(t)
	c := w.dial("deploy+web1", "alice")
	for _, host := range []string{strings.Repeat("0", 300) + "177.0.0.1", "127.0.0.1\x00.example.com", "db\n.internal", "db\u202e.internal"} {
		if nc, err := c.Dial("tcp", host+":5432"); err == nil {
			nc.Close()
			t.Errorf("a tunnel to %.40q was let through", host)
		}
	}
	for _, r := range w.trail.named("OpenTunnel") {
		if r.ErrorCode != event.AccessDenied {
			t.Errorf("OpenTunnel %s: %q", r.RequestParameters, r.ErrorCode)
		}
	}
	if n := len(w.trail.named("OpenTunnel")); n != 4 {
		t.Errorf("%d refusals recorded, want 4", n)
	}
}
