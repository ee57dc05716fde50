package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/target"
)

// server runs fn with a client and turns a missing server into advice.
func (sh *shell) server(fn func(c *client.Client) error) error {
	c, cfg, err := sh.client()
	if err != nil {
		return err
	}
	return advise(fn(c), cfg.DataDir)
}

// advise adds to an error what to do next.
func advise(err error, dataDir string) error {
	var f *rest.Failure
	switch {
	case errors.Is(err, client.ErrNoServer):
		return hinted(fmt.Errorf("%w: %s", err, dataDir), "trailgate serve --data-dir "+dataDir+" starts one")
	case errors.As(err, &f):
		return &failure{f.Code, f, f.Hint}
	}
	return err
}

// noun is a kind of row with list and show.
type noun[T any] struct {
	name, plural string
	get          func(*client.Client, context.Context, string) ([]T, error)
	columns      []query.Column
	row          func(T) []any
	shown        []string // of the columns, in a table on a terminal; the first is never cut
}

// list prints all rows that keep wants (nil: all).
func (n noun[T]) list(sh *shell, keep func(T) bool) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return sh.server(func(c *client.Client) error {
			all, err := n.get(c, cmd.Context(), "")
			if err != nil {
				return err
			}
			var rows [][]any
			for _, r := range all {
				if keep == nil || keep(r) {
					rows = append(rows, n.row(r))
				}
			}
			columns := n.columns
			if n.shown != nil && sh.format() == "table" {
				columns, rows = brief(columns, rows, n.shown)
			}
			return sh.print(columns, rows, "no "+n.plural)
		})
	}
}

func (n noun[T]) listCommand(sh *shell) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the " + n.plural, Args: cobra.NoArgs, RunE: n.list(sh, nil)}
}

// show prints one row as field and value.
func (n noun[T]) showCommand(sh *shell) *cobra.Command {
	return &cobra.Command{Use: "show " + strings.ToUpper(n.name), Short: "Show one " + n.name, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				all, err := n.get(c, cmd.Context(), args[0])
				if err != nil {
					return err
				}
				var rows [][]any
				for i, cell := range n.row(all[0]) {
					rows = append(rows, []any{n.columns[i].Name, cell})
				}
				return sh.print(cols("field", "value"), rows, "")
			})
		}}
}

// deleteCommand removes one row by its name.
func (n noun[T]) deleteCommand(sh *shell, note string) *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "delete " + strings.ToUpper(n.name), Short: "Delete one " + n.name + note, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if _, err := n.get(c, cmd.Context(), args[0]); err != nil {
					return err
				}
				if err := sh.confirm(yes, "delete "+n.name+" "+args[0]); err != nil {
					return err
				}
				if err := c.Delete(cmd.Context(), n.name, args[0]); err != nil {
					return err
				}
				sh.done("", "deleted %s %s", n.name, args[0])
				return nil
			})
		}}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// create puts one new resource in place.
func (sh *shell) create(ctx context.Context, r manifest.Resource, replace bool, next string) error {
	return sh.server(func(c *client.Client) error {
		changes, err := c.Apply(ctx, rest.ApplyRequest{Resources: []manifest.Resource{r}, Create: !replace})
		if err != nil {
			return err
		}
		for _, ch := range changes {
			sh.done(next, "%s %s", ch.What, ch.Resource)
		}
		return nil
	})
}

func (sh *shell) identity() *cobra.Command {
	n := noun[state.Identity]{"identity", "identities", (*client.Client).Identities, cols("name", "arn", "type", "admin:boolean", "breakGlass:boolean", "created:timestamp"),
		func(i state.Identity) []any { return []any{i.Name, i.ARN, i.Type, i.Admin, i.BreakGlass, i.Created} },
		[]string{"name", "arn", "admin", "breakGlass", "created"}}
	var r manifest.Resource
	create := &cobra.Command{Use: "create NAME", Short: "Make an identity: a person or machine", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Kind, r.Name = manifest.Identity, args[0]
			return sh.create(cmd.Context(), r, false, "trailgate key create --identity "+args[0]+" --file KEY.pub")
		}}
	create.Flags().StringVar(&r.ARN, "arn", "", "its principal (default arn:aws:iam::ACCOUNT:user/NAME)")
	create.Flags().BoolVar(&r.Admin, "admin", false, "an administrator: no runbook locks the last one out")
	create.Flags().BoolVar(&r.BreakGlass, "break-glass", false, "no runbook locks it out at all")
	return group("identity", "Who may act: people and machines", n.listCommand(sh), n.showCommand(sh), create,
		n.deleteCommand(sh, " with its keys and devices"), sh.mfa())
}

func (sh *shell) mfa() *cobra.Command {
	var remove, qr bool
	c := &cobra.Command{Use: "mfa NAME", Short: "Give an identity a second factor (TOTP), in place of any it had",
		Long: "Give an identity a second factor (TOTP). stdout is the otpauth URI, which holds the secret:\nshow it to that person and to nobody else.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if remove {
					if err := c.Delete(cmd.Context(), "mfa", args[0]); err != nil {
						return err
					}
					sh.done("", "%s has no MFA device now", args[0])
					return nil
				}
				uri, err := c.EnrolMFA(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if _, terminal := sh.terminal(); terminal || qr {
					if err := printQR(sh.err, uri); err != nil {
						return err
					}
				}
				sh.done("", "%s scans this with an authenticator app; the old device, if any, no longer works", args[0])
				_, err = fmt.Fprintln(sh.out, uri)
				return err
			})
		}}
	c.Flags().BoolVar(&remove, "remove", false, "take the device away instead")
	c.Flags().BoolVar(&qr, "qr", false, "draw the QR code although stderr is no terminal")
	return c
}

func (sh *shell) role() *cobra.Command {
	n := noun[state.Role]{"role", "roles", (*client.Client).Roles, cols("name", "members", "arn"),
		func(r state.Role) []any { return []any{r.Name, strings.Join(r.Members, " "), r.ARN} }, nil}
	r := manifest.Resource{Kind: manifest.Role}
	create := &cobra.Command{Use: "create NAME", Short: "Make a role: a named set of identities", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			return sh.create(cmd.Context(), r, false, "trailgate policy create "+args[0]+" --file FILE.cedar")
		}}
	create.Flags().StringSliceVar(&r.Members, "member", nil, "an identity in it (repeat for more)")
	create.Flags().StringVar(&r.ARN, "arn", "", "the IAM role its members act as")
	return group("role", "Named sets of identities that policy speaks of", n.listCommand(sh), n.showCommand(sh), create, n.deleteCommand(sh, ""))
}

func (sh *shell) policy() *cobra.Command {
	n := noun[state.Policy]{"policy", "policies", (*client.Client).Policies, cols("name", "text", "updated:timestamp"),
		func(p state.Policy) []any { return []any{p.Name, p.Text, p.Updated} }, []string{"name", "updated", "text"}}
	var file string
	var replace bool
	create := &cobra.Command{Use: "create NAME --file FILE.cedar", Short: "Put a Cedar policy in force", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := sh.readFile(file)
			if err != nil {
				return err
			}
			return sh.create(cmd.Context(), manifest.Resource{Kind: manifest.Policy, Name: args[0], Text: string(text)}, replace,
				"trailgate why IDENTITY LOGIN@TARGET explains what it decides")
		}}
	create.Flags().StringVar(&file, "file", "", "the Cedar text, - for stdin")
	create.Flags().BoolVar(&replace, "replace", false, "replace the policy of this name")
	create.MarkFlagRequired("file")
	return group("policy", "The rules, in Cedar", n.listCommand(sh), n.showCommand(sh), create, n.deleteCommand(sh, ""))
}

func (sh *shell) key() *cobra.Command {
	n := noun[state.Key]{"key", "keys", (*client.Client).Keys, cols("fingerprint", "identity", "comment", "status", "created:timestamp"),
		func(k state.Key) []any {
			status := "Active"
			if k.Disabled {
				status = "Inactive"
			}
			return []any{k.Fingerprint, k.Identity, k.Comment, status, k.Created}
		}, []string{"fingerprint", "identity", "status", "created", "comment"}}
	var file string
	r := manifest.Resource{Kind: manifest.Key}
	create := &cobra.Command{Use: "create --identity NAME --file KEY.pub", Short: "Enrol a public key", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := sh.readFile(file)
			if err != nil {
				return err
			}
			r.PublicKey = strings.TrimSpace(string(text))
			return sh.create(cmd.Context(), r, false, "trailgate ssh-config prints what "+r.Identity+" adds to ~/.ssh/config")
		}}
	create.Flags().StringVar(&r.Identity, "identity", "", "whose key it is")
	create.Flags().StringVar(&file, "file", "", "the public key, - for stdin")
	create.MarkFlagRequired("identity")
	set := func(use, short string, disabled bool) *cobra.Command {
		return &cobra.Command{Use: use + " FINGERPRINT", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return sh.server(func(c *client.Client) error {
					if err := c.SetKey(cmd.Context(), args[0], disabled); err != nil {
						return err
					}
					sh.done("", "%sd %s", use, args[0])
					return nil
				})
			}}
	}
	c := group("key", "Public keys, and access keys of the CloudTrail API; each belongs to one identity", n.listCommand(sh), n.showCommand(sh), create,
		set("disable", "Refuse a key and end the sessions it opened", true), set("enable", "Take a disabled key again", false), n.deleteCommand(sh, ""))
	sh.addAccessKeys(c)
	return c
}

func (sh *shell) target() *cobra.Command {
	n := noun[state.Target]{"target", "targets", (*client.Client).Targets, cols("name", "address", "labels", "hostKeys", "created:timestamp"),
		func(t state.Target) []any {
			var labels []string
			for k, v := range t.Labels {
				labels = append(labels, k+"="+v)
			}
			slices.Sort(labels)
			return []any{t.Name, t.Address, strings.Join(labels, " "), strings.Join(t.HostKeys, "\n"), t.Created}
		}, []string{"name", "address", "labels", "created"}}
	put := func(use, short string, replace bool) *cobra.Command {
		r := manifest.Resource{Kind: manifest.Target}
		var keyFile string
		var yes bool
		c := &cobra.Command{Use: use + " NAME --address HOST:PORT", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				r.Name = args[0]
				if err := sh.pin(cmd.Context(), &r, keyFile, yes); err != nil {
					return err
				}
				return sh.create(cmd.Context(), r, replace, "trailgate ca show user prints what the target must trust")
			}}
		c.Flags().StringVar(&r.Address, "address", "", "where it listens")
		c.Flags().StringToStringVar(&r.Labels, "label", nil, "what policy may ask about, such as env=prod (repeat for more)")
		c.Flags().StringVar(&keyFile, "host-key", "", "a file with its public host keys, - for stdin (default: ask the server, then you)")
		c.Flags().BoolVar(&yes, "yes", false, "pin the host keys it shows without asking")
		c.MarkFlagRequired("address")
		return c
	}
	return group("target", "Servers reached through the gate", n.listCommand(sh), n.showCommand(sh),
		put("create", "Make a target and pin its host keys", false), put("update", "Change a target, pinning its host keys anew", true), n.deleteCommand(sh, ""))
}

// pin fills in the host keys: from a file, or what the server shows, once
// somebody has said that the fingerprints are right.
func (sh *shell) pin(ctx context.Context, r *manifest.Resource, keyFile string, yes bool) error {
	if keyFile != "" {
		text, err := sh.readFile(keyFile)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				r.HostKeys = append(r.HostKeys, line)
			}
		}
		return nil
	}
	keys, err := target.ScanHostKeys(ctx, r.Address)
	if err != nil {
		return hinted(err, "--host-key FILE pins keys without asking the server")
	}
	fmt.Fprintf(sh.err, "%s shows these host keys:\n", r.Address)
	for _, k := range keys {
		fmt.Fprintf(sh.err, "  %s  %s\n", k.Fingerprint, k.Type)
		r.HostKeys = append(r.HostKeys, k.Line)
	}
	if yes {
		return nil
	}
	if !sh.interactive() {
		return misused("compare the fingerprints with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then add --yes", "nobody said that these host keys are right")
	}
	return sh.confirm(false, "pin them to target "+r.Name)
}

// readFile reads a file, or stdin for -.
func (sh *shell) readFile(name string) ([]byte, error) {
	if name == "-" {
		b, err := io.ReadAll(io.LimitReader(sh.in, 1<<20))
		if err != nil {
			return nil, fmt.Errorf("read stdin: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	return b, nil
}

func (sh *shell) apply() *cobra.Command {
	var files []string
	var dry bool
	c := &cobra.Command{Use: "apply -f FILE|DIR", Short: "Put the resources of files in place", Args: cobra.NoArgs,
		Long: "Put identities, keys, roles, targets and policies in place, all of them or none.\n\n  trailgate apply -f access/ --dry-run\n  trailgate apply -f access/",
		RunE: func(cmd *cobra.Command, args []string) error {
			resources, err := sh.manifests(files)
			if err != nil {
				return err
			}
			return sh.server(func(c *client.Client) error {
				changes, err := c.Apply(cmd.Context(), rest.ApplyRequest{Resources: resources, DryRun: dry})
				if err != nil {
					return err
				}
				return sh.printChanges(changes, dry)
			})
		}}
	c.Flags().StringArrayVarP(&files, "file", "f", nil, "a YAML file, or a directory of them (repeat for more)")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would change, change nothing")
	c.MarkFlagRequired("file")
	return c
}

func (sh *shell) printChanges(changes []admin.Change, dry bool) error {
	var rows [][]any
	for _, ch := range changes {
		rows = append(rows, []any{ch.Resource, ch.What, strings.Join(ch.Fields, " ")})
	}
	if dry {
		fmt.Fprintln(sh.err, "dry run: nothing was changed")
	}
	return sh.print(cols("resource", "what", "fields"), rows, "no resources in these files")
}

// manifests reads all resource files, and reports the mistakes of all.
func (sh *shell) manifests(paths []string) ([]manifest.Resource, error) {
	var files []string
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (path == p || strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the resources: %w", err)
		}
	}
	var all []manifest.Resource
	var wrong []error
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read the resources: %w", err)
		}
		rs, err := manifest.Parse(f, data)
		if err != nil {
			wrong = append(wrong, err)
		}
		all = append(all, rs...)
	}
	if len(wrong) > 0 {
		return nil, misused("nothing was changed", "%w", errors.Join(wrong...))
	}
	return all, nil
}
