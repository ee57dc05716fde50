package client_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
)

func (s *server) Imported(_ context.Context, by admin.Actor, e event.Event) error {
	s.note(by.Identity, "%s %+v", event.Name(e), e)
	return nil
}

func TestImportsAreNoted(t *testing.T) {
	s := start(t)
	in := rest.ImportRequest{ID: "i1", Source: "/logs", Since: "2026-11-01T00:00:00Z", Follow: true}
	if err := s.NoteImport(t.Context(), in); err != nil {
		t.Error(err)
	}
	in.End = &rest.ImportEnd{Cause: "done", Read: 7, New: 5, Duplicate: 1, Quarantined: 1}
	if err := s.NoteImport(t.Context(), in); err != nil {
		t.Error(err)
	}
	want := []string{
		"StartImport {managementWrite:{} Name:i1 Source:/logs Since:2026-11-01T00:00:00Z Follow:true Own:false}",
		"EndImport {managementWrite:{} ID:i1 Source:/logs Cause:done Files:0 Read:7 New:5 Duplicate:1 Quarantined:1 Skipped:0 Unreadable:0}",
	}
	if diff := cmp.Diff(want, s.took()); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
}
