package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/admin"
)

// Deliveries is the trail's log files and digests, and the keys that sign them.
type Deliveries interface {
	LogFiles() LogFiles
	RotateDigestKey(ctx context.Context, by admin.Actor) (DigestKey, error)
}

// LogFiles says how the delivery of log files does. Times are zero before the
// first, errors "" when the latest attempt did not fail.
type LogFiles struct {
	Bucket                    string    `json:"bucket"`
	Trail                     string    `json:"trail"`
	Delivered                 uint64    `json:"delivered"` // events up to this one are in log files
	Digest                    string    `json:"digest,omitempty"`
	DigestEnd                 time.Time `json:"digestEnd,omitzero"`
	LatestDelivery            time.Time `json:"latestDelivery,omitzero"`
	LatestDeliveryError       string    `json:"latestDeliveryError,omitempty"`
	LatestDigestDelivery      time.Time `json:"latestDigestDelivery,omitzero"`
	LatestDigestDeliveryError string    `json:"latestDigestDeliveryError,omitempty"`
	LatestAnchor              time.Time `json:"latestAnchor,omitzero"`
	LatestAnchorError         string    `json:"latestAnchorError,omitempty"`
	Anchors                   []Anchor  `json:"anchors,omitempty"`
}

// Anchor is a place outside that is told of each digest.
type Anchor struct {
	Place string    `json:"place"`
	Kept  time.Time `json:"kept,omitzero"`   // when one was last kept there since the node started
	Seq   uint64    `json:"seq,omitempty"`   // its newest event
	Error string    `json:"error,omitempty"` // why the last try failed
}

// DigestKey is the public half of a key that signs digests.
type DigestKey struct {
	Fingerprint string    `json:"fingerprint"`
	From        time.Time `json:"from"`
	PEM         string    `json:"pem"`
}

// RotateRequest makes a new key.
type RotateRequest struct {
	CA string `json:"ca"` // digest
}

func (s *Server) deliveryRoutes(mux *http.ServeMux) {
	mux.Handle("GET /v1/log-files", handle(s, func(context.Context, admin.Actor, string) (any, error) {
		return s.Deliveries.LogFiles(), nil
	}))
	mux.Handle("POST /v1/ca/rotate", handle(s, func(ctx context.Context, by admin.Actor, in RotateRequest) (any, error) {
		if in.CA != "digest" {
			return nil, &Failure{"there is no CA " + strconv.Quote(in.CA) + " that rotates", "digest", codeMisuse}
		}
		return s.Deliveries.RotateDigestKey(ctx, by)
	}))
}
