// Package rest is the JSON API that the command line speaks to a running
// server, over a Unix socket in the data directory.
//
// The socket has mode 0600, and the kernel says who is on the other side
// (SO_PEERCRED): root and the server's own user are administrators, nobody else
// gets an answer. What they do is recorded under their local name.
//
// An answer is one JSON value. A failure is {"error", "hint", "code"}, where
// code is the exit code the command ends with.
package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/lock"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
)

// Server answers requests. Its fields are what it speaks for; all are needed.
type Server struct {
	Origin     event.Origin
	TrailName  string // of the trail that policies speak of
	Store      state.Store
	Admin      *admin.Admin
	Locks      *lock.Book
	Sessions   Sessions
	Query      Query
	Rules      Rules
	Respond    Respond
	Node       Node
	Deliveries Deliveries
	Log        *slog.Logger

	Forwarders Forwarders
}

// Error codes of a failure: the exit codes of the command line.
const (
	codeFailed = 1
	codeMisuse = 2
	codeDenied = 4
)

// Failure is the JSON of an error.
type Failure struct {
	Text string `json:"error"`
	Hint string `json:"hint,omitempty"`
	Code int    `json:"code"`
}

func (f *Failure) Error() string { return f.Text }

// maxBody bounds a request: a statement or a set of resources.
const maxBody = 16 << 20

// Listen makes the socket at path with mode 0600, in place of one that a dead
// server left.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	// The mode must hold from the first moment, so it is the umask's work.
	old := unix.Umask(0o177)
	ln, err := net.Listen("unix", path)
	unix.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listen on the local socket: %w", err)
	}
	return ln, nil
}

// Run serves ln until ctx ends.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withPeer,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			srv.Close()
		}
	})
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the local socket: %w", err)
	}
	return nil
}

// peerKey is where withPeer leaves the other side's user ID: net/http offers
// nothing but the context to carry it from a connection to its requests.
type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return ctx
	}
	var cred *unix.Ucred
	raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err != nil || cred == nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, cred.Uid)
}

// actor is who sent the request, or an error for anybody but root and the
// server's own user.
func (s *Server) actor(r *http.Request) (admin.Actor, error) {
	uid, ok := r.Context().Value(peerKey{}).(uint32)
	if !ok || uid != 0 && int(uid) != os.Geteuid() {
		return admin.Actor{}, &Failure{"only root and the server's own user may use this socket", "", codeDenied}
	}
	name := strconv.Itoa(int(uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return admin.Actor{
		Identity: event.UserIdentity{Type: "Service", PrincipalID: "local:" + strconv.Itoa(int(uid)), AccountID: s.Origin.AccountID, UserName: name, InvokedBy: "local socket"},
		Source:   s.Origin.EventSource,
	}, nil
}

// handle makes a handler of fn, whose answer becomes JSON.
func handle[In any](s *Server, fn func(ctx context.Context, by admin.Actor, in In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by, err := s.actor(r)
		if err != nil {
			fail(w, err)
			return
		}
		var in In
		if r.Method == http.MethodPost {
			dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&in); err != nil {
				fail(w, &Failure{"the request is not what this server takes: " + err.Error(), "use a trailgate command of the server's own version", codeMisuse})
				return
			}
		} else if p, ok := any(&in).(*string); ok {
			*p = r.URL.Query().Get("id")
		}
		out, err := fn(r.Context(), by, in)
		if err != nil {
			fail(w, err)
			return
		}
		if out == nil {
			out = struct{}{}
		}
		body, err := json.Marshal(out)
		if err != nil { // said, not an empty answer
			s.Log.Error("answer cannot be encoded", "err", err)
			fail(w, fmt.Errorf("encode answer: %w", err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(append(body, '\n')); err != nil {
			s.Log.Debug("answer not sent", "err", err)
		}
	}
}

// lists is the command that lists a kind.
func lists(kind string) string {
	if kind == "hold" {
		kind = "trail hold"
	}
	return "trailgate " + kind + " list"
}

// missing is how the layers below say that a name is none, and its kind.
var missing = regexp.MustCompile(`^(no ([a-z-]+) named "[^"]*").*: not found$`)

// fail writes err as a Failure. The whole chain goes to whoever is on this
// socket: an administrator of this machine.
func fail(w http.ResponseWriter, err error) {
	f := &Failure{Text: err.Error(), Code: codeFailed}
	status := http.StatusInternalServerError
	var asked *Failure
	var conflict *admin.Conflict
	var statement *sqlfront.Error
	switch {
	case errors.As(err, &asked):
		f, status = asked, http.StatusBadRequest
		if f.Code == codeDenied {
			status = http.StatusForbidden
		}
	case errors.As(err, &conflict):
		f.Hint, status = conflict.Hint, http.StatusConflict
	case errors.As(err, &statement):
		f.Code, status = codeMisuse, http.StatusBadRequest
	case errors.Is(err, state.ErrNotFound):
		status = http.StatusNotFound
		if m := missing.FindStringSubmatch(f.Text); m != nil {
			f.Text, f.Hint = m[1], lists(m[2])+" shows them"
		}
	case errors.Is(err, lock.ErrProtected):
		f.Hint, status = "at least one admin must be able to come in: lock another way, or make a second admin first", http.StatusConflict
	case errors.Is(err, query.ErrUnavailable):
		f.Hint, status = "try again in a second", http.StatusServiceUnavailable
	case errors.Is(err, query.ErrLimit):
		f.Hint, status = "narrow it with WHERE or LIMIT", http.StatusRequestTimeout
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(f)
}
