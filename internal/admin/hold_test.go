package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/state"
)

func (w *world) holds() []state.Hold {
	w.t.Helper()
	var rows []state.Hold
	if err := w.store.View(w.t.Context(), func(tx state.Tx) (err error) { rows, err = tx.Holds().List(); return err }); err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// TestHoldsComeAndGoWithTheirEvents: a hold that is there was recorded first.
func TestHoldsComeAndGoWithTheirEvents(t *testing.T) {
	w := newWorld(t)
	h, err := w.CreateHold(t.Context(), by, "matter 7", noon.Add(-time.Hour), noon)
	if err != nil {
		t.Fatal(err)
	}
	want := state.Hold{ID: h.ID, Reason: "matter 7", From: noon.Add(-time.Hour), To: noon, By: "root", Created: noon}
	if diff := cmp.Diff([]state.Hold{want}, w.holds()); diff != "" {
		t.Errorf("holds (-want +got):\n%s", diff)
	}
	open, err := w.CreateHold(t.Context(), by, "matter 8", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{h.ID, open.ID} {
		if err := w.DeleteHold(t.Context(), by, id); err != nil {
			t.Fatal(err)
		}
	}
	events := []string{
		`CreateLegalHold {"reason":"matter 7","from":"2026-11-23T11:00:00Z","to":"2026-11-23T12:00:00Z"} {"holdId":"` + h.ID + `"}`,
		`CreateLegalHold {"reason":"matter 8"} {"holdId":"` + open.ID + `"}`,
		`DeleteLegalHold {"holdId":"` + h.ID + `"}`,
		`DeleteLegalHold {"holdId":"` + open.ID + `"}`,
	}
	if diff := cmp.Diff(events, w.took()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if left := w.holds(); len(left) != 0 {
		t.Errorf("holds left: %+v", left)
	}
}

func TestHoldsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	var c *admin.Conflict
	if _, err := w.CreateHold(t.Context(), by, " ", time.Time{}, time.Time{}); !errors.As(err, &c) {
		t.Errorf("a hold without a reason: %v", err)
	}
	if _, err := w.CreateHold(t.Context(), by, "x", noon, noon.Add(-time.Second)); !errors.As(err, &c) {
		t.Errorf("a hold that ends before it begins: %v", err)
	}
	if err := w.DeleteHold(t.Context(), by, "none"); !errors.As(err, &c) || !strings.Contains(c.Text, "none") {
		t.Errorf("delete a hold that is none: %v", err)
	}
	if events := w.took(); len(events) != 0 {
		t.Errorf("events of what did not happen: %v", events)
	}
	w.failAt = 1
	if _, err := w.CreateHold(t.Context(), by, "x", noon, noon); err == nil || len(w.holds()) != 0 {
		t.Errorf("a hold whose event failed: %v, %+v", err, w.holds())
	}
}
