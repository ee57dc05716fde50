package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/client"
)

// showDigestKeys prints the public keys of digests, for an auditor to keep
// elsewhere.
func (sh *shell) showDigestKeys(line bool) error {
	cfg, _, err := sh.settings()
	if err != nil {
		return err
	}
	keys, err := ca.LoadDigest(filepath.Join(cfg.DataDir, "ca"))
	if errors.Is(err, os.ErrNotExist) {
		return hinted(errors.New("there is no digest key yet"), "trailgate init makes the first, and so does trailgate serve")
	}
	if err != nil {
		return err
	}
	if line {
		for _, k := range keys.All() {
			fmt.Fprintln(sh.out, k.Fingerprint)
		}
		return nil
	}
	fmt.Fprintf(sh.out, "# The keys that sign the digests of the trail's log files. Keep this where nobody who can write to\n"+
		"# %s can: trailgate trail verify --public-key FILE believes these alone.\n", cfg.DataDir)
	for _, k := range keys.All() {
		printDigestKey(sh.out, k.Fingerprint, k.From, k.PEM())
	}
	return nil
}

func printDigestKey(w io.Writer, fingerprint string, from time.Time, pem string) {
	fmt.Fprintf(w, "\n# %s, signs from %s on\n%s", fingerprint, from.UTC().Format(time.RFC3339), pem)
}

// rotateCA has a new key take over.
func (sh *shell) rotateCA() *cobra.Command {
	return &cobra.Command{Use: "rotate digest", Short: "Make a new key for digests, and keep the old ones for what they signed", Args: cobra.ExactArgs(1), ValidArgs: []string{"digest"},
		Long: "Make a new key for digests. The next digest is signed with it; the old ones are kept for what they signed.\n" +
			"Whoever keeps the public keys elsewhere needs the new one: it is printed.\n\n  trailgate ca rotate digest >> digest.pem",
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "digest" {
				return misused("digest", "there is no %q CA that rotates", args[0])
			}
			return sh.server(func(c *client.Client) error {
				k, err := c.RotateCA(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				printDigestKey(sh.out, k.Fingerprint, k.From, k.PEM)
				return nil
			})
		}}
}
