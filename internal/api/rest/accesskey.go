package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/state"
)

type (
	// AccessKeyRequest makes an access key.
	AccessKeyRequest struct {
		Identity  string    `json:"identity"`
		Temporary bool      `json:"temporary,omitempty"`
		Expires   time.Time `json:"expires,omitzero"`
	}
	// AccessKeyAnswer is the key, the only time its secret is shown.
	AccessKeyAnswer struct {
		ID      string    `json:"accessKeyId"`
		Secret  string    `json:"secretAccessKey"`
		Token   string    `json:"sessionToken,omitempty"`
		Expires time.Time `json:"expires,omitzero"`
		API     string    `json:"api,omitempty"` // the URL the CloudTrail API answers at; empty when it is off
		Region  string    `json:"region"`
	}
	// AccessKeyStatus enables or disables an access key.
	AccessKeyStatus struct {
		ID       string `json:"accessKeyId"`
		Disabled bool   `json:"disabled"`
	}
)

// accessKeys are the routes of access keys. Their secrets leave the server
// once, when they are made.
func (s *Server) accessKeys(mux *http.ServeMux) {
	mux.Handle("GET /v1/accesskey", handle(s, func(ctx context.Context, _ admin.Actor, id string) (any, error) {
		rows := []state.AccessKey{}
		err := s.Store.View(ctx, func(tx state.Tx) error {
			all, err := tx.AccessKeys().List()
			for _, k := range all {
				if id == "" || k.ID == id {
					k.Secret, k.Token = "", ""
					rows = append(rows, k)
				}
			}
			return err
		})
		if err == nil && id != "" && len(rows) == 0 {
			return nil, noAccessKey(id, state.ErrNotFound)
		}
		return rows, err
	}))
	mux.Handle("POST /v1/accesskey", handle(s, func(ctx context.Context, by admin.Actor, in AccessKeyRequest) (any, error) {
		k, err := s.Admin.CreateAccessKey(ctx, by, in.Identity, in.Temporary, in.Expires)
		if err != nil {
			return nil, err
		}
		return AccessKeyAnswer{ID: k.Row.ID, Secret: k.Secret, Token: k.Token, Expires: k.Row.Expires, API: s.Node.Status().API, Region: s.Origin.Region}, nil
	}))
	mux.Handle("POST /v1/accesskey/status", handle(s, func(ctx context.Context, by admin.Actor, in AccessKeyStatus) (any, error) {
		return nil, noAccessKey(in.ID, s.Admin.SetAccessKey(ctx, by, in.ID, in.Disabled))
	}))
	mux.Handle("DELETE /v1/accesskey", handle(s, func(ctx context.Context, by admin.Actor, id string) (any, error) {
		return nil, noAccessKey(id, s.Admin.DeleteAccessKey(ctx, by, id))
	}))
}

// noAccessKey says where the access keys are when err is that there is no such
// one.
func noAccessKey(id string, err error) error {
	if errors.Is(err, state.ErrNotFound) {
		return &Failure{fmt.Sprintf("no access key %q", id), "trailgate key list --api shows them", codeFailed}
	}
	return err
}
