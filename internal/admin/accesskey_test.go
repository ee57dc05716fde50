package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/state"
)

func (w *world) accessKeys() []state.AccessKey {
	w.t.Helper()
	var rows []state.AccessKey
	if err := w.store.View(w.t.Context(), func(tx state.Tx) (err error) { rows, err = tx.AccessKeys().List(); return err }); err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func TestAccessKeysComeAndGoWithTheirEvents(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{{Kind: manifest.Identity, Name: "alice"}}, admin.Options{}); err != nil {
		t.Fatal(err)
	}
	w.events = nil
	const id = "AKIAIOSFODNN7EXAMPLE"
	made, err := w.CreateAccessKey(t.Context(), by, "alice", false, noon.Add(90*24*time.Hour))
	if err != nil || made.Row.ID != id || made.Secret != "secret" {
		t.Fatalf("CreateAccessKey = %+v, %v", made, err)
	}
	for _, disabled := range []bool{true, true, false} {
		if err := w.SetAccessKey(t.Context(), by, id, disabled); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.DeleteAccessKey(t.Context(), by, id); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`CreateAccessKey {"userName":"alice","expires":"2027-02-21T12:00:00Z","sessionToken":false} {"accessKeyId":"AKIAIOSFODNN7EXAMPLE"}`,
		`UpdateAccessKey {"userName":"alice","accessKeyId":"AKIAIOSFODNN7EXAMPLE","status":"Inactive"}`,
		`UpdateAccessKey {"userName":"alice","accessKeyId":"AKIAIOSFODNN7EXAMPLE","status":"Active"}`,
		`DeleteAccessKey {"userName":"alice","accessKeyId":"AKIAIOSFODNN7EXAMPLE"}`,
	}
	if diff := cmp.Diff(want, w.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if strings.Contains(strings.Join(w.events, ""), "secret") {
		t.Error("a secret is in an event")
	}
	for name, err := range map[string]error{
		"disable": w.SetAccessKey(t.Context(), by, id, true), "delete": w.DeleteAccessKey(t.Context(), by, id),
	} {
		if !errors.Is(err, state.ErrNotFound) {
			t.Errorf("%s of a key that is gone = %v", name, err)
		}
	}
}

func TestAccessKeysOfNobodyAndOfThePast(t *testing.T) {
	w := newWorld(t)
	if _, err := w.CreateAccessKey(t.Context(), by, "nobody", false, time.Time{}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("a key of nobody = %v", err)
	}
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{{Kind: manifest.Identity, Name: "alice"}}, admin.Options{}); err != nil {
		t.Fatal(err)
	}
	var conflict *admin.Conflict
	if _, err := w.CreateAccessKey(t.Context(), by, "alice", false, noon); !errors.As(err, &conflict) {
		t.Errorf("a key that expired already = %v", err)
	}
	if _, err := w.CreateAccessKey(t.Context(), by, "alice", true, time.Time{}); !errors.As(err, &conflict) {
		t.Errorf("a temporary key without an end = %v", err)
	}
	w.failAt = 1
	if _, err := w.CreateAccessKey(t.Context(), by, "alice", false, time.Time{}); err == nil || len(w.accessKeys()) != 0 {
		t.Errorf("without its event: %v and %d keys, want none", err, len(w.accessKeys()))
	}
}

func TestDeletedIdentitiesLoseTheirAccessKeys(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{{Kind: manifest.Identity, Name: "ada", Admin: true}, {Kind: manifest.Identity, Name: "alice"}}, admin.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateAccessKey(t.Context(), by, "alice", false, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(t.Context(), by, manifest.Identity, "alice"); err != nil {
		t.Fatal(err)
	}
	if keys := w.accessKeys(); len(keys) != 0 {
		t.Errorf("keys of a deleted identity: %+v", keys)
	}
	if !strings.Contains(strings.Join(w.events, "\n"), `DeleteAccessKey {"userName":"alice"`) {
		t.Errorf("events = %q", w.events)
	}
}
