package runbooks

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/internal/runbook"
)

// The queries of the article, byte for byte.
const (
	articleDenied = `SELECT *
FROM CloudTrailLogs
WHERE eventName = 'AuthorizeSecurityGroupIngress'
AND errorCode = 'AccessDenied'
AND eventSource = 'ssh-proxy-service.yourdomain.com'
LIMIT 50`
	articleWithoutMFA = `SELECT *
FROM CloudTrailLogs
WHERE additionalEventData != 'MFAAuthenticated=True'
AND eventSource LIKE '%ssh%'
LIMIT 100`
)

func load(t *testing.T) map[string]*runbook.Runbook {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]*runbook.Runbook{}
	for _, rb := range all {
		byID[rb.ID] = rb
	}
	return byID
}

func TestTheArticlesQueriesAreVerbatim(t *testing.T) {
	all := load(t)
	for id, want := range map[string]string{"denied-surge": articleDenied, "session-without-mfa": articleWithoutMFA} {
		rb := all[id]
		if rb == nil {
			t.Fatalf("there is no runbook %s", id)
		}
		if got := rb.Query.Text(); got != want {
			t.Errorf("query of %s is\n%s\nwant\n%s", id, got, want)
		}
	}
}

func TestTheLibraryIsNamedForItsRunbooks(t *testing.T) {
	all := load(t)
	names, err := fs.Glob(Files(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != len(all) {
		t.Errorf("%d files, %d runbooks", len(names), len(all))
	}
	for _, name := range names {
		if all[strings.TrimSuffix(name, ".yaml")] == nil {
			t.Errorf("%s does not hold the runbook it is named for", name)
		}
	}
}

func TestTheLibraryIsLiveAndClean(t *testing.T) {
	scheduled := map[string]bool{"login-after-failures": true} // no single event shows it
	for id, rb := range load(t) {
		if live, why := rb.Live(); live == scheduled[id] {
			t.Errorf("%s is live: %v (%s)", id, live, why)
		}
		if !rb.Shipped {
			t.Errorf("%s does not know that it is shipped", id)
		}
		for _, n := range runbook.Lint(rb, "ssh-proxy-service.yourdomain.com") {
			if n.Level == runbook.Warning {
				t.Errorf("lint %s: %s", id, n.Text)
			}
		}
	}
}

func TestAnotherEventSourceIsNamed(t *testing.T) {
	notes := runbook.Lint(load(t)["denied-surge"], "gate.example.com")
	for _, n := range notes {
		if n.Level == runbook.Warning && strings.Contains(n.Text, "ssh-proxy-service.yourdomain.com") && strings.Contains(n.Text, "gate.example.com") {
			return
		}
	}
	t.Errorf("lint says %v, want a warning that names both event sources", notes)
}
