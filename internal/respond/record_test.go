package respond

import (
	"testing"

	"github.com/trailgate/trailgate/event"
)

// A record that others put into the trail and that looks like one of a run must
// not keep the run's own from being recorded after a restart.
func TestOnlyRecordsOfRunbooksAreRemembered(t *testing.T) {
	const what = `"eventName":"ExecuteStep","requestParameters":{"runId":"r1","step":"stop"},"responseElements":{"result":"running"}}`
	for identity, want := range map[string]bool{
		`{"type":"Service","principalId":"runbook:a","invokedBy":"runbook:a"}`: true,
		`{"type":"Service","principalId":"runbook:a"}`:                         false, // as PutAuditEvents makes them
	} {
		r := &Responder{recorded: map[string]bool{}}
		if err := r.remember(event.Entry{Seq: 1, JSON: []byte(`{"userIdentity":` + identity + `,` + what)}); err != nil {
			t.Fatal(err)
		}
		if r.recorded[stepMark("r1", "stop", "running")] != want {
			t.Errorf("%s: remembered %v, want %v", identity, r.recorded, want)
		}
	}
}
