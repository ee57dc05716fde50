package client

import (
	"context"
	"net/http"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/state"
)

// Holds lists the legal holds, or the one with an ID.
func (c *Client) Holds(ctx context.Context, id string) ([]state.Hold, error) {
	return list[state.Hold](ctx, c, "hold", id)
}

// CreateHold makes a legal hold.
func (c *Client) CreateHold(ctx context.Context, in rest.HoldRequest) (out state.Hold, err error) {
	return out, c.do(ctx, http.MethodPost, "/v1/hold", in, &out)
}

// AnnounceExport tells the server that events are about to be taken out of the trail.
func (c *Client) AnnounceExport(ctx context.Context, in rest.ExportRequest) error {
	return c.do(ctx, http.MethodPost, "/v1/trail/export", in, nil)
}
