package client

import (
	"context"
	"net/http"

	"github.com/trailgate/trailgate/internal/api/rest"
)

// NoteImport tells the server that an import begins or has ended.
func (c *Client) NoteImport(ctx context.Context, in rest.ImportRequest) error {
	return c.do(ctx, http.MethodPost, "/v1/import", in, nil)
}
