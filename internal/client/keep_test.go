package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
)

func (s *server) TakeEvents(_ context.Context, by admin.Actor, e event.GetEvents) error {
	s.note(by.Identity, "export %s %s %s %v", e.Format, e.From, e.To, e.Imported)
	return nil
}

func TestHoldsAndExports(t *testing.T) {
	s := start(t)
	from := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	made, err := s.CreateHold(t.Context(), rest.HoldRequest{Reason: "matter 7", From: from})
	if err != nil || made.ID == "" || made.Reason != "matter 7" || !made.From.Equal(from) || !made.To.IsZero() {
		t.Fatalf("CreateHold = %+v, %v", made, err)
	}
	for _, id := range []string{"", made.ID} {
		if all, err := s.Holds(t.Context(), id); err != nil || len(all) != 1 || all[0].ID != made.ID {
			t.Errorf("Holds(%q) = %+v, %v", id, all, err)
		}
	}
	if _, err := s.CreateHold(t.Context(), rest.HoldRequest{}); err == nil {
		t.Error("a hold without a reason was made")
	}
	if err := s.Delete(t.Context(), "hold", made.ID); err != nil {
		t.Error(err)
	}
	if all, err := s.Holds(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("after Delete there are %+v, %v", all, err)
	}
	s.took()
	if err := s.AnnounceExport(t.Context(), rest.ExportRequest{Format: "jsonl", From: "2026-11-01T00:00:00Z", Imported: true}); err != nil {
		t.Error(err)
	}
	if got := s.took(); len(got) != 1 || got[0] != "export jsonl 2026-11-01T00:00:00Z  true" {
		t.Errorf("the export was announced as %q", got)
	}
}
