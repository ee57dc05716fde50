package client

import (
	"context"
	"net/http"

	"github.com/trailgate/trailgate/internal/api/rest"
)

// LogFiles says how the delivery of log files and digests does.
func (c *Client) LogFiles(ctx context.Context) (out rest.LogFiles, err error) {
	return out, c.do(ctx, http.MethodGet, "/v1/log-files", nil, &out)
}

// RotateCA makes a new key that takes over: of the digests, ca is digest.
func (c *Client) RotateCA(ctx context.Context, ca string) (out rest.DigestKey, err error) {
	return out, c.do(ctx, http.MethodPost, "/v1/ca/rotate", rest.RotateRequest{CA: ca}, &out)
}
