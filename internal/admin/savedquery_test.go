package admin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/manifest"
)

func TestSavedQueriesAreCheckedWhenTheyAreKept(t *testing.T) {
	w := newWorld(t)
	saved := func(name, text string) manifest.Resource {
		return manifest.Resource{Kind: manifest.SavedQuery, Name: name, Text: text}
	}
	text := "-- param: who varchar\nSELECT target FROM sessions WHERE userName = :who AND startTime > :since LIMIT :most"
	got := w.apply(saved("mine", text))
	if diff := cmp.Diff([]admin.Change{{Resource: "saved-query mine", What: "created"}}, got); diff != "" {
		t.Errorf("changes differ (-want +got):\n%s", diff)
	}
	described := saved("mine", text)
	described.Description = "who was where"
	if got := w.apply(described); len(got) != 1 || got[0].What != "updated" || len(got[0].Fields) != 1 || got[0].Fields[0] != "description" {
		t.Errorf("a description: %+v", got)
	}
	if got := w.apply(described); got[0].What != "unchanged" {
		t.Errorf("the same again: %+v", got)
	}
	e := `PutSavedQuery {"savedQueryName":"mine","sha256":"` + sha(text) + `"}`
	if diff := cmp.Diff([]string{e, e}, w.took()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}

	before := w.dump()
	long := saved("long", "SELECT 1")
	long.Description = "two\nlines"
	turned := saved("turned", "SELECT 1")
	turned.Description = "looks \u202esrehto ekil"
	for _, c := range []struct {
		r    manifest.Resource
		want string
	}{
		{saved("bad", "SELECT 1,\n FROM sessions"), "saved-query bad: line 2, column 2: "},
		{saved("bad", "SELECT userNme FROM sessions"), `saved-query bad: line 1, column 8: there is no such column in sessions, found "userNme" (did you mean "userName"?)`},
		{saved("bad", "-- param: n bigit\nSELECT :n"), `line 1, column 11: expected the type of the parameter n`},
		{saved("bad", "DROP TABLE sessions"), "line 1, column 1: "},
		{saved("bad", ""), "saved-query bad: line 1, column 1: "},
		{saved("Bad name", "SELECT 1"), "saved-query Bad name: name: "},
		{saved("bad", "SELECT 1 -- \x1b[1A\x1b[2KSELECT 2"), "line 1, column 13: expected readable text, found U+001B"},
		{turned, "the description must be one line of at most 500 characters"},
		{long, "the description must be one line of at most 500 characters"},
		{saved("access-denied", "SELECT 1"), "saved-query access-denied comes with Trailgate and stays as it is"},
	} {
		if _, err := w.Apply(t.Context(), by, []manifest.Resource{c.r}, admin.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.r, err, c.want)
		}
	}
	var conflict *admin.Conflict
	if err := w.Delete(t.Context(), by, manifest.SavedQuery, "access-denied"); !errors.As(err, &conflict) || conflict.Hint == "" {
		t.Errorf("a shipped one is deleted: %v", err)
	}
	if err := w.Delete(t.Context(), by, manifest.SavedQuery, "nosuch"); err == nil || !strings.Contains(err.Error(), `no saved-query named "nosuch"`) {
		t.Errorf("one that is not there is deleted: %v", err)
	}
	if e := w.took(); len(e) > 0 || w.dump() != before {
		t.Errorf("what was refused left %q", e)
	}
	if err := w.Delete(t.Context(), by, manifest.SavedQuery, "mine"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{`DeleteSavedQuery {"savedQueryName":"mine"}`}, w.took()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}
