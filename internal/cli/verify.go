package cli

import (
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/cli/table"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// verifyFlags are those of trail verify.
type verifyFlags struct {
	from, to, bucket string
	anchors, keys    []string
}

func (sh *shell) verify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{Use: "verify", Short: "Check the whole trail; exits 3 when anything was changed", Args: cobra.NoArgs,
		Long: "Check the whole trail: the journal and its seals, log files and their digests, and all of it against the\n" +
			"anchors kept outside. It exits 3 when anything was changed, and says what and where.\n\n" +
			"  trailgate trail verify\n" +
			"  trailgate trail verify --anchor s3://anchors-of-another-account/trailgate?region=eu-west-1\n" +
			"  trailgate trail verify --bucket file:///mnt/copy --public-key digest.pem     # an auditor's, without the journal\n\n" +
			"It may run beside a server. --from and --to bound the digests that are looked at; the journal is read whole.",
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.verifyTrail(cmd, f) }}
	c.Flags().StringVar(&f.from, "from", "", "only digests that end at this time or later: a day, or an RFC 3339 time")
	c.Flags().StringVar(&f.to, "to", "", "only digests that end at this time or before")
	c.Flags().StringArrayVar(&f.anchors, "anchor", nil, "hold the trail against the anchors at this URL (default: those of the settings); once for each")
	c.Flags().StringArrayVar(&f.keys, "public-key", nil, "believe only this key of digests, a PEM file as trailgate ca show digest prints it; once for each")
	c.Flags().StringVar(&f.bucket, "bucket", "", "check a copy of the log files and digests alone: file:///DIR or s3://BUCKET/PREFIX; wants --public-key")
	return c
}

func (sh *shell) verifyTrail(cmd *cobra.Command, f verifyFlags) error {
	cfg, _, err := sh.settings()
	if err != nil {
		return err
	}
	o, err := f.options(sh, cfg)
	if err != nil {
		return err
	}
	stage, show := "", func(int64, int64) {}
	o.Progress = func(doing string, done, total int64) {
		if doing != stage {
			stage, show = doing, sh.progress(doing, "")
		}
		show(done, total)
	}
	r, err := app.VerifyTrail(cmd.Context(), cfg, o)
	switch {
	case errors.Is(err, app.ErrNoKeys):
		return misused("trailgate ca show digest > digest.pem, on the server, and --public-key digest.pem here", "--bucket needs --public-key")
	case errors.Is(err, app.ErrNoCopy):
		return hinted(err, "--bucket names the folder that holds AWSLogs of the trail's bucket: file:///DIR, on this machine, or s3://BUCKET/PREFIX")
	case errors.Is(err, fs.ErrNotExist) && f.bucket == "":
		return noData(cfg)
	case err != nil:
		return err
	}
	return sh.printReport(r)
}

// options are what the flags say.
func (f verifyFlags) options(sh *shell, cfg config.Config) (app.VerifyOptions, error) {
	o := app.VerifyOptions{Anchors: cfg.Anchors}
	var err error
	if o.From, o.To, err = span(f.from, f.to); err != nil {
		return o, err
	}
	if f.bucket != "" {
		place, err := config.ParsePlace(f.bucket)
		if err != nil {
			return o, misused("file:///DIR or s3://BUCKET/PREFIX?region=…", "--bucket: %v", err)
		}
		o.Bucket, o.Anchors = &place, nil // those of the settings are of this machine's trail
	}
	if len(f.anchors) > 0 {
		o.Anchors = nil
	}
	for _, url := range f.anchors {
		a := config.Anchor{URL: url}
		if i := slices.IndexFunc(cfg.Anchors, func(c config.Anchor) bool { return c.URL == url }); i >= 0 {
			a = cfg.Anchors[i]
		}
		if err := a.Check(); err != nil {
			return o, misused("one with a secret_file goes into the settings, below anchors", "--anchor: %v", err)
		}
		o.Anchors = append(o.Anchors, a)
	}
	for _, name := range f.keys {
		text, err := sh.readFile(name)
		if err != nil {
			return o, err
		}
		keys, err := publicKeys(text)
		if err != nil {
			return o, misused("trailgate ca show digest prints them", "--public-key %s: %v", name, err)
		}
		o.Keys = append(o.Keys, keys...)
	}
	return o, nil
}

// publicKeys reads the keys in a PEM file. A key that somebody hands over counts
// whenever it signed.
func publicKeys(text []byte) ([]logfile.PublicKey, error) {
	var keys []logfile.PublicKey
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		der := block.Bytes
		switch block.Type {
		case "RSA PUBLIC KEY":
			if _, err := x509.ParsePKCS1PublicKey(der); err != nil {
				return nil, err
			}
		case "PUBLIC KEY":
			k, err := x509.ParsePKIXPublicKey(der)
			if err != nil {
				return nil, err
			}
			public, ok := k.(*rsa.PublicKey)
			if !ok {
				return nil, errors.New("it is not an RSA key")
			}
			der = x509.MarshalPKCS1PublicKey(public)
		default:
			return nil, fmt.Errorf("it holds a %s, not a public key", block.Type)
		}
		sum := md5.Sum(der)
		keys = append(keys, logfile.PublicKey{DER: der, Fingerprint: hex.EncodeToString(sum[:]), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no PEM in it")
	}
	return keys, nil
}

// printReport shows what was found, and says by the exit code whether anything was.
func (sh *shell) printReport(r *app.TrailReport) error {
	r.SortFindings()
	for _, note := range r.Notes {
		fmt.Fprintln(sh.err, "note: "+note)
	}
	changed := &failure{exitFound, fmt.Errorf("the trail is not what was written: %s", count(len(r.Findings), "finding")),
		"keep everything as it is, as evidence; docs/how-to/verify-the-trail.md says what a finding means"}
	if format := sh.format(); format == "json" || format == "jsonl" {
		e := json.NewEncoder(sh.out)
		if format == "json" {
			e.SetIndent("", "  ")
		}
		if err := e.Encode(r); err != nil {
			return err
		}
		if r.Intact {
			return nil
		}
		return changed
	}
	if r.Intact {
		_, err := fmt.Fprintln(sh.out, "intact: "+r.Summary())
		return err
	}
	var rows [][]any
	for _, f := range r.Findings {
		row := []any{f.Where, nil, f.EventID, nil, f.Problem}
		if f.Seq > 0 { // else it is about no single event
			row[1] = int64(f.Seq)
		}
		if f.Offset > 0 {
			row[3] = f.Offset
		}
		rows = append(rows, row)
	}
	if sh.format() == "table" { // a line each, and nothing cut: where and what are long
		lines := make([][]any, len(r.Findings))
		for i, f := range r.Findings {
			lines[i] = []any{findingLine(f)}
		}
		if err := table.Write(sh.out, "table", cols("finding"), lines, table.Options{}); err != nil {
			return err
		}
		return changed
	}
	if err := sh.print(cols("where", "event:bigint", "eventID", "offset:bigint", "problem"), rows, ""); err != nil {
		return err
	}
	return changed
}

// findingLine is a finding for a person.
func findingLine(f app.TrailFinding) string {
	line := f.Where
	if f.Seq > 0 { // else it is about no single event
		line += fmt.Sprintf(", event %d", f.Seq)
		if f.EventID != "" {
			line += " (" + f.EventID + ")"
		}
	}
	if f.Offset > 0 {
		line += fmt.Sprintf(", offset %d", f.Offset)
	}
	return line + ": " + f.Problem
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
