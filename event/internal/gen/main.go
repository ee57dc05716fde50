// Command gen writes what follows from the event types: the list of them, their
// reference page and the JSON Schema of a record. Run it with go generate
// ./event; its test fails when what it wrote before is out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run generates for the package event in dir.
func run(dir string) error {
	files, err := generate(dir)
	if err != nil {
		return err
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the generated files by their path from dir.
func generate(dir string) (map[string][]byte, error) {
	v, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("read the event types: %w", err)
	}
	schema, err := v.schema()
	if err != nil {
		return nil, err
	}
	page, err := v.page(dir)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"all.go":                              v.list(),
		"../docs/reference/events.md":         page,
		"../docs/reference/event.schema.json": schema,
	}, nil
}
