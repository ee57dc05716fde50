package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

const root = "../../.."

// TestPageIsCurrent: whoever changes a column runs the generator in the same
// commit.
func TestPageIsCurrent(t *testing.T) {
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join(root, page))
	if err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s does not say what the catalog says (%v); run: go generate ./event", page, err)
	}
}

// TestColumnsArePromised: queries in the wild name these, in this order
// (DESIGN 6). Columns may be added at the end of the CloudTrail part or of the
// whole; none may go, and none may move.
func TestColumnsArePromised(t *testing.T) {
	want := strings.Fields(`eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress
		userAgent errorCode errorMessage requestParameters responseElements additionalEventData requestID eventID
		readOnly resources eventType managementEvent recipientAccountId serviceEventDetails eventCategory
		userName userArn sessionId target login mfaAuthenticated eventJson appendTime seq`)
	for _, table := range sqlfront.CloudTrailCatalog().Tables[:2] {
		var have []string
		for _, c := range table.Columns {
			have = append(have, c.Name)
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s has columns %v, want %v", table.Name, have, want)
		}
	}
}
