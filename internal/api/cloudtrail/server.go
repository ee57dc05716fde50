package cloudtrail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/trail"
)

// Journal is the trail (package trail).
type Journal interface {
	Append(ctx context.Context, rec event.Record) (event.Entry, error)
	Head() trail.Head
}

// Signers makes identities of signatures (package authn).
type Signers interface {
	Signed(ctx context.Context, id, token string, source netip.Addr, verify func(secret string) error) (authn.Identity, error)
}

// Rules is the snapshot that decisions are made from.
type Rules interface{ Book() policy.Book }

// Queries answers statements.
type Queries interface {
	Query(ctx context.Context, r query.Request) (*query.Result, error)
	Wait(ctx context.Context, seq uint64) error
}

// Sealer makes tokens that nobody else can (package ca).
type Sealer interface {
	Seal(about, text string) string
	Open(about, sealed string) (string, error)
}

// PublicKey is a key that digests are signed with.
type PublicKey struct {
	DER         []byte // PKCS#1
	Fingerprint string
	From, To    time.Time
}

// Delivery is how the delivery of log files does. Times may be zero and errors
// empty.
type Delivery struct {
	Started                                      time.Time
	Latest, LatestAttempt, Digest, DigestAttempt time.Time
	LatestError, DigestError                     string
}

// Options are a server's. All but those that say so are needed.
type Options struct {
	Origin     event.Origin
	Name       string // of the trail
	StoreID    string // of the event data store, and of the channel
	Prefix     string // of the trail's keys in Bucket; empty for none
	Bucket     blob.Bucket
	Dir        string        // keeps the results of queries
	Created    time.Time     // of this installation
	Retention  time.Duration // how long events are kept; 0 for ever
	Throttle   time.Duration // a throttled source gets one call each
	Journal    Journal
	Signers    Signers
	Rules      Rules
	Queries    Queries
	Tokens     Sealer
	PublicKeys func(from, to time.Time) []PublicKey
	Delivery   func() Delivery
	// Sign signs as digests are signed, with the key of a time.
	Sign func(at time.Time, text []byte) (signature []byte, fingerprint string, err error)
	Now  func() time.Time
	Log  *slog.Logger
}

// Server answers AWS's tools. Run does the work.
type Server struct {
	Options
	queries  *queryBook
	floods   floods // of strangers
	refusals floods // of keys that were proven
	strange  penalties
	lookups  rates
	held     throttles
	busy     chan struct{} // one for each call that is being served
}

// Bounds of what strangers may use up.
const (
	maxCalls       = 64
	maxConnections = 1024
	maxFromOne     = 256 // connections of one source
	maxHeader      = 32 << 10
	maxJSON        = 256 << 10     // body of a call
	maxAudit       = 1<<20 + 1<<10 // body of PutAuditEvents: 1 MB and what is around it
	readLimit      = 30 * time.Second
	serveLimit     = 2 * time.Minute
)

// New makes a server and reads the results of earlier queries.
func New(o Options) (*Server, error) {
	book, err := openQueries(o)
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, queries: book, busy: make(chan struct{}, maxCalls), floods: floods{shown: floodShown}, refusals: floods{shown: refusedShown}}
	book.deliver, book.ended = s.deliver, s.endQuery
	return s, nil
}

// Run serves ln until ctx ends, and waits for the queries that run.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       readLimit,
		WriteTimeout:      serveLimit,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
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
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.sweep(ctx) })
	wg.Go(func() { s.queries.run(ctx) })
	if err := srv.Serve(newBounded(ln)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the CloudTrail API: %w", err)
	}
	return nil
}

// sweep records the floods whose time is over, and at the end all of them.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(floodWindow / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.recordFloods(ctx, false)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			s.recordFloods(last, true)
			return
		}
	}
}

// serve is every request's way in.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := s.newCall(r)
	defer func() { c.leave() }()
	w.Header().Set("X-Amzn-Requestid", c.requestID)
	switch c.dialect {
	case s3Dialect:
		s.serveS3(w, r, c)
	default:
		s.serveJSON(w, r, c)
	}
}

// bounded is a listener with so many connections at once; more wait to be
// accepted. One source has a share of them only: the rest of its connections is
// closed.
type bounded struct {
	net.Listener
	free chan struct{} // holds one for each connection

	mu   sync.Mutex // guards below
	from map[netip.Prefix]int
}

func newBounded(ln net.Listener) *bounded {
	return &bounded{Listener: ln, free: make(chan struct{}, maxConnections), from: map[netip.Prefix]int{}}
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		b.free <- struct{}{}
		c, err := b.Listener.Accept()
		if err != nil {
			<-b.free
			return nil, err
		}
		source := sourceOf(c)
		if b.count(source, 1) <= maxFromOne {
			return &counted{Conn: c, b: b, source: source}, nil
		}
		b.gone(source)
		c.Close()
	}
}

// sourceOf is what a connection is counted under.
func sourceOf(c net.Conn) netip.Prefix {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	return block(at.Addr().Unmap().WithZone(""))
}

func (b *bounded) count(source netip.Prefix, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.from[source] += n
	left := b.from[source]
	if left == 0 {
		delete(b.from, source)
	}
	return left
}

func (b *bounded) gone(source netip.Prefix) {
	b.count(source, -1)
	<-b.free
}

// counted gives its place back once.
type counted struct {
	net.Conn
	b      *bounded
	source netip.Prefix
	once   sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.b.gone(c.source) })
	return c.Conn.Close()
}
