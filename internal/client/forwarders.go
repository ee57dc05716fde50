package client

import (
	"context"
	"net/http"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

// Forwarders says how the forwarders do.
func (c *Client) Forwarders(ctx context.Context) ([]forward.Status, error) {
	return list[forward.Status](ctx, c, "forwarder", "")
}

// TestForwarder sends a message through a forwarder and waits for its sink.
func (c *Client) TestForwarder(ctx context.Context, name string) (out rest.ForwarderTest, err error) {
	return out, c.do(ctx, http.MethodPost, "/v1/forwarder/test", name, &out)
}
