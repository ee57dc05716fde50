package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/trailgate/trailgate/event"
)

const packageDir = "../.." // event, from here

// TestGeneratedFilesAreCurrent: whoever changes an event type runs the
// generator in the same commit.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generate(packageDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		have, err := os.ReadFile(filepath.Join(packageDir, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(have, files[name]) {
			t.Errorf("%s does not say what the event types say; run: go generate ./event", filepath.Clean(filepath.Join("event", name)))
		}
	}
}

// TestEveryEventIsListed: All is what the source has, in its order.
func TestEveryEventIsListed(t *testing.T) {
	v, err := read(packageDir)
	if err != nil {
		t.Fatal(err)
	}
	var source, listed []string
	for _, f := range v.Families {
		for _, e := range f.Events {
			source = append(source, e.Name)
		}
	}
	for _, e := range event.All() {
		listed = append(listed, event.Name(e))
	}
	if !slices.Equal(source, listed) {
		t.Errorf("event.All lists %v\nthe source has %v", listed, source)
	}
}

// TestSchemaNamesEveryDefinition: no $ref points nowhere.
func TestSchemaNamesEveryDefinition(t *testing.T) {
	v, err := read(packageDir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := v.schema()
	if err != nil {
		t.Fatal(err)
	}
	var root node
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	for _, a := range root.AllOf {
		name := filepath.Base(a.Then.Ref)
		if root.Defs[name] == nil {
			t.Errorf("the schema has no definition of %s", name)
		}
	}
}
