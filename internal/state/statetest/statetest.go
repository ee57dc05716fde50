// Package statetest holds every driver of the state seam to the same promises.
package statetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// Exercise runs the suite. open opens the store that belongs to t, empty at
// first; called again with the same t after a Close it opens that store again.
func Exercise(t *testing.T, open func(t *testing.T) state.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, func(*testing.T) state.Store)
	}{
		{"every kind of row round-trips", testKinds},
		{"errors a caller decides on", testErrors},
		{"an update that fails leaves no trace", testRollback},
		{"an update that panics leaves no trace and blocks nobody", testPanic},
		{"a cancelled update leaves no trace", testCancel},
		{"updates are serialised", testSerialised},
		{"a view is one snapshot and waits for nobody", testSnapshot},
		{"a view cannot write", testReadOnly},
		{"a transaction cannot be kept", testKept},
		{"what was committed is there after reopening", testReopen},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// at is a time with a fraction, which must survive.
var at = time.Date(2026, 11, 20, 8, 30, 0, 123456789, time.UTC)

func testKinds(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	kind(t, s, state.Tx.Identities, "identities", "alice",
		state.Identity{Name: "alice", ARN: "arn:aws:iam::123456789012:user/alice", Type: "IAMUser", Admin: true, BreakGlass: true, Created: at},
		state.Identity{Name: "alice", Type: "IAMUser"})
	kind(t, s, state.Tx.Keys, "keys", "SHA256:abc",
		state.Key{Fingerprint: "SHA256:abc", PublicKey: "ssh-ed25519 AAAA", Identity: "alice", Comment: "laptop ☕", Disabled: true, Created: at},
		state.Key{Fingerprint: "SHA256:abc", Identity: "bob"})
	kind(t, s, state.Tx.AccessKeys, "access_keys", "AKIAIOSFODNN7EXAMPLE",
		state.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Identity: "alice", Secret: "sealed", Token: "00ff", Disabled: true, Created: at, Expires: at.Add(time.Hour)},
		state.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Identity: "bob"})
	kind(t, s, state.Tx.Devices, "devices", "alice",
		state.Device{Identity: "alice", Secret: "JBSWY3DPEHPK3PXP", LastStep: 1 << 40, Created: at},
		state.Device{Identity: "alice"})
	kind(t, s, state.Tx.Roles, "roles", "ops",
		state.Role{Name: "ops", Members: []string{"alice", "bob"}, ARN: "arn:aws:iam::123456789012:role/ops"},
		state.Role{Name: "ops"})
	kind(t, s, state.Tx.Targets, "targets", "web1",
		state.Target{Name: "web1", Address: "10.0.0.1:22", HostKeys: []string{"ssh-ed25519 AAAA"}, Labels: map[string]string{"env": "prod"}, Created: at},
		state.Target{Name: "web1", Address: "[::1]:22"})
	kind(t, s, state.Tx.Policies, "policies", "ops",
		state.Policy{Name: "ops", Text: "permit (principal, action, resource);\n", Updated: at},
		state.Policy{Name: "ops"})
	kind(t, s, state.Tx.Locks, "locks", "l1",
		policy.Lock{ID: "l1", Effect: policy.Deny, Reason: "surge", Created: at, By: "runbook:surge", Run: "r1", Expires: at.Add(time.Hour),
			Match: policy.Match{Identity: "alice", Role: "ops", Source: netip.MustParsePrefix("203.0.113.7/32"), Target: "web1", Login: "root", Fingerprint: "SHA256:abc"}},
		policy.Lock{ID: "l1", Effect: policy.RequireMFA, Match: policy.Match{Identity: "bob"}})
	kind(t, s, state.Tx.Sessions, "sessions", "s1",
		state.Session{ID: "s1", Identity: "alice", ARN: "arn", Target: "web1", Login: "root", MFA: true, Source: "203.0.113.7", Connection: "c1", Fingerprint: "SHA256:abc", Started: at},
		state.Session{ID: "s1", Started: at, Ended: at.Add(time.Minute), Cause: "client closed"})
	kind(t, s, state.Tx.Runbooks, "runbooks", "surge",
		state.Runbook{ID: "surge", Enabled: true, Mode: "enforce", Params: map[string]string{"failures": "10"}},
		state.Runbook{ID: "surge"})
	kind(t, s, state.Tx.Alarms, "alarms", "a1",
		state.Alarm{ID: "a1", Runbook: "surge", Key: "203.0.113.7", State: "ALARM", Severity: "high", Title: "t", Since: at, EventTime: at, Matches: 20,
			EventIDs: []string{"e1"}, Fields: map[string]string{"userArn": "arn"}, Run: "r1", AckedBy: "alice", AckedAt: at, Note: "mine"},
		state.Alarm{ID: "a1", State: "OK"})
	kind(t, s, state.Tx.Runs, "runs", "r1",
		state.Run{ID: "r1", Alarm: "a1", Runbook: "surge", Mode: "enforce", State: "open", Created: at, Ended: at,
			Steps: []state.Step{{ID: "stop", Kind: "action", Action: "lock_identity", With: map[string]string{"identity": "alice"}, To: []string{"security"},
				Text: "t", Assignee: "role:iam", Due: at, State: "pending", Attempts: 2, Detail: "d", Ended: at}}},
		state.Run{ID: "r1", State: "closed"})
	kind(t, s, state.Tx.Cursors, "cursors", "respond",
		state.Cursor{Name: "respond", Seq: 1<<63 + 1, Time: at},
		state.Cursor{Name: "respond"})
	kind(t, s, state.Tx.Holds, "legal holds", "h1",
		state.Hold{ID: "h1", Reason: "case 7", From: at, To: at.Add(time.Hour), By: "alice", Created: at},
		state.Hold{ID: "h1", Reason: "case 8"})
	kind(t, s, state.Tx.SavedQueries, "saved queries", "mine",
		state.SavedQuery{Name: "mine", Text: "-- param: who varchar\nSELECT :who\n", Description: "who", Updated: at},
		state.SavedQuery{Name: "mine", Text: "SELECT 1"})
}

// kind takes one kind of row through its life.
func kind[T any](t *testing.T, s state.Store, tableOf func(state.Tx) state.Table[T], name, id string, first, second T) {
	t.Helper()
	holds := func(want ...T) {
		t.Helper()
		view(t, s, func(tx state.Tx) error {
			got, err := tableOf(tx).List()
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("%s differ (-want +got):\n%s", name, diff)
			}
			return nil
		})
	}
	holds()
	update(t, s, func(tx state.Tx) error { return tableOf(tx).Create(first) })
	holds(first)
	update(t, s, func(tx state.Tx) error { return tableOf(tx).Put(second) })
	holds(second)
	view(t, s, func(tx state.Tx) error {
		got, err := tableOf(tx).Get(id)
		if diff := cmp.Diff(second, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("%s: Get(%q) differs (-want +got):\n%s", name, id, diff)
		}
		return err
	})
	update(t, s, func(tx state.Tx) error { return tableOf(tx).Delete(id) })
	holds()
}

func testErrors(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	update(t, s, func(tx state.Tx) error { return tx.Roles().Create(state.Role{Name: "ops"}) })
	update(t, s, func(tx state.Tx) error {
		if _, err := tx.Roles().Get("dev"); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("Get of a missing row = %v, want ErrNotFound", err)
		}
		if err := tx.Roles().Delete("dev"); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("Delete of a missing row = %v, want ErrNotFound", err)
		}
		if err := tx.Roles().Create(state.Role{Name: "ops"}); !errors.Is(err, state.ErrExists) {
			t.Errorf("Create of a row that is there = %v, want ErrExists", err)
		}
		if err := tx.Roles().Put(state.Role{}); err == nil {
			t.Error("Put of a row without a key succeeded")
		}
		// None of these errors spoils the transaction.
		return tx.Roles().Create(state.Role{Name: "dev", Members: []string{"Robert'); DROP TABLE roles;--"}})
	})
	if got := roles(t, s); !cmp.Equal(got, []string{"dev", "ops"}) {
		t.Errorf("roles = %v, want dev and ops, in order of their keys", got)
	}
}

func testRollback(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	update(t, s, func(tx state.Tx) error { return tx.Roles().Create(state.Role{Name: "ops"}) })
	stop := errors.New("stop")
	err := s.Update(t.Context(), func(tx state.Tx) error {
		if err := errors.Join(tx.Roles().Create(state.Role{Name: "dev"}), tx.Roles().Delete("ops")); err != nil {
			return err
		}
		if _, err := tx.Roles().Get("dev"); err != nil {
			t.Errorf("an update does not see its own row: %v", err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("Update = %v, want the error its function returned", err)
	}
	if got := roles(t, s); !cmp.Equal(got, []string{"ops"}) {
		t.Errorf("after an update that failed roles = %v, want ops alone", got)
	}
}

func testPanic(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Update swallowed a panic")
			}
		}()
		_ = s.Update(t.Context(), func(tx state.Tx) error {
			if err := tx.Roles().Create(state.Role{Name: "dev"}); err != nil {
				return err
			}
			panic("bug")
		})
	}()
	update(t, s, func(tx state.Tx) error { return tx.Roles().Create(state.Role{Name: "ops"}) })
	if got := roles(t, s); !cmp.Equal(got, []string{"ops"}) {
		t.Errorf("after a panic roles = %v, want ops alone", got)
	}
}

func testCancel(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx state.Tx) error {
		if err := tx.Roles().Create(state.Role{Name: "dev"}); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if err == nil {
		t.Error("Update returned nil although its context was cancelled before the commit")
	}
	if err := s.View(ctx, func(state.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View with a cancelled context = %v, want context.Canceled", err)
	}
	if got := roles(t, s); len(got) != 0 {
		t.Errorf("after a cancelled update roles = %v, want none", got)
	}
}

func testSerialised(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	const writers, each = 8, 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := s.Update(t.Context(), func(tx state.Tx) error {
					c, err := tx.Cursors().Get("n")
					if err != nil && !errors.Is(err, state.ErrNotFound) {
						return err
					}
					return tx.Cursors().Put(state.Cursor{Name: "n", Seq: c.Seq + 1})
				})
				if err != nil {
					t.Errorf("concurrent Update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(tx state.Tx) error {
		c, err := tx.Cursors().Get("n")
		if c.Seq != writers*each {
			t.Errorf("%d read-then-write updates counted to %d", writers*each, c.Seq)
		}
		return err
	})
}

func testSnapshot(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	update(t, s, func(tx state.Tx) error { return tx.Roles().Create(state.Role{Name: "ops"}) })
	// A view inside an update, and an update inside a view: neither waits.
	update(t, s, func(w state.Tx) error {
		if err := w.Roles().Create(state.Role{Name: "dev"}); err != nil {
			return err
		}
		if got := roles(t, s); !cmp.Equal(got, []string{"ops"}) {
			t.Errorf("a view beside an update reads %v, want only what was committed", got)
		}
		return nil
	})
	view(t, s, func(r state.Tx) error {
		if _, err := r.Roles().Get("dev"); err != nil {
			return err
		}
		update(t, s, func(tx state.Tx) error {
			return errors.Join(tx.Roles().Delete("dev"), tx.Targets().Create(state.Target{Name: "web1"}))
		})
		if _, err := r.Roles().Get("dev"); err != nil {
			t.Errorf("a view lost a row that was deleted after it began: %v", err)
		}
		if _, err := r.Targets().Get("web1"); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("a view found a row made after it began: %v", err)
		}
		return nil
	})
	if got := roles(t, s); !cmp.Equal(got, []string{"ops"}) {
		t.Errorf("the next view reads %v, want ops", got)
	}
}

func testReadOnly(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	_ = s.View(t.Context(), func(tx state.Tx) error {
		if err := tx.Roles().Create(state.Role{Name: "dev"}); err == nil {
			t.Error("Create inside a view succeeded")
		}
		return nil
	})
	if got := roles(t, s); len(got) != 0 {
		t.Errorf("a view wrote roles %v", got)
	}
}

func testKept(t *testing.T, open func(*testing.T) state.Store) {
	s := opened(t, open)
	var kept state.Tx
	update(t, s, func(tx state.Tx) error { kept = tx; return nil })
	if err := kept.Roles().Create(state.Role{Name: "dev"}); err == nil {
		t.Error("a transaction still writes after its Update returned")
	}
}

func testReopen(t *testing.T, open func(*testing.T) state.Store) {
	s := open(t)
	var want []string
	for i := range 20 {
		name := fmt.Sprintf("role%02d", i)
		want = append(want, name)
		update(t, s, func(tx state.Tx) error { return tx.Roles().Create(state.Role{Name: name}) })
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Update(t.Context(), func(state.Tx) error { return nil }); err == nil {
		t.Error("Update on a closed store returned nil")
	}
	again := opened(t, open)
	if got := roles(t, again); !cmp.Equal(got, want) {
		t.Errorf("after reopening roles = %v, want %v", got, want)
	}
}

func opened(t *testing.T, open func(*testing.T) state.Store) state.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func update(t *testing.T, s state.Store, fn func(state.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Errorf("Update: %v", err)
	}
}

func view(t *testing.T, s state.Store, fn func(state.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Errorf("View: %v", err)
	}
}

// roles lists the names of the roles.
func roles(t *testing.T, s state.Store) []string {
	t.Helper()
	var names []string
	view(t, s, func(tx state.Tx) error {
		all, err := tx.Roles().List()
		for _, r := range all {
			names = append(names, r.Name)
		}
		return err
	})
	return names
}
