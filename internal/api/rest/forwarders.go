package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

// Forwarders is what sends events outside (package forward).
type Forwarders interface {
	Forwarders() []forward.Status
	// TestForwarder appends an event for a forwarder and waits until its sink has
	// it, or ctx ends.
	TestForwarder(ctx context.Context, by admin.Actor, name string) (ForwarderTest, error)
}

// ForwarderTest is what came of a test message.
type ForwarderTest struct {
	EventID string         `json:"eventID"`
	Problem string         `json:"problem,omitempty"` // why it has not arrived; empty when it has
	Status  forward.Status `json:"status"`
}

// testWait is how long a test waits for the sink: longer than one attempt takes
// to fail, shorter than the request may last.
const testWait = 25 * time.Second

// forwarderRoutes adds what concerns forwarders.
func (s *Server) forwarderRoutes(mux *http.ServeMux) {
	mux.Handle("GET /v1/forwarder", handle(s, func(context.Context, admin.Actor, string) (any, error) {
		return s.Forwarders.Forwarders(), nil
	}))
	mux.Handle("POST /v1/forwarder/test", handle(s, func(ctx context.Context, by admin.Actor, name string) (any, error) {
		bounded, cancel := context.WithTimeout(ctx, testWait)
		defer cancel()
		return s.Forwarders.TestForwarder(bounded, by, name)
	}))
}
