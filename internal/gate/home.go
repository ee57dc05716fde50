package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// home answers `ssh gate`, where no target is named: a few words that the gate
// itself understands. Nothing runs; no session begins.

// exitUsage is EX_USAGE: a target was to be named.
const exitUsage = 64

// home serves one channel of a connection without a target.
func (c *conn) home(ctx context.Context, in *wire.Incoming) {
	if _, ok := in.Open().(inspect.OpenSession); !ok {
		in.Reject(wire.Prohibited, "name a target: ssh login+target@gate")
		return
	}
	ch, err := in.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	ctx, cancel := context.WithTimeout(ctx, refuseTime)
	defer cancel()
	// A client that takes nothing off its hands loses its connection.
	defer context.AfterFunc(ctx, func() { c.w.Close() })()
	newline := "\n"
	for {
		req, err := ch.Receive(ctx)
		if err != nil {
			return
		}
		m, err := req.Message()
		if err != nil || !inspect.Starts(m) {
			_, pty := m.(inspect.Pty)
			if pty {
				newline = "\r\n"
			}
			req.Reply(pty)
			continue
		}
		if _, ok := m.(inspect.Subsystem); ok {
			req.Reply(true)
			relay.Say(ch, "name a target: ssh login+target@gate")
			return
		}
		text, status, err := c.answer(ctx, m)
		req.Reply(true)
		if err != nil {
			relay.Say(ch, err.Error())
			return
		}
		stream := wire.Stdout
		if status != 0 {
			stream = wire.Stderr
		}
		ch.Write(stream, []byte(strings.ReplaceAll(text, "\n", newline)))
		ch.Send(inspect.ExitStatus{Status: uint32(status)})
		ch.CloseWrite()
		return
	}
}

// answer is what the gate says to a shell or a command, recorded first.
func (c *conn) answer(ctx context.Context, m inspect.Message) (text string, status int, err error) {
	word := ""
	var e event.Event = event.StartShell{}
	if x, ok := m.(inspect.Exec); ok {
		word = strings.TrimSpace(x.Command)
		e = event.ExecuteCommand{Command: clean(x.Command, maxCommand)}
	}
	meta := c.meta()
	switch word {
	case "whoami", "targets", "help", "":
	default:
		meta.ErrorCode, meta.ErrorMessage = event.InvalidName, "not a word of the gate"
	}
	if _, err := c.g.append(ctx, meta, e); err != nil {
		return "", 0, err
	}
	switch word {
	case "whoami":
		return c.whoami(), 0, nil
	case "targets":
		return c.targets(ctx), 0, nil
	case "help":
		return usage, 0, nil
	case "":
		return usage + "\n" + c.targets(ctx), exitUsage, nil
	}
	return fmt.Sprintf("error: %q is not a word of the gate\n%s", clean(word, maxName), usage), exitUsage, nil
}

const usage = `Name a target:
  ssh login+target@gate
  ssh -J gate login@target.domain
Words: whoami, targets, help
`

func (c *conn) whoami() string {
	id := c.identity()
	roles := "none"
	if r := id.Roles(); len(r) > 0 {
		roles = strings.Join(r, ", ")
	}
	mfa := "not proven"
	if id.MFA() {
		mfa = "proven"
	}
	return fmt.Sprintf("identity       %s\narn            %s\nroles          %s\nkey            %s\nsecond factor  %s\n",
		id.Name(), id.ARN(), roles, id.Fingerprint(), mfa)
}

// usualLogins are tried beside the person's own and those of earlier sessions,
// since policies cannot be asked which logins there are.
var usualLogins = []string{"root", "admin", "deploy", "ubuntu", "debian", "ec2-user"}

// maxListed bounds how many targets are asked about for one list.
const maxListed = 500

// targets lists what this person may reach now, with a second factor where
// one is needed.
func (c *conn) targets(ctx context.Context) string {
	id, _, err := c.fresh(ctx)
	if err != nil {
		return ""
	}
	logins := append([]string{id.Name(), c.w.Peer().User}, usualLogins...)
	var rows []state.Target
	err = c.g.Store.View(ctx, func(tx state.Tx) error {
		sessions, err := tx.Sessions().List()
		if err != nil {
			return err
		}
		for _, s := range sessions {
			if s.Identity == id.Name() {
				logins = append(logins, s.Login)
			}
		}
		rows, err = tx.Targets().List()
		return err
	})
	if err != nil {
		c.g.Log.Error("state failed", "conn", c.id, "err", err)
		return "The targets could not be read.\n"
	}
	slices.Sort(logins)
	logins = slices.DeleteFunc(slices.Compact(logins), func(l string) bool { return !authn.ValidLogin(l) })
	var b strings.Builder
	book := c.g.Rules.Book()
	more := max(len(rows)-maxListed, 0)
	for _, row := range rows[:len(rows)-more] {
		for _, login := range logins {
			r := c.request(id, policy.Connect, row)
			r.Login = login
			switch d := policy.Decide(book, r); {
			case d.Allowed:
				fmt.Fprintf(&b, "  %s\n", authn.FormatUser(login, row.Name))
			case d.NeedsMFA:
				fmt.Fprintf(&b, "  %s (second factor)\n", authn.FormatUser(login, row.Name))
			}
		}
	}
	if b.Len() == 0 {
		return "No target may be reached as any of: " + strings.Join(logins, ", ") + "\n"
	}
	if more > 0 {
		fmt.Fprintf(&b, "and of %d more, those that policy lets you\n", more)
	}
	return "Targets you may reach:\n" + b.String()
}
