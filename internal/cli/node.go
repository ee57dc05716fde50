package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
)

// gateNames are how clients write the gate in their known_hosts.
func gateNames(cfg config.Config) []string {
	names := []string{"gate"}
	if host, port, err := net.SplitHostPort(cfg.Gate.Listen); err == nil && host != "" && !net.ParseIP(host).IsUnspecified() {
		if port == "22" {
			names = append(names, host)
		} else {
			names = append(names, "["+host+"]:"+port)
		}
	}
	return names
}

// gateAddress is where clients find the gate.
func gateAddress(cfg config.Config, given string) (host, port string, err error) {
	if given == "" {
		given = cfg.Gate.Listen
	}
	host, port, err = net.SplitHostPort(given)
	if err != nil {
		return "", "", misused("such as gate.example.com:2222", "%q is not HOST:PORT", given)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			return "", "", fmt.Errorf("find this machine's name: %w", err)
		}
	}
	return host, port, nil
}

func (sh *shell) initialise() *cobra.Command {
	var name, key string
	c := &cobra.Command{Use: "init --admin NAME --key KEY.pub", Short: "Make the data directory, the keys and the first admin", Args: cobra.NoArgs,
		Long: "Make the data directory, its settings file, the certificate authorities and the first admin.\nIt can be run again: it never replaces a key.\n\n" +
			"  trailgate init --data-dir /var/lib/trailgate --account-id 111122223333 --admin ada --key ~/.ssh/id_ed25519.pub",
		RunE: func(cmd *cobra.Command, args []string) error {
			public, err := sh.readFile(key)
			if err != nil {
				return err
			}
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			made, err := app.Init(cmd.Context(), cfg, app.FirstAdmin{Name: name, PublicKey: string(public)})
			if err != nil {
				return err
			}
			for _, line := range made {
				fmt.Fprintln(sh.err, line)
			}
			sh.done("trailgate serve --data-dir "+cfg.DataDir+", then trailgate ca show user", "%s is ready; its admin is %s", cfg.DataDir, name)
			return nil
		}}
	c.Flags().StringVar(&name, "admin", "", "the first admin's name")
	c.Flags().StringVar(&key, "key", "", "the first admin's public key, - for stdin")
	c.MarkFlagRequired("admin")
	c.MarkFlagRequired("key")
	return c
}

func (sh *shell) serve() *cobra.Command {
	var verbose bool
	c := &cobra.Command{Use: "serve", Short: "Run the gate, the trail, the runbooks and the local API", Args: cobra.NoArgs,
		Long: "Run the gate, the trail, the runbooks and the local API on a data directory that trailgate init made.\n\n" +
			"  trailgate serve --data-dir /var/lib/trailgate --gate-listen :2222\n\nEvery setting has a flag: see trailgate config show.",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			log := slog.New(slog.NewTextHandler(sh.err, &slog.HandlerOptions{Level: level}))
			err = serve(cmd.Context(), cfg, log)
			if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
				return nil // asked to stop, and stopped
			}
			return err
		}}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log what happens, not only what matters")
	return c
}

// tune trades memory for fewer garbage collections, which are a fifth of the
// cost of moving bytes: the heap may grow by twice what is in use, and at most
// to half of the machine. Four times would save a little more and cost 45 KiB
// an idle session. GOGC and GOMEMLIMIT say otherwise.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	var info unix.Sysinfo_t
	if os.Getenv("GOMEMLIMIT") == "" && unix.Sysinfo(&info) == nil {
		debug.SetMemoryLimit(int64(info.Totalram) * int64(info.Unit) / 2)
	}
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	tune()
	a, err := app.New(ctx, cfg, app.Options{Version: version, Log: log})
	switch {
	case errors.Is(err, trail.ErrLocked):
		return hinted(err, "one server at a time works on a data directory: stop the other, or give this one its own --data-dir")
	case errors.Is(err, trail.ErrDamaged):
		return hinted(err, "trailgate trail verify says where; keep journal/ and events/ as evidence, and start on a new data directory")
	case errors.Is(err, config.ErrPlainAPI):
		return hinted(err, "api.certificate and api.key name the PEM files of a certificate; or let it listen on 127.0.0.1 alone")
	case errors.Is(err, os.ErrNotExist):
		return hinted(err, "trailgate init --admin NAME --key KEY.pub makes a data directory")
	case err != nil:
		return err
	}
	return a.Run(ctx)
}

func (sh *shell) config() *cobra.Command {
	var origin bool
	show := &cobra.Command{Use: "show", Short: "Show the settings in force", Args: cobra.NoArgs,
		Long: "Show the settings in force: flag over environment over file over default.\n\n  trailgate config show --origin",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, origins, err := sh.settings()
			if err != nil {
				return err
			}
			var rows [][]any
			for _, k := range config.Keys() {
				row := []any{k.Name, cfg.Value(k.Name)}
				if origin {
					row = append(row, origins[k.Name])
				}
				rows = append(rows, row)
			}
			// The receivers of notify and the forwarders are in the file only.
			for _, name := range slices.Sorted(maps.Keys(cfg.Notify)) {
				row := []any{"notify." + name + ".webhook", webhookText(cfg.Notify[name].Webhook)}
				if origin {
					row = append(row, origins["notify."+name])
				}
				rows = append(rows, row)
			}
			for _, f := range cfg.Forwarders {
				to := f.To
				if f.SecretFile != "" {
					to = webhookText(to)
				}
				row := []any{"forwarders." + f.Name + ".to", to}
				if origin {
					row = append(row, origins["forwarders."+f.Name])
				}
				rows = append(rows, row)
			}
			names := []string{"setting", "value"}
			if origin {
				names = append(names, "origin")
			}
			return sh.print(cols(names...), rows, "")
		}}
	show.Flags().BoolVar(&origin, "origin", false, "say where each value comes from")
	return group("config", "The settings", show)
}

// webhookText is a receiver's URL without what may be a token in its query.
func webhookText(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "REDACTED"
	}
	if u.RawQuery != "" {
		u.RawQuery = "REDACTED"
	}
	return u.String()
}

func (sh *shell) doctor() *cobra.Command {
	return &cobra.Command{Use: "doctor", Short: "Check this installation and say what is wrong", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			problems := 0
			var rows [][]any
			tell := func(verdict, what, advice string) {
				if sh.output != "" && sh.output != "table" && sh.output != "tsv" {
					rows = append(rows, []any{verdict, what, advice})
					return
				}
				fmt.Fprintf(sh.out, "%-6s %s\n", verdict, what)
				if advice != "" {
					fmt.Fprintln(sh.out, "       hint:", advice)
				}
			}
			say := func(ok bool, what, advice string) {
				if ok {
					tell("ok", what, "")
					return
				}
				problems++
				tell("WRONG", what, advice)
			}
			for _, check := range app.Doctor(cmd.Context(), cfg) {
				say(check.OK, check.What, check.Hint)
			}
			c := client.New(cfg.DataDir)
			switch st, err := c.Status(cmd.Context()); {
			case errors.Is(err, client.ErrNoServer):
				tell("note", "no server is running on "+cfg.DataDir, "")
			case err != nil:
				say(false, "the server does not answer: "+err.Error(), "look at its log")
			default:
				say(st.TrailFault == "", strings.TrimSpace("the trail takes events "+st.TrailFault), "free the disk under "+filepath.Join(cfg.DataDir, "journal"))
				say(st.TrailSeq-st.QueriedSeq < 10_000, fmt.Sprintf("queries are %d events behind the trail", st.TrailSeq-st.QueriedSeq), "the machine may be too small")
				deliveries(cmd.Context(), c, say, tell)
			}
			if rows != nil {
				if err := sh.print(cols("verdict", "check", "hint"), rows, ""); err != nil {
					return err
				}
			}
			if problems > 0 {
				return found(fmt.Errorf("%d of the checks failed", problems))
			}
			return nil
		}}
}

// deliveries says whether what leaves a running server arrives: log files,
// digests, anchors, and what forwarders send.
func deliveries(ctx context.Context, c *client.Client, say func(ok bool, what, advice string), tell func(verdict, what, advice string)) {
	l, err := c.LogFiles(ctx)
	if err != nil {
		say(false, "the server does not say what it has delivered: "+err.Error(), "look at its log")
		return
	}
	fault := func(what, err string) {
		if err != "" {
			say(false, what+": "+err, "it is tried again; trailgate trail status says how far delivery is")
		}
	}
	fault("log files are not delivered", l.LatestDeliveryError)
	fault("digests are not delivered", l.LatestDigestDeliveryError)
	for _, a := range l.Anchors {
		if a.Error == "" {
			say(true, "anchors go to "+a.Place, "")
		}
		fault("anchors do not arrive in "+a.Place, a.Error)
	}
	if len(l.Anchors) == 0 {
		tell("note", "no anchors are kept outside: who has the whole disk can put it back unnoticed", "the setting anchors names places")
	}
	all, err := c.Forwarders(ctx)
	if err != nil {
		say(false, "the server does not say how its forwarders are: "+err.Error(), "look at its log")
	}
	for _, f := range all {
		if !f.Failing.IsZero() {
			say(false, fmt.Sprintf("forwarder %s takes nothing since %s: %s", f.Name, f.Failing.UTC().Format(time.RFC3339), f.LastError), "its events wait; trailgate forwarder status says how many")
		}
	}
}
