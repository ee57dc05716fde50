// Package runbooks is the library of runbooks that comes with Trailgate. They
// are enabled, and observe until somebody decides otherwise:
//
//	trailgate runbook enable session-without-mfa --mode enforce
package runbooks

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/trailgate/trailgate/internal/runbook"
)

//go:embed *.yaml
var files embed.FS

// Files are the runbooks' files.
func Files() fs.FS { return files }

// All are the runbooks, by file name.
func All() ([]*runbook.Runbook, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the library: %w", err)
	}
	var all []*runbook.Runbook
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the library: %w", err)
		}
		rb, err := runbook.Load("runbooks/"+name, data)
		if err != nil {
			return nil, fmt.Errorf("load the library: %w", err)
		}
		rb.Shipped = true
		all = append(all, rb)
	}
	return all, nil
}
