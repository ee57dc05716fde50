// Package client speaks to a running server over the Unix socket in its data
// directory. Nothing else about it is local: what it says is the JSON API of
// package rest.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// SocketName is the socket's file in the data directory.
const SocketName = "trailgate.sock"

// ErrNoServer is returned when no server answers on the socket.
var ErrNoServer = errors.New("no server is running on this data directory")

// Client is a connection to one server. It needs no closing.
type Client struct{ http http.Client }

// New returns a client of the server of a data directory, running or not.
func New(dataDir string) *Client {
	path := filepath.Join(dataDir, SocketName)
	return &Client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}}
}

// do sends in (nil for none) and decodes the answer into out (nil for none).
// A failure of the server is a *rest.Failure.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://trailgate"+path, body)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return ErrNoServer
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("speak to the server: %w", err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	if resp.StatusCode != http.StatusOK {
		f := &rest.Failure{}
		if err := dec.Decode(f); err != nil || f.Text == "" {
			return fmt.Errorf("the server answered %s", resp.Status)
		}
		return f
	}
	if out == nil {
		return nil
	}
	dec.UseNumber()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// list gets all rows of a kind, or the one with an id.
func list[T any](ctx context.Context, c *Client, kind, id string) ([]T, error) {
	var rows []T
	path := "/v1/" + kind
	if id != "" {
		path += "?id=" + url.QueryEscape(id)
	}
	return rows, c.do(ctx, http.MethodGet, path, nil, &rows)
}

// The lists: all rows, or with an id that one. A missing one is an error.

func (c *Client) Identities(ctx context.Context, name string) ([]state.Identity, error) {
	return list[state.Identity](ctx, c, "identity", name)
}
func (c *Client) Keys(ctx context.Context, fingerprint string) ([]state.Key, error) {
	return list[state.Key](ctx, c, "key", fingerprint)
}
func (c *Client) Roles(ctx context.Context, name string) ([]state.Role, error) {
	return list[state.Role](ctx, c, "role", name)
}
func (c *Client) Targets(ctx context.Context, name string) ([]state.Target, error) {
	return list[state.Target](ctx, c, "target", name)
}
func (c *Client) Policies(ctx context.Context, name string) ([]state.Policy, error) {
	return list[state.Policy](ctx, c, "policy", name)
}
func (c *Client) Locks(ctx context.Context, id string) ([]policy.Lock, error) {
	return list[policy.Lock](ctx, c, "lock", id)
}
func (c *Client) Sessions(ctx context.Context, id string) ([]state.Session, error) {
	return list[state.Session](ctx, c, "session", id)
}
func (c *Client) Alarms(ctx context.Context, id string) ([]state.Alarm, error) {
	return list[state.Alarm](ctx, c, "alarm", id)
}
func (c *Client) Runs(ctx context.Context, id string) ([]state.Run, error) {
	return list[state.Run](ctx, c, "run", id)
}
func (c *Client) SavedQueries(ctx context.Context, name string) ([]state.SavedQuery, error) {
	return list[state.SavedQuery](ctx, c, "saved-query", name)
}
func (c *Client) Runbooks(ctx context.Context) ([]rest.RunbookInfo, error) {
	return list[rest.RunbookInfo](ctx, c, "runbook", "")
}

// MFA lists the identities that have a device.
func (c *Client) MFA(ctx context.Context) ([]string, error) { return list[string](ctx, c, "mfa", "") }

// Delete removes one resource or lock of a kind.
func (c *Client) Delete(ctx context.Context, kind, id string) error {
	return c.do(ctx, http.MethodDelete, "/v1/"+kind+"?id="+url.QueryEscape(id), nil, nil)
}

// Apply puts resources in place.
func (c *Client) Apply(ctx context.Context, in rest.ApplyRequest) (changes []admin.Change, err error) {
	return changes, c.do(ctx, http.MethodPost, "/v1/apply", in, &changes)
}

// SetKey enables or disables a key.
func (c *Client) SetKey(ctx context.Context, fingerprint string, disabled bool) error {
	return c.do(ctx, http.MethodPost, "/v1/key", rest.KeyRequest{Fingerprint: fingerprint, Disabled: disabled}, nil)
}

// AccessKeys lists access keys, without their secrets.
func (c *Client) AccessKeys(ctx context.Context, id string) ([]state.AccessKey, error) {
	return list[state.AccessKey](ctx, c, "accesskey", id)
}

// CreateAccessKey makes an access key; the answer has its secret.
func (c *Client) CreateAccessKey(ctx context.Context, in rest.AccessKeyRequest) (out rest.AccessKeyAnswer, err error) {
	return out, c.do(ctx, http.MethodPost, "/v1/accesskey", in, &out)
}

// SetAccessKey enables or disables an access key.
func (c *Client) SetAccessKey(ctx context.Context, id string, disabled bool) error {
	return c.do(ctx, http.MethodPost, "/v1/accesskey/status", rest.AccessKeyStatus{ID: id, Disabled: disabled}, nil)
}

// EnrolMFA gives an identity a new device and returns its otpauth URI.
func (c *Client) EnrolMFA(ctx context.Context, identity string) (uri string, err error) {
	return uri, c.do(ctx, http.MethodPost, "/v1/mfa", identity, &uri)
}

// CreateLock puts a lock in force.
func (c *Client) CreateLock(ctx context.Context, in policy.Lock) (out policy.Lock, err error) {
	return out, c.do(ctx, http.MethodPost, "/v1/lock", in, &out)
}

// Terminate ends a session.
func (c *Client) Terminate(ctx context.Context, session, message string) error {
	return c.do(ctx, http.MethodPost, "/v1/session/terminate", rest.TerminateRequest{Session: session, Message: message}, nil)
}

// Query asks a statement. Times in the answer are RFC 3339 text, and whole
// numbers int64.
func (c *Client) Query(ctx context.Context, in rest.QueryRequest) (out rest.QueryAnswer, err error) {
	if err := c.do(ctx, http.MethodPost, "/v1/query", in, &out); err != nil {
		return out, err
	}
	for _, row := range out.Rows {
		for i, cell := range row {
			switch cell := cell.(type) {
			case json.Number:
				row[i] = number(cell)
			case string:
				if f, err := strconv.ParseFloat(cell, 64); err == nil && i < len(out.Columns) && out.Columns[i].Type == "double" {
					row[i] = f // one that JSON has no number for
				}
			}
		}
	}
	return out, nil
}

// number keeps whole numbers whole: a double would lose digits of a bigint.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}

// Why asks for a decision that nobody waits for.
func (c *Client) Why(ctx context.Context, in rest.WhyRequest) (out rest.WhyAnswer, err error) {
	return out, c.do(ctx, http.MethodPost, "/v1/why", in, &out)
}

// EnableRunbook sets a runbook to work in a mode, with values for its
// parameters; nil leaves them as they are.
func (c *Client) EnableRunbook(ctx context.Context, id, mode string, params map[string]string) error {
	return c.do(ctx, http.MethodPost, "/v1/runbook/enable", rest.RunbookRequest{ID: id, Mode: mode, Params: params}, nil)
}

// DisableRunbook stops a runbook.
func (c *Client) DisableRunbook(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodPost, "/v1/runbook/disable", rest.RunbookRequest{ID: id}, nil)
}

// RunRunbook evaluates a runbook now and returns the alarms it raised.
func (c *Client) RunRunbook(ctx context.Context, id string) (alarms []string, err error) {
	return alarms, c.do(ctx, http.MethodPost, "/v1/runbook/run", rest.RunbookRequest{ID: id}, &alarms)
}

// AckAlarm takes an alarm on.
func (c *Client) AckAlarm(ctx context.Context, alarm, note string) error {
	return c.do(ctx, http.MethodPost, "/v1/alarm/ack", rest.AckRequest{Alarm: alarm, Note: note}, nil)
}

// DoneStep finishes a manual step of a run.
func (c *Client) DoneStep(ctx context.Context, run, step, note string) error {
	return c.do(ctx, http.MethodPost, "/v1/run/done", rest.DoneRequest{Run: run, Step: step, Note: note}, nil)
}

// GotRecording tells the server that a recording is about to be read.
func (c *Client) GotRecording(ctx context.Context, session, format string) error {
	return c.do(ctx, http.MethodPost, "/v1/recording", rest.RecordingRequest{Session: session, Format: format}, nil)
}

// Status says how the server does; ErrNoServer when none runs.
func (c *Client) Status(ctx context.Context) (out rest.Status, err error) {
	return out, c.do(ctx, http.MethodGet, "/v1/status", nil, &out)
}
