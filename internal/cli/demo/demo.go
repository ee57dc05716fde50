// Package demo shows all of Trailgate at work on one machine: it starts a gate
// and two targets on loopback, lets players use the real ssh through them,
// plays the article's two incidents, and holds the trail against the players'
// ledger.
package demo

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/trail"
)

// Options of the demo.
type Options struct {
	Dir     string // made by the demo, and removed when it ends; "" for trailgate-demo or, where that cannot be, a temporary one
	Once    bool   // end after the play
	Without string // a runbook to leave disabled, to see the demo notice
	Version string
	Out     io.Writer // the story
	Log     *slog.Logger
}

// Differs is a demo that ran to its end and found something that is not as the
// players' ledger says.
type Differs struct{ What []string }

func (d *Differs) Error() string {
	if len(d.What) == 1 {
		return "one thing differs from the players' ledger"
	}
	return fmt.Sprintf("%d things differ from the players' ledger", len(d.What))
}

// accountID is one of AWS's documentation accounts.
const accountID = "111122223333"

// A demo is shorter than the five minutes and the hour of an installation.
const (
	logFileEvery = 5 * time.Second
	digestEvery  = 15 * time.Second
)

// policies of the demo: who may do what.
const policies = `// Operators reach everything, with a second factor.
permit (principal in Role::"ops", action, resource)
when { context.mfa };

// Developers reach staging as deploy, with or without one: that is the gap the
// runbook session-without-mfa closes.
permit (principal in Role::"dev", action, resource)
when { resource has env && resource.env == "staging" && context.login == "deploy" };

// The auditor reads the trail and its log files, with AWS's own tools.
permit (principal == Identity::"auditor", action in [Action::"ReadTrail", Action::"ReadLogFiles"], resource);
`

// demo is a running demonstration.
type demo struct {
	o       Options
	cfg     config.Config
	client  *client.Client
	targets []*target
	port    string
	api     string // URL of the CloudTrail API
	play    *play
}

// Run runs the demo until the play is over (Once) or ctx ends. What it shows
// goes to o.Out.
func Run(ctx context.Context, o Options) (err error) {
	if _, err := exec.LookPath("ssh"); err != nil {
		return fmt.Errorf("the demo needs the ssh client: apt-get install openssh-client")
	}
	if o.Dir, err = makeDir(ctx, o.Dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()

	d := &demo{o: o}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1+2) // the server and the targets; each sends once
	running, err := d.start(ctx, ended)
	defer func() {
		cancel(nil)
		for range running {
			if e := <-ended; e != nil && !errors.Is(e, context.Canceled) {
				err = errors.Join(err, e)
			}
		}
	}()
	if err != nil {
		return err
	}
	if err := d.people(ctx); err != nil {
		return err
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	if o.Once {
		return nil
	}
	d.next()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		running--
		return err
	}
}

// Unsuitable is a directory that the demo cannot use, and what to do.
type Unsuitable struct{ What, Hint string }

func (u *Unsuitable) Error() string { return u.What }

// makeDir makes the demo's directory.
func makeDir(ctx context.Context, given string) (string, error) {
	dir, err := filepath.Abs(cmp.Or(given, "trailgate-demo"))
	if err != nil {
		return "", fmt.Errorf("find the demo's directory: %w", err)
	}
	// ssh -J takes no white space in the name of its configuration, and the name
	// of a Unix socket fits into 108 bytes.
	fits := !strings.ContainsAny(dir, " \t\n\"'\\%$") && len(dir) <= 80
	if !fits && given != "" {
		return "", &Unsuitable{"the demo cannot work in " + dir, "--dir wants a short path without white space"}
	}
	if fits {
		err = os.Mkdir(dir, 0o700)
		switch {
		case err == nil:
			return dir, nil
		case errors.Is(err, os.ErrExist):
			if _, err := client.New(filepath.Join(dir, "data")).Status(ctx); err == nil {
				return "", &Unsuitable{"a demo is running in " + dir, "use that one, end it with Ctrl-C, or choose another place with --dir"}
			}
			return "", &Unsuitable{dir + " exists, and no demo is running there", "if a demo left it: rm -r " + dir + "; otherwise choose another place with --dir"}
		case given != "":
			return "", fmt.Errorf("make the demo's directory: %w", err)
		}
	}
	if dir, err = os.MkdirTemp("", "trailgate-demo-"); err != nil {
		return "", fmt.Errorf("make the demo's directory: %w", err)
	}
	return dir, nil
}

// step prints one thing that is ready.
func (d *demo) step(format string, args ...any) {
	fmt.Fprintf(d.o.Out, "✔ "+format+"\n", args...)
}

// start makes the installation, its history and its targets, and runs them.
func (d *demo) start(ctx context.Context, ended chan<- error) (running int, err error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	d.port = port
	d.cfg = config.Default()
	d.cfg.DataDir = filepath.Join(d.o.Dir, "data")
	d.cfg.AccountID = accountID
	d.cfg.Gate.Listen = net.JoinHostPort("127.0.0.1", port)
	d.cfg.API.Listen = "127.0.0.1:0"
	d.cfg.Trail.LogFileEvery, d.cfg.Trail.DigestEvery = logFileEvery, digestEvery
	admin, err := d.keyPair("admin")
	if err != nil {
		return 0, err
	}
	if _, err := app.Init(ctx, d.cfg, app.FirstAdmin{Name: "admin", PublicKey: admin}); err != nil {
		return 0, err
	}
	d.step("certificate authorities, host key and admin in %s", d.o.Dir)

	records := history(app.OriginOf(d.cfg), time.Now())
	n, err := trail.WriteHistory(d.cfg.DataDir, "demo", func(yield func(event.Entry) bool) {
		for _, r := range records {
			b, err := json.Marshal(r)
			if err != nil || !yield(event.Entry{AppendTime: r.EventTime.Time, JSON: b}) {
				return
			}
		}
	})
	if err != nil {
		return 0, err
	}
	d.step("%d days of history: %d events, marked, in a partition of their own", seedDays, n)

	keys, err := ca.Load(filepath.Join(d.cfg.DataDir, "ca"))
	if err != nil {
		return 0, err
	}
	for _, name := range []string{"web1", "db1"} {
		home := filepath.Join(d.o.Dir, "targets", name)
		if err := os.MkdirAll(home, 0o700); err != nil {
			return running, fmt.Errorf("make the home of target %q: %w", name, err)
		}
		t, err := newTarget(name, home, keys.UserLine())
		if err != nil {
			return running, err
		}
		d.targets = append(d.targets, t)
		running++
		go func() { ended <- t.Run(ctx) }()
	}
	if err := os.WriteFile(filepath.Join(d.o.Dir, "known_hosts"), []byte(keys.HostLine(d.cfg.Gate.Domain, "gate")+"\n"), 0o600); err != nil {
		return running, fmt.Errorf("write known_hosts: %w", err)
	}
	a, err := app.New(ctx, d.cfg, app.Options{Version: d.o.Version, Log: d.o.Log})
	if err != nil {
		return running, err
	}
	running++
	go func() { ended <- a.Run(ctx) }()
	d.client = client.New(d.cfg.DataDir)
	d.step("targets web1 and db1: real SSH servers, your own shell in a scratch home")
	d.step("gate on 127.0.0.1:%s, and the CloudTrail API for an auditor", port)
	return running, nil
}

// people makes the identities, policies and targets, enables the runbooks, and
// gives each player a key and an ssh_config.
func (d *demo) people(ctx context.Context) error {
	resources := []manifest.Resource{{Kind: manifest.Policy, Name: "demo", Text: policies}, {Kind: manifest.Identity, Name: "auditor"}}
	labels := map[string]map[string]string{"web1": {"env": "staging"}, "db1": {"env": "prod"}}
	for _, t := range d.targets {
		resources = append(resources, manifest.Resource{Kind: manifest.Target, Name: t.name, Address: t.address(),
			HostKeys: []string{strings.TrimSpace(t.hostKeyLine())}, Labels: labels[t.name]})
	}
	roles := map[string][]string{"ops": {"ana"}, "dev": {"bob"}}
	for role, members := range roles {
		resources = append(resources, manifest.Resource{Kind: manifest.Role, Name: role, Members: members})
	}
	d.play = &play{out: d.o.Out, query: d.query}
	for name, at := range map[string]struct {
		to     **player
		source string
	}{"mallory": {&d.play.mallory, "127.0.0.2"}, "bob": {&d.play.bob, "127.0.0.3"}, "ana": {&d.play.ana, "127.0.0.4"}, "eve": {&d.play.eve, "127.0.0.5"}} {
		public, err := d.keyPair(name)
		if err != nil {
			return err
		}
		if name != "eve" { // nobody knows her key
			resources = append(resources, manifest.Resource{Kind: manifest.Identity, Name: name}, manifest.Resource{Kind: manifest.Key, Identity: name, PublicKey: public})
		}
		*at.to = &player{name: name, source: at.source, dir: d.o.Dir}
		if err := d.sshConfig(name, at.source); err != nil {
			return err
		}
	}
	if _, err := d.client.Apply(ctx, rest.ApplyRequest{Resources: resources}); err != nil {
		return fmt.Errorf("make the demo's people: %w", err)
	}
	askpass := "#!/bin/sh\necho \"$TRAILGATE_DEMO_CODE\"\n"
	if err := os.WriteFile(filepath.Join(d.o.Dir, "askpass"), []byte(askpass), 0o700); err != nil {
		return fmt.Errorf("write askpass: %w", err)
	}
	if err := d.enrol(ctx, d.play.ana); err != nil {
		return err
	}
	node, err := d.client.Status(ctx)
	if err != nil {
		return fmt.Errorf("ask where the API is: %w", err)
	}
	d.api = node.API
	for _, id := range []string{"denied-surge", "session-without-mfa", "failed-login-surge"} {
		if id == d.o.Without {
			continue
		}
		if err := d.client.EnableRunbook(ctx, id, "enforce", nil); err != nil {
			return fmt.Errorf("enable runbook %s: %w", id, err)
		}
	}
	if d.o.Without != "" {
		if err := d.client.DisableRunbook(ctx, d.o.Without); err != nil {
			return fmt.Errorf("disable runbook %s: %w", d.o.Without, err)
		}
	}
	d.step("ana (operator, key and code), bob (developer, key alone), mallory (a key, and no rights), eve (no key we know)")
	d.step("runbooks denied-surge, session-without-mfa and failed-login-surge, in mode enforce")
	return nil
}

// enrol gives a player a second factor.
func (d *demo) enrol(ctx context.Context, p *player) error {
	uri, err := d.client.EnrolMFA(ctx, p.name)
	if err != nil {
		return fmt.Errorf("enrol %s: %w", p.name, err)
	}
	u, err := url.Parse(uri)
	if err != nil {
		return fmt.Errorf("read %s's device: %w", p.name, err)
	}
	p.secret = u.Query().Get("secret")
	if err := os.WriteFile(filepath.Join(d.o.Dir, p.name, "totp"), []byte(p.secret+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep %s's device: %w", p.name, err)
	}
	return nil
}

// run plays, and holds the trail against the ledger.
func (d *demo) run(ctx context.Context) error {
	p := d.play
	if err := p.run(ctx); err != nil {
		return err
	}
	if p.bob.secret == "" && len(p.wrong) == 0 {
		if err := d.enrol(ctx, p.bob); err != nil {
			return err
		}
		if err := p.enrolled(ctx); err != nil {
			return err
		}
	}
	report, err := app.VerifyTrail(ctx, d.cfg, app.VerifyOptions{})
	if err != nil {
		return err
	}
	p.check(report.Intact, "trail verify found %d things wrong", len(report.Findings))
	if err := d.questions(ctx); err != nil {
		return err
	}
	fmt.Fprintln(d.o.Out, "\nHeld against the players' ledger:")
	if len(p.wrong) > 0 {
		for _, w := range p.wrong {
			fmt.Fprintln(d.o.Out, "✘", w)
		}
		return &Differs{p.wrong}
	}
	d.step("denied-surge throttled mallory's address, and nobody else's")
	d.step("session-without-mfa ended bob's session within a second; his next one needed a code")
	d.step("failed-login-surge throttled eve's address")
	d.step("ana's session with MFA lived on")
	d.step("both of the article's queries return exactly what the players saw")
	d.step("the trail is intact: %d events, head %.8s…", report.Events, report.Head)
	return nil
}

// questions are the article's, answered in SQL.
func (d *demo) questions(ctx context.Context) error {
	fmt.Fprintln(d.o.Out, "\nThe article's questions, in SQL:")
	for _, q := range []struct{ ask, statement string }{
		{"All SSH sessions of one IAM user", "SELECT eventTime, target, login, mfaAuthenticated FROM CloudTrailLogs WHERE eventName = 'StartSession' AND userIdentity.arn = 'arn:aws:iam::" + accountID + ":user/bob' ORDER BY eventTime DESC LIMIT 5"},
		{"SSH access denied by policy", "SELECT userName, sourceIPAddress, target, login, count(*) AS denials FROM CloudTrailLogs WHERE errorCode = 'AccessDenied' GROUP BY userName, sourceIPAddress, target, login ORDER BY denials DESC LIMIT 5"},
		{"Failed logins by source", "SELECT sourceIPAddress, count(*) AS failures FROM CloudTrailLogs WHERE eventName = 'Login' AND errorCode = 'AuthenticationFailed' GROUP BY sourceIPAddress ORDER BY failures DESC LIMIT 5"},
		{"Who reached more than one server in a day (lateral movement)", "SELECT userName, date_trunc('day', eventTime) AS day, count(DISTINCT target) AS targets FROM CloudTrailLogs WHERE eventName = 'StartSession' GROUP BY userName, date_trunc('day', eventTime) HAVING count(DISTINCT target) > 1 ORDER BY day DESC LIMIT 5"},
	} {
		answer, err := d.client.Query(ctx, rest.QueryRequest{Statement: q.statement})
		if err != nil {
			return fmt.Errorf("ask %q: %w", q.statement, err)
		}
		fmt.Fprintf(d.o.Out, "\n  %s\n  %s\n", q.ask, q.statement)
		for _, r := range answer.Rows {
			cells := make([]string, len(r))
			for i, c := range r {
				cells[i] = fmt.Sprint(c)
				if c == nil {
					cells[i] = "-"
				}
			}
			fmt.Fprintln(d.o.Out, "    "+strings.Join(cells, "  "))
		}
	}
	return nil
}

// next prints what to try while the demo runs. A test runs every line of it.
func (d *demo) next() {
	rel := d.o.Dir
	if wd, err := os.Getwd(); err == nil {
		if r, err := filepath.Rel(wd, d.o.Dir); err == nil && !strings.HasPrefix(r, "..") {
			rel = r
		}
	}
	self := "trailgate"
	if exe, err := os.Executable(); err == nil {
		if wd, err := os.Getwd(); err == nil {
			if r, err := filepath.Rel(wd, exe); err == nil && !strings.HasPrefix(r, "..") {
				self = r
			}
		}
	}
	fmt.Fprintf(d.o.Out, "\nThe demo keeps running; Ctrl-C ends it and removes %s. In another terminal, in this directory, try:\n\n", rel)
	suggestions := [][2]string{
		{"ssh -F " + rel + "/ana/ssh_config deploy@web1.tg", "a session of your own, recorded"},
		{self + " demo code ana --dir " + rel, "her code, should ssh ask for one"},
		{"ssh -F " + rel + "/mallory/ssh_config root+db1@gate", "refused, and told why"},
		{"export TRAILGATE_DATA_DIR=" + rel + "/data", "for the lines below"},
		{self + " why mallory root@db1", "the same, asked by an administrator"},
		{self + ` query "SELECT eventTime, eventName, userName, target FROM CloudTrailLogs ORDER BY seq DESC LIMIT 10"`, ""},
		{self + " session list --all", ""},
		{self + " recording list", "and: recording replay SESSION"},
		{self + " alarm list", ""},
		{self + " run list", "and: run show RUN"},
		{self + " key create --api --identity auditor >" + rel + "/aws", "a profile for AWS's own tools"},
	}
	if exec.Command("aws", "--version").Run() == nil {
		suggestions = append(suggestions, [2]string{"AWS_CONFIG_FILE=" + rel + "/aws aws --profile trailgate --endpoint-url " + d.api + " cloudtrail lookup-events --max-items 3", ""})
	}
	suggestions = append(suggestions, [2]string{self + " trail verify", ""})
	widest := 0
	for _, s := range suggestions {
		if s[1] != "" {
			widest = max(widest, len(s[0]))
		}
	}
	for _, s := range suggestions {
		if s[1] != "" {
			s[0] = fmt.Sprintf("%-*s  # %s", widest, s[0], s[1])
		}
		fmt.Fprintln(d.o.Out, "  "+s[0])
	}
}

// query asks the server, and gives rows by column name.
func (d *demo) query(ctx context.Context, statement string) ([]row, error) {
	out, err := d.client.Query(ctx, rest.QueryRequest{Statement: statement})
	if err != nil {
		return nil, err
	}
	rows := make([]row, len(out.Rows))
	for i, cells := range out.Rows {
		rows[i] = row{}
		for j, c := range cells {
			rows[i][out.Columns[j].Name] = c
		}
	}
	return rows, nil
}

// keyPair makes an ed25519 key pair in the player's folder and returns the
// public line.
func (d *demo) keyPair(name string) (string, error) {
	dir := filepath.Join(d.o.Dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", name, err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make the key of %s: %w", name, err)
	}
	block, err := ssh.MarshalPrivateKey(private, name)
	if err != nil {
		return "", fmt.Errorf("write the key of %s: %w", name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), pem.EncodeToMemory(block), 0o600); err != nil {
		return "", fmt.Errorf("write the key of %s: %w", name, err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("write the key of %s: %w", name, err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + name, nil
}

// sshConfig writes the player's own ssh_config: it touches nobody's ~/.ssh.
func (d *demo) sshConfig(name, source string) error {
	text := fmt.Sprintf(`# %[1]s's ssh in the Trailgate demo
Host *
  IdentityFile "%[2]s/%[1]s/key"
  IdentitiesOnly yes
  UserKnownHostsFile "%[2]s/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  LogLevel ERROR
Host gate
  HostName 127.0.0.1
  HostKeyAlias gate
  Port %[3]s
  BindAddress %[4]s
Host *.%[5]s
  ProxyJump %[1]s@gate
`, name, d.o.Dir, d.port, source, d.cfg.Gate.Domain)
	if err := os.WriteFile(filepath.Join(d.o.Dir, name, "ssh_config"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the ssh_config of %s: %w", name, err)
	}
	return nil
}

func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	return port, err
}
