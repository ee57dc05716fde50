package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/suggest"
)

func (sh *shell) lock() *cobra.Command {
	n := noun[policy.Lock]{"lock", "locks", (*client.Client).Locks, cols("id", "effect", "matches", "reason", "by", "created:timestamp", "expires:timestamp"),
		func(l policy.Lock) []any {
			var expires any
			if !l.Expires.IsZero() {
				expires = l.Expires
			}
			return []any{l.ID, string(l.Effect), matchText(l.Match), l.Reason, l.By, l.Created, expires}
		}, []string{"id", "effect", "matches", "expires", "reason"}}
	var l policy.Lock
	var effect, source string
	var last time.Duration
	create := &cobra.Command{Use: "create", Short: "Put a lock in force; it ends the sessions it matches", Args: cobra.NoArgs,
		Long: "Put a lock in force. What is given must all match; at least one must be given.\n\n" +
			"  trailgate lock create --identity bob --reason \"laptop stolen\"\n" +
			"  trailgate lock create --identity bob --effect require_mfa --for 24h --reason \"until enrolled\"\n" +
			"  trailgate lock create --source 192.0.2.0/24 --effect throttle --for 1h --reason scanning",
		RunE: func(cmd *cobra.Command, args []string) error {
			l.Effect = policy.Effect(effect)
			if source != "" {
				prefix, err := parseSource(source)
				if err != nil {
					return err
				}
				l.Match.Source = prefix
			}
			if last > 0 {
				l.Expires = time.Now().Add(last)
			}
			return sh.server(func(c *client.Client) error {
				made, err := c.CreateLock(cmd.Context(), l)
				if err != nil {
					return err
				}
				sh.done("trailgate lock delete "+made.ID+" undoes it", "%s lock on %s", made.Effect, matchText(made.Match))
				_, err = fmt.Fprintln(sh.out, made.ID)
				return err
			})
		}}
	f := create.Flags()
	f.StringVar(&effect, "effect", string(policy.Deny), "deny, require_mfa or throttle (throttle is by source)")
	f.StringVar(&l.Match.Identity, "identity", "", "an identity's name or ARN")
	f.StringVar(&l.Match.Role, "role", "", "a role")
	f.StringVar(&source, "source", "", "an address, or a network such as 192.0.2.0/24")
	f.StringVar(&l.Match.Target, "target", "", "a target")
	f.StringVar(&l.Match.Login, "login", "", "an account on targets")
	f.StringVar(&l.Match.Fingerprint, "key", "", "a key's fingerprint")
	f.StringVar(&l.Reason, "reason", "", "what the person it ends reads")
	f.DurationVar(&last, "for", 0, "how long it is in force (default: until it is deleted)")
	create.MarkFlagRequired("reason")
	return group("lock", "Rules in force on what they match, until they expire or are deleted", n.listCommand(sh), n.showCommand(sh), create, n.deleteCommand(sh, ""))
}

func parseSource(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, misused("such as 192.0.2.10 or 192.0.2.0/24", "source %q is neither an address nor a network", s)
	}
	return p.Masked(), nil
}

func matchText(m policy.Match) string {
	var parts []string
	for _, p := range [][2]string{{"identity", m.Identity}, {"role", m.Role}, {"target", m.Target}, {"login", m.Login}, {"key", m.Fingerprint}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if m.Source.IsValid() {
		parts = append(parts, "source="+m.Source.String())
	}
	return strings.Join(parts, " ")
}

func (sh *shell) session() *cobra.Command {
	n := noun[state.Session]{"session", "sessions", (*client.Client).Sessions,
		cols("id", "identity", "login", "target", "mfa:boolean", "source", "started:timestamp", "ended:timestamp", "cause"),
		func(s state.Session) []any {
			var ended any
			if !s.Ended.IsZero() {
				ended = s.Ended
			}
			return []any{s.ID, s.Identity, s.Login, s.Target, s.MFA, s.Source, s.Started, ended, s.Cause}
		}, []string{"id", "identity", "login", "target", "mfa", "source", "started"}}
	var all bool
	list := &cobra.Command{Use: "list", Short: "List the live sessions", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all {
				n.shown = append(n.shown, "cause")
			} else {
				n.plural = "live sessions; --all shows the ended ones"
			}
			return n.list(sh, func(s state.Session) bool { return all || s.Ended.IsZero() })(cmd, args)
		}}
	list.Flags().BoolVar(&all, "all", false, "ended ones too")
	var message string
	terminate := &cobra.Command{Use: "terminate SESSION", Short: "End a live session", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if _, err := c.Sessions(cmd.Context(), args[0]); err != nil {
					return err
				}
				if err := c.Terminate(cmd.Context(), args[0], message); err != nil {
					return err
				}
				sh.done("trailgate lock create --identity NAME keeps somebody out", "ended session %s", args[0])
				return nil
			})
		}}
	terminate.Flags().StringVar(&message, "message", "ended by an administrator", "what the person reads")
	return group("session", "Who is on which target", list, n.showCommand(sh), terminate)
}

func (sh *shell) why() *cobra.Command {
	var in rest.WhyRequest
	var action, at string
	c := &cobra.Command{Use: "why IDENTITY [LOGIN@TARGET]", Short: "Explain a decision, down to the condition that failed", Args: cobra.RangeArgs(1, 2),
		Long: "Explain what policy and locks say, and why. Exits 4 when the answer is a denial.\n\n" +
			"  trailgate why alice ec2-user@web1\n  trailgate why alice root@db1 --mfa --action Exec --at 2026-11-20T09:00:00Z\n  trailgate why auditor --action ReadTrail",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in.Identity, in.Action = args[0], policy.Action(action)
			switch {
			case !slices.Contains(policy.Actions, in.Action):
				var all []string
				for _, a := range policy.Actions {
					all = append(all, string(a))
				}
				return misused("one of: "+strings.Join(all, ", "), "unknown action %q%s", action, suggest.DidYouMean(action, all))
			case in.Action.OnTrail() && len(args) > 1:
				return misused("trailgate why "+args[0]+" --action "+action, "%s is about the trail and no target", action)
			case !in.Action.OnTrail() && len(args) == 1:
				return misused("such as trailgate why "+args[0]+" ec2-user@web1", "%s needs LOGIN@TARGET", action)
			case len(args) == 2:
				if in.Login, in.Target, err = authn.ParseUser(args[1]); err != nil {
					return misused("such as ec2-user@web1", "%q is not LOGIN@TARGET", args[1])
				}
			}
			if at != "" {
				if in.Time, err = time.Parse(time.RFC3339, at); err != nil {
					return misused("such as 2026-11-20T09:00:00Z", "--at %q is not a time", at)
				}
			}
			return sh.server(func(c *client.Client) error {
				out, err := c.Why(cmd.Context(), in)
				if err != nil {
					return err
				}
				denied := func() error {
					if out.Allowed {
						return nil
					}
					return &failure{code: exitDenied}
				}
				if !sh.prose() {
					columns := cols("identity", "login", "target", "action", "allowed:boolean", "reason", "policies:json", "needsMfa:boolean", "explain:json")
					row := []any{in.Identity, orNull(in.Login), orNull(in.Target), string(in.Action), out.Allowed, out.Reason, list(out.Policies), out.NeedsMFA, list(out.Explain)}
					return cmp.Or(sh.print(columns, [][]any{row}, ""), denied())
				}
				verdict := "denied"
				if out.Allowed {
					verdict = "allowed"
				}
				fmt.Fprintf(sh.out, "%s: %s\n", verdict, out.Reason)
				for _, line := range out.Explain {
					if strings.HasSuffix(line, out.Reason) && strings.HasPrefix(line, verdict) {
						continue // said above
					}
					fmt.Fprintln(sh.out, "  "+line)
				}
				return denied()
			})
		}}
	f := c.Flags()
	f.StringVar(&action, "action", string(policy.Connect), "Connect, Shell, Exec, Subsystem, Tunnel, ForwardAgent, ForwardX11; ReadTrail, ReadOwnEvents, ReadLogFiles, PutAuditEvents")
	f.BoolVar(&in.MFA, "mfa", false, "with a second factor")
	f.StringVar(&in.Source, "source", "", "from this address")
	f.StringVar(&at, "at", "", "at this time (default: now)")
	return c
}

// authorities loads the certificate authorities of the data directory.
func (sh *shell) authorities() (config.Config, *ca.CA, error) {
	cfg, _, err := sh.settings()
	if err != nil {
		return cfg, nil, err
	}
	keys, err := ca.Load(filepath.Join(cfg.DataDir, "ca"))
	if err != nil {
		return cfg, nil, hinted(err, "trailgate init makes the keys")
	}
	return cfg, keys, nil
}

func (sh *shell) ca() *cobra.Command {
	var line bool
	show := &cobra.Command{Use: "show user|host|digest", Short: "Print what targets (user), clients (host) or auditors (digest) must trust", Args: cobra.ExactArgs(1), ValidArgs: []string{"user", "host", "digest"},
		Long: "Print what targets (user), clients (host) or auditors (digest) must trust.\n\n  trailgate ca show user\n  trailgate ca show host --line >> ~/.ssh/known_hosts.trailgate\n  trailgate ca show digest > digest.pem",
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "digest" {
				return sh.showDigestKeys(line)
			}
			cfg, keys, err := sh.authorities()
			if err != nil {
				return err
			}
			switch {
			case args[0] == "user" && line:
				fmt.Fprintln(sh.out, keys.UserLine())
			case args[0] == "user":
				fmt.Fprintf(sh.out, "# On each target, as root. Put this line into /etc/ssh/trailgate_user_ca.pub:\n%s\n\n# and this into /etc/ssh/sshd_config, then reload sshd. A certificate's principal is the login,\n# so nothing else is needed: ec2-user is let in as ec2-user.\n%s", keys.UserLine(), keys.SshdSnippet(""))
			case args[0] == "host" && line:
				fmt.Fprintln(sh.out, keys.HostLine(cfg.Gate.Domain, gateNames(cfg)...))
			case args[0] == "host":
				fmt.Fprintf(sh.out, "# Clients trust the gate, and every target behind it, with this line in known_hosts.\n# The gate's own key is %s\n%s\n", keys.GateFingerprint(), keys.HostLine(cfg.Gate.Domain, gateNames(cfg)...))
			default:
				return misused("user, host or digest", "there is no %q CA", args[0])
			}
			return nil
		}}
	show.Flags().BoolVar(&line, "line", false, "the line alone, for a script; of digest, the fingerprints")
	return group("ca", "The certificate authorities", show, sh.rotateCA())
}

func (sh *shell) sshConfig() *cobra.Command {
	var address, login string
	var check bool
	c := &cobra.Command{Use: "ssh-config", Short: "Print what a person adds to ~/.ssh/config and known_hosts", Args: cobra.NoArgs,
		Long: "Print what a person adds to ~/.ssh/config and known_hosts to reach targets through this gate.\n\n" +
			"  trailgate ssh-config --address gate.example.com:2222\n  trailgate ssh-config --check",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, keys, err := sh.authorities()
			if err != nil {
				return err
			}
			host, port, err := gateAddress(cfg, address)
			if err != nil {
				return err
			}
			if check {
				return sh.checkSSHConfig(cmd, cfg.Gate.Domain, host, port)
			}
			fmt.Fprintf(sh.out, `# Trailgate. Put this into ~/.ssh/config.d/trailgate.conf, and "Include config.d/*.conf" into ~/.ssh/config.
Host gate
  HostName %[1]s
  Port %[2]s
  HostKeyAlias gate
  UserKnownHostsFile ~/.ssh/known_hosts ~/.ssh/known_hosts.trailgate
  ControlMaster auto
  ControlPath ~/.ssh/cm-%%C
  ControlPersist 10m
Host *.%[3]s
  ProxyJump gate
  UserKnownHostsFile ~/.ssh/known_hosts ~/.ssh/known_hosts.trailgate

# And this line into ~/.ssh/known_hosts.trailgate:
# %[4]s

# Then: ssh %[5]s@TARGET.%[3]s
# Where a client knows no jump: ssh %[5]s+TARGET@gate
`, host, port, cfg.Gate.Domain, keys.HostLine(cfg.Gate.Domain, gateNames(cfg)...), login)
			return nil
		}}
	c.Flags().StringVar(&address, "address", "", "how clients reach the gate, HOST:PORT (default: gate.listen)")
	c.Flags().StringVar(&login, "login", "ec2-user", "the login in the examples")
	c.Flags().BoolVar(&check, "check", false, "say what is missing in your ssh's own configuration; exits 3 when something is")
	return c
}

// checkSSHConfig asks the real ssh what it would do (ssh -G).
func (sh *shell) checkSSHConfig(cmd *cobra.Command, domain, host, port string) error {
	var missing []string
	ask := func(dest string) map[string]string {
		out, err := exec.CommandContext(cmd.Context(), "ssh", "-G", dest).Output()
		got := map[string]string{}
		if err != nil {
			missing = append(missing, "ssh -G "+dest+" fails: is an OpenSSH client installed?")
		}
		for line := range strings.Lines(string(out)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
			got[k] = v
		}
		return got
	}
	gate, target := ask("gate"), ask("target."+domain)
	if gate["hostname"] != host || gate["port"] != port {
		missing = append(missing, fmt.Sprintf("Host gate: ssh would go to %s port %s, want %s port %s", gate["hostname"], gate["port"], host, port))
	}
	if !strings.HasSuffix(target["proxyjump"], "gate") {
		missing = append(missing, "Host *."+domain+": no ProxyJump gate")
	}
	trusted := false
	for _, f := range strings.Fields(target["userknownhostsfile"]) {
		if home, err := os.UserHomeDir(); err == nil {
			f = strings.Replace(f, "~", home, 1)
		}
		text, err := os.ReadFile(f)
		trusted = trusted || err == nil && strings.Contains(string(text), "@cert-authority *."+domain)
	}
	if !trusted {
		missing = append(missing, "known_hosts: no @cert-authority line for *."+domain)
	}
	for _, m := range missing {
		fmt.Fprintln(sh.out, m)
	}
	if len(missing) > 0 {
		return &failure{exitFound, errors.New("your ssh is not ready for the gate"), "trailgate ssh-config prints what is missing"}
	}
	sh.done("ssh LOGIN@TARGET."+domain, "your ssh knows the gate")
	return nil
}
