package forwardtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail"
)

// Journal is a trail in memory. It implements forward.Journal.
type Journal struct {
	mu       sync.Mutex // guards below
	entries  []event.Entry
	first    uint64 // of the oldest entry still there
	advanced chan struct{}
	start    time.Time
}

// NewJournal is an empty one whose events begin at start.
func NewJournal(start time.Time) *Journal {
	return &Journal{advanced: make(chan struct{}), first: 1, start: start}
}

// origin of the records here.
var origin = event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "eu-west-1", AccountID: "111122223333"}

// Add appends n events of several kinds and sizes.
func (j *Journal) Add(n int) []event.Entry {
	var added []event.Entry
	for range n {
		j.mu.Lock()
		i := len(j.entries)
		at := j.start.Add(time.Duration(i) * 37 * time.Millisecond)
		j.mu.Unlock()
		m := event.Meta{Time: at, Identity: event.UserIdentity{Type: "IAMUser", ARN: fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", i%7), UserName: fmt.Sprintf("u%d", i%7)}, SourceIP: "192.0.2.7"}
		var e event.Event
		switch i % 4 {
		case 0:
			e = event.ExecuteCommand{Command: fmt.Sprintf("echo 'zero %d' \"ü]\\ \u2028 <&>\" # %s", i, strings.Repeat("x", i%5*400))}
		case 1:
			m.ErrorCode, m.ErrorMessage = event.AccessDenied, "outside hours"
			e = event.AuthorizeSecurityGroupIngress{}
		case 2:
			e = event.StartNode{Version: fmt.Sprint(i)}
		default:
			e = event.StartQuery{Statement: "SELECT 1\n-- two lines"}
		}
		added = append(added, j.Append(origin.Record(m, e)))
	}
	return added
}

// Append appends one record.
func (j *Journal) Append(r event.Record) event.Entry {
	text := r.AppendJSON(nil)
	j.mu.Lock()
	defer j.mu.Unlock()
	e := event.Entry{Seq: uint64(len(j.entries)) + 1, AppendTime: r.EventTime.Time.Add(123456 * time.Microsecond), JSON: text}
	j.entries = append(j.entries, e)
	close(j.advanced)
	j.advanced = make(chan struct{})
	return e
}

// Prune removes the events below seq.
func (j *Journal) Prune(seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.first = seq
}

// Entries are all events ever appended.
func (j *Journal) Entries() []event.Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]event.Entry(nil), j.entries...)
}

// Head is the newest event.
func (j *Journal) Head() trail.Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := trail.Head{Seq: uint64(len(j.entries))}
	if h.Seq > 0 {
		h.Time = j.entries[h.Seq-1].AppendTime
	}
	return h
}

// Follow calls fn with events, at most 64 at a time.
func (j *Journal) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	for {
		j.mu.Lock()
		from = max(from, j.first)
		var next []event.Entry
		if from <= uint64(len(j.entries)) {
			next = j.entries[from-1 : min(uint64(len(j.entries)), from+63)]
		}
		advanced := j.advanced
		j.mu.Unlock()
		if len(next) > 0 {
			if err := fn(next); err != nil {
				return err
			}
			from += uint64(len(next))
			continue
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
