package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// Sessions ends live sessions (package gate).
type Sessions interface {
	Terminate(ctx context.Context, id, message string, by event.UserIdentity) error
}

// Query answers a statement with everything appended before it, and records
// that it was asked.
type Query interface {
	Query(ctx context.Context, by admin.Actor, in QueryRequest) (*query.Result, error)
	// Explain runs a statement as Query does, and says what it reads.
	Explain(ctx context.Context, by admin.Actor, in QueryRequest) (*query.Plan, error)
}

// Rules is the snapshot that decisions are made from.
type Rules interface {
	Book() policy.Book
}

// Respond is the runbooks at work (package respond).
type Respond interface {
	Runbooks(ctx context.Context) ([]RunbookInfo, error)
	Enable(ctx context.Context, id string, mode runbook.Mode, params map[string]string, by event.UserIdentity) error
	Disable(ctx context.Context, id string, by event.UserIdentity) error
	// RunNow returns the alarms it raised.
	RunNow(ctx context.Context, id string) ([]string, error)
	Ack(ctx context.Context, alarm, note string, by event.UserIdentity) error
	Done(ctx context.Context, run, step, note string, by event.UserIdentity) error
}

// Node says how this process does, and notes what it hands out.
type Node interface {
	Status() Status
	// GotRecording is called before a recording is read from the data directory.
	GotRecording(ctx context.Context, by admin.Actor, session, format string) error
	Exports
	Imports
}

// Status is a running server in figures.
type Status struct {
	Version     string    `json:"version"`
	PID         int       `json:"pid"`
	Gate        string    `json:"gate"`          // address it listens on
	API         string    `json:"api,omitempty"` // URL of the CloudTrail API; empty when it is off
	Started     time.Time `json:"started"`
	Sessions    int       `json:"sessions"`
	TrailSeq    uint64    `json:"trailSeq"`
	TrailHash   string    `json:"trailHash"`
	QueriedSeq  uint64    `json:"queriedSeq"`  // newest event the people's worker answers with
	DetectedSeq uint64    `json:"detectedSeq"` // and the runbooks' worker
	SealedSeq   uint64    `json:"sealedSeq"`
	TrailFault  string    `json:"trailFault,omitempty"`
	Keep        Keep      `json:"keep"`
}

// The bodies of POST requests.
type (
	// ApplyRequest puts resources in place.
	ApplyRequest struct {
		Resources []manifest.Resource `json:"resources"`
		DryRun    bool                `json:"dryRun,omitempty"`
		Create    bool                `json:"create,omitempty"`
	}
	// QueryRequest asks one statement.
	QueryRequest struct {
		Statement  string            `json:"statement"`
		Parameters map[string]string `json:"parameters,omitempty"` // values for :name in it
		MaxRows    int               `json:"maxRows,omitempty"`
		Explain    bool              `json:"explain,omitempty"` // what it reads is wanted, not its rows
	}
	// QueryAnswer is its result, or its plan. On the wire a double that JSON has no
	// number for is its name.
	QueryAnswer struct {
		Columns   []query.Column `json:"columns"`
		Rows      [][]any        `json:"rows"`
		Truncated bool           `json:"truncated,omitempty"`
		Seconds   float64        `json:"seconds"`
		Scanned   query.Scan     `json:"scanned"`
		Plan      *query.Plan    `json:"plan,omitempty"`
	}
	// WhyRequest asks for a decision that nobody waits for.
	WhyRequest struct {
		Identity string        `json:"identity"`
		Target   string        `json:"target"`
		Login    string        `json:"login"`
		Action   policy.Action `json:"action"`
		MFA      bool          `json:"mfa"`
		Source   string        `json:"source,omitempty"`
		Time     time.Time     `json:"time,omitzero"`
	}
	// WhyAnswer is the decision.
	WhyAnswer struct {
		Allowed  bool     `json:"allowed"`
		Reason   string   `json:"reason"`
		Policies []string `json:"policies,omitempty"`
		NeedsMFA bool     `json:"needsMfa,omitempty"`
		Explain  []string `json:"explain"`
	}
	// KeyRequest enables or disables a key.
	KeyRequest struct {
		Fingerprint string `json:"fingerprint"`
		Disabled    bool   `json:"disabled"`
	}
	// TerminateRequest ends a session.
	TerminateRequest struct {
		Session string `json:"session"`
		Message string `json:"message,omitempty"`
	}
	// RunbookRequest sets a runbook to work, or not.
	RunbookRequest struct {
		ID     string            `json:"id"`
		Mode   string            `json:"mode,omitempty"`
		Params map[string]string `json:"params,omitempty"` // values for the runbook's parameters
	}
	// AckRequest takes an alarm on.
	AckRequest struct {
		Alarm string `json:"alarm"`
		Note  string `json:"note,omitempty"`
	}
	// DoneRequest finishes a manual step.
	DoneRequest struct {
		Run  string `json:"run"`
		Step string `json:"step"`
		Note string `json:"note,omitempty"`
	}
	// RecordingRequest announces that a recording will be read.
	RecordingRequest struct {
		Session string `json:"session"`
		Format  string `json:"format"`
	}
	// RunbookInfo is a runbook and how it works here.
	RunbookInfo struct {
		ID       string `json:"id"`
		Title    string `json:"title"`
		Severity string `json:"severity"`
		Owner    string `json:"owner"`
		Trigger  string `json:"trigger"` // live, schedule, or both
		Enabled  bool   `json:"enabled"`
		Mode     string `json:"mode"`

		Params map[string]string `json:"params,omitempty"` // of its parameters, by name: their values here
	}
)

// routes is the whole API.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	tables(s, mux, "identity", state.Tx.Identities)
	tables(s, mux, "key", state.Tx.Keys)
	tables(s, mux, "role", state.Tx.Roles)
	tables(s, mux, "target", state.Tx.Targets)
	tables(s, mux, "policy", state.Tx.Policies)
	tables(s, mux, "lock", state.Tx.Locks)
	tables(s, mux, "session", state.Tx.Sessions)
	tables(s, mux, "alarm", state.Tx.Alarms)
	tables(s, mux, "run", state.Tx.Runs)
	tables(s, mux, "saved-query", state.Tx.SavedQueries)
	s.holds(mux)
	s.exports(mux)
	s.imports(mux)
	for _, kind := range manifest.Kinds {
		mux.Handle("DELETE /v1/"+kind, handle(s, func(ctx context.Context, by admin.Actor, id string) (any, error) {
			return nil, s.Admin.Delete(ctx, by, kind, id)
		}))
	}
	mux.Handle("POST /v1/apply", handle(s, func(ctx context.Context, by admin.Actor, in ApplyRequest) (any, error) {
		changes, err := s.Admin.Apply(ctx, by, in.Resources, admin.Options{DryRun: in.DryRun, Create: in.Create})
		return changes, err
	}))
	s.accessKeys(mux)
	mux.Handle("POST /v1/key", handle(s, func(ctx context.Context, by admin.Actor, in KeyRequest) (any, error) {
		return nil, s.Admin.SetKey(ctx, by, in.Fingerprint, in.Disabled)
	}))
	mux.Handle("GET /v1/mfa", handle(s, s.listMFA))
	mux.Handle("POST /v1/mfa", handle(s, func(ctx context.Context, by admin.Actor, identity string) (any, error) {
		uri, err := s.Admin.EnrolMFA(ctx, by, identity)
		return uri, err
	}))
	mux.Handle("DELETE /v1/mfa", handle(s, func(ctx context.Context, by admin.Actor, identity string) (any, error) {
		return nil, s.Admin.RemoveMFA(ctx, by, identity)
	}))
	mux.Handle("POST /v1/lock", handle(s, func(ctx context.Context, by admin.Actor, in policy.Lock) (any, error) {
		// Who made it and when is not the caller's to say.
		in.By, in.Run, in.Created = "", "", time.Time{}
		l, err := s.Locks.Create(ctx, in, by.Identity)
		return l, err
	}))
	mux.Handle("DELETE /v1/lock", handle(s, func(ctx context.Context, by admin.Actor, id string) (any, error) {
		return nil, s.Locks.Delete(ctx, id, by.Identity)
	}))
	mux.Handle("POST /v1/session/terminate", handle(s, func(ctx context.Context, by admin.Actor, in TerminateRequest) (any, error) {
		return nil, s.Sessions.Terminate(ctx, in.Session, in.Message, by.Identity)
	}))
	mux.Handle("POST /v1/query", handle(s, s.query))
	mux.Handle("POST /v1/why", handle(s, s.why))
	mux.Handle("GET /v1/runbook", handle(s, func(ctx context.Context, _ admin.Actor, _ string) (any, error) {
		return s.Respond.Runbooks(ctx)
	}))
	mux.Handle("POST /v1/runbook/enable", handle(s, func(ctx context.Context, by admin.Actor, in RunbookRequest) (any, error) {
		return nil, s.Respond.Enable(ctx, in.ID, runbook.Mode(in.Mode), in.Params, by.Identity)
	}))
	mux.Handle("POST /v1/runbook/disable", handle(s, func(ctx context.Context, by admin.Actor, in RunbookRequest) (any, error) {
		return nil, s.Respond.Disable(ctx, in.ID, by.Identity)
	}))
	mux.Handle("POST /v1/runbook/run", handle(s, func(ctx context.Context, by admin.Actor, in RunbookRequest) (any, error) {
		return s.Respond.RunNow(ctx, in.ID)
	}))
	mux.Handle("POST /v1/alarm/ack", handle(s, func(ctx context.Context, by admin.Actor, in AckRequest) (any, error) {
		return nil, s.Respond.Ack(ctx, in.Alarm, in.Note, by.Identity)
	}))
	mux.Handle("POST /v1/run/done", handle(s, func(ctx context.Context, by admin.Actor, in DoneRequest) (any, error) {
		return nil, s.Respond.Done(ctx, in.Run, in.Step, in.Note, by.Identity)
	}))
	mux.Handle("POST /v1/recording", handle(s, func(ctx context.Context, by admin.Actor, in RecordingRequest) (any, error) {
		return nil, s.Node.GotRecording(ctx, by, in.Session, in.Format)
	}))
	s.forwarderRoutes(mux)
	s.deliveryRoutes(mux)
	mux.Handle("GET /v1/status", handle(s, func(context.Context, admin.Actor, string) (any, error) {
		return s.Node.Status(), nil
	}))
	return mux
}

// tables answers GET /v1/KIND with all rows, and GET /v1/KIND?id=ID with one.
func tables[T any](s *Server, mux *http.ServeMux, kind string, table func(state.Tx) state.Table[T]) {
	mux.Handle("GET /v1/"+kind, handle(s, func(ctx context.Context, _ admin.Actor, id string) (any, error) {
		rows := []T{}
		err := s.Store.View(ctx, func(tx state.Tx) error {
			if id == "" {
				all, err := table(tx).List()
				rows = append(rows, all...)
				return err
			}
			row, err := table(tx).Get(id)
			rows = append(rows, row)
			if errors.Is(err, state.ErrNotFound) {
				return &Failure{fmt.Sprintf("no %s named %q", kind, id), lists(kind) + " shows them", codeFailed}
			}
			return err
		})
		return rows, err
	}))
}

// listMFA lists who has a device, without its secret.
func (s *Server) listMFA(ctx context.Context, _ admin.Actor, _ string) (any, error) {
	names := []string{}
	err := s.Store.View(ctx, func(tx state.Tx) error {
		devices, err := tx.Devices().List()
		for _, d := range devices {
			names = append(names, d.Identity)
		}
		return err
	})
	return names, err
}

func (s *Server) query(ctx context.Context, by admin.Actor, in QueryRequest) (any, error) {
	if in.Explain {
		p, err := s.Query.Explain(ctx, by, in)
		if err != nil {
			return nil, err
		}
		return QueryAnswer{Rows: [][]any{}, Seconds: p.Seconds, Scanned: p.Scanned, Plan: p}, nil
	}
	res, err := s.Query.Query(ctx, by, in)
	if err != nil {
		return nil, err
	}
	rows := res.Rows
	if rows == nil {
		rows = [][]any{}
	}
	for _, row := range rows {
		for i, cell := range row {
			if f, ok := cell.(float64); ok {
				if name, ok := query.NotFinite(f); ok {
					row[i] = name
				}
			}
		}
	}
	return QueryAnswer{Columns: res.Columns, Rows: rows, Truncated: res.Truncated, Seconds: res.Elapsed.Seconds(), Scanned: res.Scanned}, nil
}

// why decides a request that nobody waits for, past or hypothetical.
func (s *Server) why(ctx context.Context, _ admin.Actor, in WhyRequest) (any, error) {
	req := policy.Request{Action: in.Action, Login: in.Login, MFA: in.MFA, Time: in.Time}
	if req.Action == "" {
		req.Action = policy.Connect
	}
	if req.Time.IsZero() {
		req.Time = time.Now()
	}
	if in.Source != "" {
		source, err := netip.ParseAddr(in.Source)
		if err != nil {
			return nil, &Failure{fmt.Sprintf("source %q is not an IP address", in.Source), "such as 192.0.2.10", codeMisuse}
		}
		req.Source = source
	} else {
		req.Source = netip.IPv4Unspecified()
	}
	err := s.Store.View(ctx, func(tx state.Tx) error {
		id, err := tx.Identities().Get(in.Identity)
		if err != nil {
			return fmt.Errorf("no identity named %q: %w", in.Identity, err)
		}
		req.Object = policy.Object{Name: s.TrailName}
		if !req.Action.OnTrail() {
			t, err := tx.Targets().Get(in.Target)
			if err != nil {
				return fmt.Errorf("no target named %q: %w", in.Target, err)
			}
			req.Object = policy.Object{Name: t.Name, Labels: t.Labels}
		}
		roles, err := tx.Roles().List()
		if err != nil {
			return err
		}
		req.Subject = policy.Subject{Name: id.Name, ARN: id.ARN}
		for _, r := range roles {
			for _, m := range r.Members {
				if m == id.Name {
					req.Subject.Roles = append(req.Subject.Roles, r.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := policy.Decide(s.Rules.Book(), req)
	return WhyAnswer{d.Allowed, d.Reason, d.Policies, d.NeedsMFA, d.Explain}, nil
}
