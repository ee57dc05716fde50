package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/state"
)

// HoldRequest makes a legal hold.
type HoldRequest struct {
	Reason string    `json:"reason"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
}

// holds routes what is done to legal holds.
func (s *Server) holds(mux *http.ServeMux) {
	tables(s, mux, "hold", state.Tx.Holds)
	mux.Handle("POST /v1/hold", handle(s, func(ctx context.Context, by admin.Actor, in HoldRequest) (any, error) {
		h, err := s.Admin.CreateHold(ctx, by, in.Reason, in.From, in.To)
		return h, err
	}))
	mux.Handle("DELETE /v1/hold", handle(s, func(ctx context.Context, by admin.Actor, id string) (any, error) {
		return nil, s.Admin.DeleteHold(ctx, by, id)
	}))
}

// Keep is what is kept of the trail.
type Keep struct {
	First           uint64 `json:"first"`                     // the oldest event kept
	Retention       string `json:"retention,omitempty"`       // how long events are kept; "" is for ever
	PrunedSeq       uint64 `json:"prunedSeq,omitempty"`       // the newest event that retention removed
	PruneUnfinished bool   `json:"pruneUnfinished,omitempty"` // some of its files are still there
	Holds           int    `json:"holds"`                     // legal holds
	Error           string `json:"error,omitempty"`           // why retention failed when it last ran
}

// ExportRequest says that events are about to be taken out of the trail.
type ExportRequest struct {
	Format   string `json:"format"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Imported bool   `json:"imported,omitempty"`
}

// Exports notes who takes events out.
type Exports interface {
	// TakeEvents is called before the first of them is read.
	TakeEvents(ctx context.Context, by admin.Actor, e event.GetEvents) error
}

func (s *Server) exports(mux *http.ServeMux) {
	mux.Handle("POST /v1/trail/export", handle(s, func(ctx context.Context, by admin.Actor, in ExportRequest) (any, error) {
		return nil, s.Node.TakeEvents(ctx, by, event.GetEvents{Format: in.Format, From: in.From, To: in.To, Imported: in.Imported})
	}))
}
