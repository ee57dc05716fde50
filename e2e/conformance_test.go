//go:build conformance

package e2e

import (
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestConformance runs clients we did not write through the gate. make
// conformance installs them; one that is absent is a failure, because a client
// that was not run proves nothing.
func TestConformance(t *testing.T) {
	for _, tool := range []string{"dbclient", "dropbearconvert", "plink", "pscp", "psftp", "puttygen", "/usr/bin/python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed: scripts/deps --conformance installs it", tool)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:   "conformance",
		Setup: setup,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":    serve,
			"shutdown": shutdown,
			"sshd":     startSSHD,
			"person":   person,
		},
		RequireUniqueNames: true,
	})
}
