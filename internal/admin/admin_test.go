package admin_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

// world is an Admin on a real store, with a trail that can fail.
type world struct {
	*admin.Admin
	t       *testing.T
	store   state.Store
	changed int

	mu     sync.Mutex
	events []string
	failAt int // the n-th Append from now fails; 0 none does
	before func()
}

func (w *world) Append(_ context.Context, rec event.Record) (event.Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.before != nil {
		w.before()
	}
	if w.failAt > 0 {
		if w.failAt--; w.failAt == 0 {
			return event.Entry{}, errors.New("the disk is full")
		}
	}
	line := rec.EventName + " " + string(rec.RequestParameters)
	if r := string(rec.ResponseElements); r != "null" {
		line += " " + r
	}
	if rec.ErrorCode != "" {
		line += " " + rec.ErrorCode
	}
	w.events = append(w.events, line)
	if rec.UserIdentity.UserName != "root" || rec.SourceIPAddress != "gate.example.com" {
		w.t.Errorf("%s is by %q from %q", rec.EventName, rec.UserIdentity.UserName, rec.SourceIPAddress)
	}
	return event.Entry{}, nil
}

// EnrolTOTP stands for package authn.
func (w *world) EnrolTOTP(ctx context.Context, name string) (string, error) {
	err := w.store.Update(ctx, func(tx state.Tx) error { return tx.Devices().Put(state.Device{Identity: name, Secret: "SECRET"}) })
	return "otpauth://totp/" + name, err
}

func (w *world) MakeAccessKey(identity string, temporary bool, expires time.Time) (authn.NewAccessKey, error) {
	row := state.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Identity: identity, Secret: "sealed", Expires: expires}
	return authn.NewAccessKey{Row: row, Secret: "secret"}, nil
}

var (
	by     = admin.Actor{Identity: event.UserIdentity{Type: "Service", UserName: "root"}, Source: "gate.example.com"}
	origin = event.Origin{EventSource: "gate.example.com", Region: "us-east-1", AccountID: "111122223333"}
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func newWorld(t *testing.T) *world {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{t: t, store: s}
	w.Admin = admin.New(admin.Deps{Store: s, Trail: w, Enrol: w, Origin: origin, Now: func() time.Time { return noon }, Changed: func() { w.changed++ }})
	return w
}

// took returns the events since the last call.
func (w *world) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.events
	w.events = nil
	return e
}

// apply puts resources in place that must be fine.
func (w *world) apply(rs ...manifest.Resource) []admin.Change {
	w.t.Helper()
	changes, err := w.Apply(w.t.Context(), by, rs, admin.Options{})
	if err != nil {
		w.t.Fatalf("Apply: %v", err)
	}
	return changes
}

// dump is everything in the store, as text.
func (w *world) dump() string {
	w.t.Helper()
	var b strings.Builder
	err := w.store.View(context.Background(), func(tx state.Tx) error {
		ids, err1 := tx.Identities().List()
		keys, err2 := tx.Keys().List()
		devices, err3 := tx.Devices().List()
		roles, err4 := tx.Roles().List()
		targets, err5 := tx.Targets().List()
		policies, err6 := tx.Policies().List()
		saved, err7 := tx.SavedQueries().List()
		fmt.Fprintf(&b, "%+v\n%+v\n%+v\n%+v\n%+v\n%+v\n%+v\n", ids, keys, devices, roles, targets, policies, saved)
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

func identity(name string) manifest.Resource {
	return manifest.Resource{Kind: manifest.Identity, Name: name}
}

func boss(name string) manifest.Resource {
	return manifest.Resource{Kind: manifest.Identity, Name: name, Admin: true}
}

// keyLine is the n-th public key of the tests, in authorized_keys form.
func keyLine(t *testing.T, n byte) (line, fingerprint string) {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	k, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(seed).Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))), ssh.FingerprintSHA256(k)
}

func key(t *testing.T, owner string, n byte) manifest.Resource {
	line, _ := keyLine(t, n)
	return manifest.Resource{Kind: manifest.Key, Identity: owner, PublicKey: line + " laptop"}
}

func host(t *testing.T, name string) manifest.Resource {
	line, _ := keyLine(t, 99)
	return manifest.Resource{Kind: manifest.Target, Name: name, Address: "10.0.0.1:22", HostKeys: []string{line}, Labels: map[string]string{"env": "prod"}}
}

func rules(name, text string) manifest.Resource {
	return manifest.Resource{Kind: manifest.Policy, Name: name, Text: text}
}

func role(name string, members ...string) manifest.Resource {
	return manifest.Resource{Kind: manifest.Role, Name: name, Members: members}
}

const all = "permit (principal, action, resource);"

func TestApplyCreatesUpdatesAndLeavesAlone(t *testing.T) {
	w := newWorld(t)
	_, print1 := keyLine(t, 1)
	_, hostPrint := keyLine(t, 99)
	// In any order: a key before its identity, a role before its member.
	set := []manifest.Resource{rules("everybody", all), role("ops", "bob", "alice", "bob"), key(t, "alice", 1), host(t, "web1"), boss("alice"), identity("bob")}
	got := w.apply(set...)
	want := []admin.Change{{Resource: "identity alice", What: "created"}, {Resource: "identity bob", What: "created"}, {Resource: "key of alice", What: "created"},
		{Resource: "role ops", What: "created"}, {Resource: "target web1", What: "created"}, {Resource: "policy everybody", What: "created"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes differ (-want +got):\n%s", diff)
	}
	wantEvents := []string{
		`CreateUser {"userName":"alice","admin":true,"breakGlass":false} {"arn":"arn:aws:iam::111122223333:user/alice"}`,
		`CreateUser {"userName":"bob","admin":false,"breakGlass":false} {"arn":"arn:aws:iam::111122223333:user/bob"}`,
		`UploadSSHPublicKey {"userName":"alice"} {"keyFingerprint":"` + print1 + `"}`,
		`CreateRole {"roleName":"ops","members":["alice","bob"]}`,
		`CreateTarget {"target":"web1","address":"10.0.0.1:22","hostKeyFingerprints":["` + hostPrint + `"],"labels":{"env":"prod"}}`,
		`PutPolicy {"policyName":"everybody","sha256":"` + sha(all) + `"}`,
	}
	if diff := cmp.Diff(wantEvents, w.took()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}

	before := w.dump()
	for _, c := range w.apply(set...) {
		if c.What != "unchanged" {
			t.Errorf("the same again: %+v", c)
		}
	}
	if e := w.took(); len(e) > 0 || w.dump() != before {
		t.Errorf("the same again: events %q", e)
	}

	moved := host(t, "web1")
	moved.Address, moved.Labels = "10.0.0.2:22", map[string]string{"env": "dev"}
	got = w.apply(boss("bob"), role("ops", "bob"), moved, rules("everybody", all+"\n"))
	want = []admin.Change{{"identity bob", "updated", []string{"admin"}}, {"role ops", "updated", []string{"members"}},
		{"target web1", "updated", []string{"address", "labels"}}, {"policy everybody", "updated", []string{"text"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes differ (-want +got):\n%s", diff)
	}
	if e := w.took(); len(e) != 4 || !strings.HasPrefix(e[0], "UpdateUser ") || !strings.HasPrefix(e[1], "UpdateRole ") || !strings.HasPrefix(e[2], "UpdateTarget ") || !strings.HasPrefix(e[3], "PutPolicy ") {
		t.Errorf("events %q", e)
	}
}

func sha(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// Promise 2: the event is durable before its change can be seen, and without
// the event there is no change.
func TestAppendThenChange(t *testing.T) {
	_, print2 := keyLine(t, 2)
	for _, c := range []struct {
		name   string
		events int
		do     func(w *world) error
	}{
		{"apply", 3, func(w *world) error {
			_, err := w.Apply(w.t.Context(), by, []manifest.Resource{identity("carol"), key(t, "carol", 3), rules("p", all)}, admin.Options{})
			return err
		}},
		{"delete an identity", 4, func(w *world) error { return w.Delete(w.t.Context(), by, "identity", "bob") }},
		{"delete a key", 1, func(w *world) error { return w.Delete(w.t.Context(), by, "key", print2) }},
		{"delete a role", 1, func(w *world) error { return w.Delete(w.t.Context(), by, "role", "ops") }},
		{"delete a target", 1, func(w *world) error { return w.Delete(w.t.Context(), by, "target", "web1") }},
		{"keep a query", 1, func(w *world) error {
			_, err := w.Apply(w.t.Context(), by, []manifest.Resource{{Kind: manifest.SavedQuery, Name: "q", Text: "SELECT 1"}}, admin.Options{})
			return err
		}},
		{"delete a saved query", 1, func(w *world) error { return w.Delete(w.t.Context(), by, "saved-query", "kept") }},
		{"delete a policy", 1, func(w *world) error { return w.Delete(w.t.Context(), by, "policy", "everybody") }},
		{"disable a key", 1, func(w *world) error { return w.SetKey(w.t.Context(), by, print2, true) }},
		{"remove a second factor", 1, func(w *world) error { return w.RemoveMFA(w.t.Context(), by, "bob") }},
		{"enrol a second factor", 1, func(w *world) error { _, err := w.EnrolMFA(w.t.Context(), by, "alice"); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.apply(boss("alice"), identity("bob"), key(t, "bob", 2), role("ops", "bob"), host(t, "web1"), rules("everybody", all), manifest.Resource{Kind: manifest.SavedQuery, Name: "kept", Text: "SELECT 2"})
			if _, err := w.EnrolMFA(t.Context(), by, "bob"); err != nil {
				t.Fatal(err)
			}
			w.took()
			w.changed = 0
			before := w.dump()
			for n := 1; n <= c.events; n++ {
				w.failAt = n
				if err := c.do(w); err == nil || !strings.Contains(err.Error(), "the disk is full") {
					t.Errorf("append %d fails: %v, want its error", n, err)
				}
				if w.dump() != before || w.changed > 0 {
					t.Errorf("append %d fails, and yet something changed", n)
				}
			}
			w.took()
			w.before = func() {
				if w.dump() != before {
					t.Error("a change was visible before its event was durable")
				}
			}
			if err := c.do(w); err != nil {
				t.Fatal(err)
			}
			w.before = nil
			if n := len(w.took()); n != c.events {
				t.Errorf("%d events, want %d", n, c.events)
			}
			if w.dump() == before || w.changed != 1 {
				t.Errorf("changed %v, told %d times", w.dump() != before, w.changed)
			}
		})
	}
}

// brokenStore fails its commits.
type brokenStore struct{ state.Store }

func (b brokenStore) Update(ctx context.Context, fn func(state.Tx) error) error {
	return b.Store.Update(ctx, func(tx state.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errors.New("cannot commit")
	})
}

// A change that fails after its event is said to have failed.
func TestFailedChangeIsRecordedAsFailed(t *testing.T) {
	w := newWorld(t)
	w.apply(boss("alice"), key(t, "alice", 1))
	w.took()
	_, print1 := keyLine(t, 1)
	good := w.store
	w.store = brokenStore{good}
	w.Admin = admin.New(admin.Deps{Store: w.store, Trail: w, Enrol: w, Origin: origin, Now: time.Now, Changed: func() { w.changed++ }})
	w.changed = 0
	for name, do := range map[string]func() error{
		"PutPolicy": func() error {
			_, err := w.Apply(t.Context(), by, []manifest.Resource{rules("p", all)}, admin.Options{})
			return err
		},
		"UpdateSSHPublicKey": func() error { return w.SetKey(t.Context(), by, print1, true) },
		"EnableMFADevice":    func() error { _, err := w.EnrolMFA(t.Context(), by, "alice"); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "cannot commit") {
			t.Errorf("%s: error %v", name, err)
		}
		if e := w.took(); len(e) != 2 || e[1] != e[0]+" InternalFailure" || !strings.HasPrefix(e[0], name) {
			t.Errorf("%s: events %q, want the event and its twin with InternalFailure", name, e)
		}
	}
	if w.changed > 0 {
		t.Error("told of a change that failed")
	}
}

func TestDryRunSaysWhatWouldChange(t *testing.T) {
	w := newWorld(t)
	w.apply(boss("alice"))
	w.took()
	w.changed = 0
	before := w.dump()
	got, err := w.Apply(t.Context(), by, []manifest.Resource{identity("bob"), boss("alice"), rules("p", all)}, admin.Options{DryRun: true})
	want := []admin.Change{{Resource: "identity bob", What: "created"}, {Resource: "identity alice", What: "unchanged"}, {Resource: "policy p", What: "created"}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("dry run = %v, %v, want %v", got, err, want)
	}
	if e := w.took(); len(e) > 0 || w.dump() != before || w.changed > 0 {
		t.Errorf("a dry run changed something; events %q", e)
	}
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{rules("p", "permit")}, admin.Options{DryRun: true}); err == nil {
		t.Error("a dry run took a policy that does not compile")
	}
}

func TestAllMistakesAndNoChange(t *testing.T) {
	w := newWorld(t)
	w.apply(boss("alice"), key(t, "alice", 1), rules("everybody", all))
	w.took()
	before := w.dump()
	placed := key(t, "bob", 1)
	placed.Place = "dir/keys.yaml:7"
	stranger := key(t, "nobody", 5)
	stranger.Place = "dir/keys.yaml:12"
	bad := host(t, "web1")
	bad.HostKeys = []string{"ssh-ed25519 AAAA"}
	_, err := w.Apply(t.Context(), by, []manifest.Resource{
		identity("bob"), placed, stranger,
		{Kind: manifest.Key, Identity: "alice", PublicKey: "-----BEGIN OPENSSH PRIVATE KEY-----"},
		identity("Bad Name"), {Kind: manifest.Identity, Name: "eve", ARN: "not an arn"}, {Kind: manifest.Identity, Name: "mal", ARN: "arn:aws:iam::111122223333:user/alice"},
		role("ops", "ghost"), bad, {Kind: manifest.Target, Name: "db1", Address: "db1"},
		rules("night", "permit (principal, action, resource) when { context.loggin == \"x\" };"),
	}, admin.Options{})
	if err == nil {
		t.Fatal("Apply took a set full of mistakes")
	}
	_, print1 := keyLine(t, 1)
	for _, want := range []string{
		"key " + print1 + " belongs to identity alice already",
		`dir/keys.yaml:12: key of nobody: no identity named "nobody"`,
		"this is a private key",
		"identity Bad Name: name:",
		`identity eve: arn "not an arn" is not an ARN`,
		"identity mal: its ARN belongs to identity alice already",
		`role ops: no identity named "ghost"`,
		"target web1: ",
		`target db1: address "db1" is not host:port`,
		`night:1:53: context has no attribute "loggin" (did you mean "login"?)`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	if e := w.took(); len(e) > 0 || w.dump() != before {
		t.Errorf("a refused set changed something; events %q", e)
	}
}

// A fingerprint belongs to one identity: the conflict names the owner and says
// what to do.
func TestKeyBelongsToOneIdentity(t *testing.T) {
	w := newWorld(t)
	w.apply(boss("alice"), identity("bob"), key(t, "alice", 1))
	_, err := w.Apply(t.Context(), by, []manifest.Resource{key(t, "bob", 1)}, admin.Options{})
	var c *admin.Conflict
	if !errors.As(err, &c) || !strings.Contains(c.Text, "identity alice") || c.Hint == "" {
		t.Errorf("Apply = %v, want a Conflict that names alice", err)
	}
}

func TestCreateRefusesWhatExists(t *testing.T) {
	w := newWorld(t)
	w.apply(identity("alice"), host(t, "web1"))
	for _, r := range []manifest.Resource{identity("alice"), host(t, "web1")} {
		_, err := w.Apply(t.Context(), by, []manifest.Resource{r}, admin.Options{Create: true})
		var c *admin.Conflict
		if !errors.As(err, &c) || !strings.Contains(c.Text, "exists already") {
			t.Errorf("create of %s = %v, want a Conflict", r.Label(), err)
		}
	}
}

func TestResourceTwiceInOneSetIsAMistake(t *testing.T) {
	w := newWorld(t)
	_, err := w.Apply(t.Context(), by, []manifest.Resource{host(t, "web1"), host(t, "web1")}, admin.Options{})
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("Apply = %v, want a mistake: which of the two is meant?", err)
	}
}

func TestDeleteAnIdentityTakesWhatIsItsOwn(t *testing.T) {
	w := newWorld(t)
	w.apply(boss("alice"), identity("bob"), key(t, "alice", 1), key(t, "bob", 2), key(t, "bob", 3), role("ops", "alice", "bob"), role("dev", "alice"))
	if _, err := w.EnrolMFA(t.Context(), by, "bob"); err != nil {
		t.Fatal(err)
	}
	w.took()
	if err := w.Delete(t.Context(), by, "identity", "bob"); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range w.took() {
		name, _, _ := strings.Cut(e, " ")
		names = append(names, name)
	}
	if want := []string{"DeleteSSHPublicKey", "DeleteSSHPublicKey", "DeactivateMFADevice", "UpdateRole", "DeleteUser"}; !slices.Equal(names, want) {
		t.Errorf("events %v, want %v", names, want)
	}
	if d := w.dump(); strings.Contains(d, "bob") {
		t.Errorf("bob is still there:\n%s", d)
	}
	if err := w.Delete(t.Context(), by, "identity", "bob"); !errors.Is(err, state.ErrNotFound) || !strings.Contains(err.Error(), `no identity named "bob"`) {
		t.Errorf("second Delete = %v", err)
	}
	for _, kind := range append(slices.Clone(manifest.Kinds), "lock") {
		if err := w.Delete(t.Context(), by, kind, "nothing"); err == nil {
			t.Errorf("Delete of a missing %s succeeded", kind)
		}
	}
	if e := w.took(); len(e) > 0 {
		t.Errorf("failed deletions left events %q", e)
	}
}

// Whatever the road: one admin must remain.
func TestLastAdminStays(t *testing.T) {
	w := newWorld(t)
	w.apply(boss("alice"), boss("grace"))
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{identity("grace")}, admin.Options{}); err != nil {
		t.Errorf("one of two admins cannot be made an ordinary identity: %v", err)
	}
	var c *admin.Conflict
	if err := w.Delete(t.Context(), by, "identity", "alice"); !errors.As(err, &c) {
		t.Errorf("Delete of the last admin = %v, want a Conflict", err)
	}
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{identity("alice")}, admin.Options{}); !errors.As(err, &c) {
		t.Errorf("taking admin from the last one = %v, want a Conflict", err)
	}
	// One set may hand it over.
	if _, err := w.Apply(t.Context(), by, []manifest.Resource{identity("alice"), boss("bob")}, admin.Options{}); err != nil {
		t.Errorf("handing admin over = %v", err)
	}
}

func TestSetKey(t *testing.T) {
	w := newWorld(t)
	_, print1 := keyLine(t, 1)
	w.apply(identity("alice"), key(t, "alice", 1))
	w.took()
	for _, c := range []struct {
		disabled bool
		want     []string
	}{
		{true, []string{`UpdateSSHPublicKey {"userName":"alice","keyFingerprint":"` + print1 + `","status":"Inactive"}`}},
		{true, nil},
		{false, []string{`UpdateSSHPublicKey {"userName":"alice","keyFingerprint":"` + print1 + `","status":"Active"}`}},
	} {
		if err := w.SetKey(t.Context(), by, print1, c.disabled); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, w.took()); diff != "" {
			t.Errorf("disabled %v: events differ (-want +got):\n%s", c.disabled, diff)
		}
	}
	// Applying the same file again does not enable a key somebody disabled.
	if err := w.SetKey(t.Context(), by, print1, true); err != nil {
		t.Fatal(err)
	}
	w.apply(identity("alice"), key(t, "alice", 1))
	if !strings.Contains(w.dump(), "Disabled:true") {
		t.Error("apply enabled a disabled key")
	}
	if err := w.SetKey(t.Context(), by, "SHA256:none", true); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("SetKey of a missing key = %v", err)
	}
}

func TestMFA(t *testing.T) {
	w := newWorld(t)
	w.apply(identity("alice"))
	w.took()
	if err := w.RemoveMFA(t.Context(), by, "alice"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("RemoveMFA without a device = %v", err)
	}
	if _, err := w.EnrolMFA(t.Context(), by, "nobody"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("EnrolMFA of nobody = %v", err)
	}
	if e := w.took(); len(e) > 0 {
		t.Errorf("events %q", e)
	}
	uri, err := w.EnrolMFA(t.Context(), by, "alice")
	if err != nil || uri != "otpauth://totp/alice" {
		t.Errorf("EnrolMFA = %q, %v", uri, err)
	}
	if err := w.RemoveMFA(t.Context(), by, "alice"); err != nil {
		t.Error(err)
	}
	want := []string{`EnableMFADevice {"userName":"alice","mfaType":"totp"}`, `DeactivateMFADevice {"userName":"alice"}`}
	if diff := cmp.Diff(want, w.took()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

// Two administrators enrol one key for two identities at once: one wins.
func TestConcurrentEnrolment(t *testing.T) {
	w := newWorld(t)
	w.apply(identity("alice"), identity("bob"))
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, owner := range []string{"alice", "bob"} {
		wg.Go(func() { _, errs[i] = w.Apply(t.Context(), by, []manifest.Resource{key(t, owner, 7)}, admin.Options{}) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("both enrolments = %v, %v, want one Conflict", errs[0], errs[1])
	}
}
