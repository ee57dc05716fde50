package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
)

// fakeTrail keeps records in memory, and fails when it is told to.
type fakeTrail struct {
	mu      sync.Mutex
	records []event.Record
	grown   chan struct{} // closed and replaced when records grow
	fail    func(event.Record) error
	block   chan struct{} // Append waits for it; nil does not
}

var errDisk = errors.New("no space left on device")

func (f *fakeTrail) Append(ctx context.Context, r event.Record) (event.Entry, error) {
	f.mu.Lock()
	fail, block := f.fail, f.block
	f.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return event.Entry{}, ctx.Err()
		}
	}
	if fail != nil {
		if err := fail(r); err != nil {
			return event.Entry{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, r)
	close(f.grown)
	f.grown = make(chan struct{})
	return event.Entry{Seq: uint64(len(f.records))}, nil
}

func (f *fakeTrail) setFail(fail func(event.Record) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *fakeTrail) all() []event.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// named are the records of one event, oldest first.
func (f *fakeTrail) named(name string) []event.Record {
	return slices.DeleteFunc(f.all(), func(r event.Record) bool { return r.EventName != name })
}

// names are the eventNames, with the errorCode of refusals.
func (f *fakeTrail) names() []string {
	var out []string
	for _, r := range f.all() {
		name := r.EventName
		if r.ErrorCode != "" {
			name += ":" + r.ErrorCode
		}
		out = append(out, name)
	}
	return out
}

// wait returns the first record that ok likes, once there is one.
func (f *fakeTrail) wait(t *testing.T, what string, ok func(event.Record) bool) event.Record {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		f.mu.Lock()
		records, grown := f.records, f.grown
		f.mu.Unlock()
		if i := slices.IndexFunc(records, ok); i >= 0 {
			return records[i]
		}
		select {
		case <-grown:
		case <-limit:
			t.Fatalf("no record of %s among %v", what, f.names())
		}
	}
}

func (f *fakeTrail) waitFor(t *testing.T, name string) event.Record {
	t.Helper()
	return f.wait(t, name, func(r event.Record) bool { return r.EventName == name })
}

// field is one value of a record's objects.
func field(r event.Record, name string) string {
	for _, part := range []json.RawMessage{r.RequestParameters, r.ResponseElements, r.ServiceEventDetails} {
		var m map[string]any
		if json.Unmarshal(part, &m) == nil && m[name] != nil {
			return fmt.Sprint(m[name])
		}
	}
	return ""
}

// book is rules that a test changes.
type book struct {
	mu sync.Mutex
	b  policy.Book
}

func (b *book) Book() policy.Book {
	b.mu.Lock()
	defer b.mu.Unlock()
	return policy.Book{Policies: b.b.Policies, Locks: slices.Clone(b.b.Locks)}
}

func (b *book) policies(t *testing.T, text string) {
	t.Helper()
	set, err := policy.Compile([]policy.Document{{Name: "test", Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Policies = set
}

func (b *book) locks(l ...policy.Lock) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Locks = l
}
