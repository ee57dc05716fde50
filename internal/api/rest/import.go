package rest

import (
	"context"
	"net/http"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
)

// ImportRequest says that an import is about to begin, or has ended. The import
// itself runs in the process that says so.
type ImportRequest struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Since  string `json:"since,omitempty"`
	Follow bool   `json:"follow,omitempty"`
	Own    bool   `json:"own,omitempty"`
	// End is what came of it; nil at the beginning.
	End *ImportEnd `json:"end,omitempty"`
}

// ImportEnd is what came of an import.
type ImportEnd struct {
	Cause       string `json:"cause"`
	Files       int64  `json:"files"`
	Read        int64  `json:"read"`
	New         int64  `json:"new"`
	Duplicate   int64  `json:"duplicate"`
	Quarantined int64  `json:"quarantined"`
	Skipped     int64  `json:"skipped"`
	Unreadable  int64  `json:"unreadable"`
}

// Event is what the trail says of it.
func (in ImportRequest) Event() event.Event {
	if e := in.End; e != nil {
		return event.EndImport{ID: in.ID, Source: in.Source, Cause: e.Cause, Files: e.Files, Read: e.Read, New: e.New,
			Duplicate: e.Duplicate, Quarantined: e.Quarantined, Skipped: e.Skipped, Unreadable: e.Unreadable}
	}
	return event.StartImport{Name: in.ID, Source: in.Source, Since: in.Since, Follow: in.Follow, Own: in.Own}
}

// Imports notes who imports events.
type Imports interface {
	// Imported is called before an import begins and after it has ended.
	Imported(ctx context.Context, by admin.Actor, e event.Event) error
}

func (s *Server) imports(mux *http.ServeMux) {
	mux.Handle("POST /v1/import", handle(s, func(ctx context.Context, by admin.Actor, in ImportRequest) (any, error) {
		return nil, s.Node.Imported(ctx, by, in.Event())
	}))
}
