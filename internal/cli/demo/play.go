package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// The article's two queries, to the letter.
const (
	DeniedQuery = `SELECT *
FROM CloudTrailLogs
WHERE eventName = 'AuthorizeSecurityGroupIngress'
AND errorCode = 'AccessDenied'
AND eventSource = 'ssh-proxy-service.yourdomain.com'
LIMIT 50`
	WithoutMFAQuery = `SELECT *
FROM CloudTrailLogs
WHERE additionalEventData != 'MFAAuthenticated=True'
AND eventSource LIKE '%ssh%'
LIMIT 100`
)

// denials is how often the intruder tries: more than denied-surge's threshold,
// fewer than the LIMIT of its query, so the query must return each.
const denials = 24

// row is one row of an answer, by column name.
type row map[string]any

func (r row) text(column string) string {
	if v, ok := r[column].(string); ok {
		return v
	}
	return ""
}

func (r row) time(column string) time.Time {
	switch v := r[column].(type) {
	case time.Time:
		return v
	case string:
		t, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			return time.Time{}
		}
		return t
	}
	return time.Time{}
}

// play is the two incidents of the article, the ledger of what the players did
// and saw, and what is held against it.
type play struct {
	query func(ctx context.Context, statement string) ([]row, error)
	out   io.Writer
	begin time.Time

	ana, bob, mallory, eve *player

	lines  []line   // of the timeline, not printed yet
	denied []string // event IDs of denials, as ssh printed them: what the first query must return
	ran    bool     // bob saw his command begin before his session ended
	wrong  []string // what differed from the ledger
}

// check notes a difference between the ledger and what Trailgate says.
func (p *play) check(ok bool, format string, args ...any) {
	if !ok {
		p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
	}
}

// line is one thing that happened, for the timeline.
type line struct {
	at   time.Time
	text string
}

// tell adds a line to the timeline.
func (p *play) tell(at time.Time, who, format string, args ...any) {
	p.lines = append(p.lines, line{at, fmt.Sprintf("%-8s %s", who, fmt.Sprintf(format, args...))})
}

// show prints the timeline so far, in the order in which things happened: the
// trail says when an alarm was raised, and is asked later.
func (p *play) show() {
	slices.SortStableFunc(p.lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range p.lines {
		fmt.Fprintf(p.out, "  %7.3fs  %s\n", l.at.Sub(p.begin).Seconds(), l.text)
	}
	p.lines = nil
}

// patience bounds the wait for anything that must come within a second, so a
// missing alarm ends the demo with an error and not with a hang.
const patience = 10 * time.Second

// run plays both incidents. It returns an error when the play could not go on;
// differences from the ledger are in p.wrong.
func (p *play) run(ctx context.Context) error {
	p.begin = time.Now()
	fmt.Fprintln(p.out, "\nThe play, as it happens (seconds since its start):")

	// ana works with a second factor, from beginning to end.
	stdin, hangUp := io.Pipe()
	defer hangUp.Close()
	ana, err := p.ana.start(ctx, stdin, "deploy@web1.tg", "echo ana is in; cat; echo ana is out")
	if err != nil {
		return err
	}
	if at, err := p.await(ctx, ana, "ana is in"); err != nil {
		return err
	} else {
		p.tell(at, "ana", "logs in to web1 with key and code, through the jump")
	}

	for _, incident := range []func(context.Context) error{p.surge, p.withoutMFA, p.guessing} {
		err := incident(ctx)
		p.show()
		if err != nil {
			return err
		}
	}

	select {
	case <-ana.done:
		d := ana.wait()
		p.check(false, "ana's session with MFA was ended: ssh exited %d saying %q", d.status, d.stderr)
	default:
	}
	hangUp.Close()
	d := ana.wait()
	p.check(d.status == 0 && strings.Contains(d.stdout, "ana is out"), "ana's session with MFA ended with status %d and %q, want 0 after she hung up", d.status, d.stderr)
	p.tell(d.ended, "ana", "hangs up; her session lived through all of it")
	p.show()
	return nil
}

func (p *play) await(ctx context.Context, r *running, text string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at, err := r.stdout.waitFor(ctx, text, r.done)
	if err != nil {
		return at, fmt.Errorf("%w; its stderr: %s", err, r.stderr.String())
	}
	return at, nil
}

// eventID is how a refusal names its event to the person it refuses.
var eventID = regexp.MustCompile(`event ([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})`)

// surge is the article's first scenario: one source is denied again and again.
func (p *play) surge(ctx context.Context) error {
	deeds := make([]deed, denials)
	failed := make([]error, denials)
	slots := make(chan struct{}, 4) // four clients at a time
	var wg sync.WaitGroup
	for i := range deeds {
		slots <- struct{}{}
		wg.Go(func() {
			deeds[i], failed[i] = p.mallory.ssh(ctx, "root+db1@gate", "id")
			<-slots
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	slices.SortFunc(deeds, func(a, b deed) int { return a.ended.Compare(b.ended) })
	var seen []string // event IDs that ssh printed: the ledger of denials
	for _, d := range deeds {
		if m := eventID.FindStringSubmatch(d.stderr); d.status == 254 && strings.Contains(d.stderr, "access denied") && m != nil {
			seen = append(seen, m[1])
			continue
		}
		// Once the alarm has acted, what is left of the surge is throttled.
		p.check(d.status == 255, "mallory's denied ssh exited %d saying %q, want 254 with the event's ID", d.status, d.stderr)
	}
	p.tell(deeds[0].ended, "mallory", "is denied root@db1 (policy), and tries again, and again")
	p.tell(deeds[len(deeds)-1].ended, "mallory", "has tried %d times from %s", len(deeds), p.mallory.source)

	alarm, err := p.wait(ctx, alarmOf("denied-surge", p.mallory.source))
	if err != nil {
		return err
	}
	if alarm == nil {
		p.check(false, "denied-surge raised no alarm for %d denials from %s", len(seen), p.mallory.source)
		return nil
	}
	p.tell(alarm.time("appendTime"), "ALARM", "denied-surge for %s", p.mallory.source)
	lock, err := p.wait(ctx, `SELECT appendTime, requestParameters FROM CloudTrailLogs WHERE eventName = 'CreateLock' AND requestParameters LIKE '%throttle%'`)
	if err != nil {
		return err
	}
	if lock == nil {
		p.check(false, "denied-surge's run throttled nobody")
		return nil
	}
	p.tell(lock.time("appendTime"), "lock", "%s is throttled, %v after the alarm", p.mallory.source, since(lock, alarm))

	// The next connection from that source is held back, another source's is not.
	next, err := p.mallory.ssh(ctx, "root+db1@gate", "id")
	if err != nil {
		return err
	}
	p.check(next.status == 255, "the throttled source's next ssh exited %d saying %q, want 255: refused before authentication", next.status, next.stderr)
	held, err := p.wait(ctx, `SELECT eventID, appendTime FROM CloudTrailLogs WHERE eventName = 'OpenConnection' AND errorCode = 'ThrottlingException' AND sourceIPAddress = '`+p.mallory.source+`' AND appendTime > TIMESTAMP '`+next.started.UTC().Format("2006-01-02 15:04:05.000000")+`'`)
	if err != nil {
		return err
	}
	p.check(held != nil, "the trail has no throttled OpenConnection of %s", p.mallory.source)
	p.tell(next.ended, "mallory", "tries once more and is held back before authentication")

	p.denied = append(p.denied, seen...)
	p.check(len(seen) >= 20, "mallory was denied %d times before the throttle, want at least the threshold of 20", len(seen))
	return nil
}

// withoutMFA is the article's second scenario: a session without a second
// factor.
func (p *play) withoutMFA(ctx context.Context) error {
	const command = "echo bob is in; sleep 30; echo bob is out"
	r, err := p.bob.start(ctx, nil, "deploy+web1@gate", command)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-r.done:
	case <-bounded.Done():
		p.check(false, "bob's session without MFA was not ended in %v", patience)
		r.cmd.Process.Kill()
	}
	d := r.wait()
	p.ran = strings.Contains(d.stdout, "bob is in")
	p.check(d.status == 254, "bob's ended ssh exited %d, want 254", d.status)
	p.check(strings.Contains(d.stderr, "MFA"), "bob's ssh said %q, want the reason that MFA is required", d.stderr)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}

	start, err := p.wait(ctx, `SELECT appendTime, sessionId FROM CloudTrailLogs WHERE eventName = 'StartSession' AND userName = 'bob' AND mfaAuthenticated = 'false'`)
	if err != nil {
		return err
	}
	alarm, err := p.wait(ctx, alarmOf("session-without-mfa", ""))
	if err != nil {
		return err
	}
	end, err := p.wait(ctx, `SELECT appendTime, sessionId, responseElements FROM CloudTrailLogs WHERE eventName = 'EndSession' AND userName = 'bob'`)
	if err != nil {
		return err
	}
	if start == nil || alarm == nil || end == nil {
		p.check(false, "bob's session: StartSession %v, alarm %v, EndSession %v in the trail, want all three", start != nil, alarm != nil, end != nil)
		return nil
	}
	p.tell(start.time("appendTime"), "bob", "is on web1 with his key alone, from an address that is not throttled")
	p.tell(alarm.time("appendTime"), "ALARM", "session-without-mfa, %v after the event", since(alarm, start))
	p.tell(end.time("appendTime"), "ended", "bob's session, %v after the event", since(end, start))
	p.tell(d.ended, "bob", "reads: %s", strings.TrimSpace(d.stderr))
	p.check(since(end, start) <= time.Second, "bob's session ended %v after its StartSession, want within a second", since(end, start))
	p.check(d.ended.Sub(start.time("appendTime")) <= time.Second, "bob's ssh exited %v after StartSession, want within a second", d.ended.Sub(start.time("appendTime")))
	if _, err := p.wait(ctx, `SELECT appendTime FROM CloudTrailLogs WHERE eventName = 'CreateLock' AND requestParameters LIKE '%require_mfa%'`); err != nil {
		return err
	}

	// His next session needs MFA: without a device he is refused …
	next, err := p.bob.ssh(ctx, "deploy+web1@gate", "echo bob is back")
	if err != nil {
		return err
	}
	p.check(next.status != 0 && !strings.Contains(next.stdout, "bob is back"), "bob's next session without MFA went through with status %d", next.status)
	p.tell(next.ended, "bob", "tries again with his key alone and is refused: no MFA device is enrolled for him")
	p.check(strings.Contains(next.stderr, "no MFA device is enrolled for bob"), "bob's refusal says %q, want what to do about it", next.stderr)
	id := eventID.FindStringSubmatch(next.stderr)
	if id == nil {
		p.check(false, "bob's refusal names no event: %q", next.stderr)
		return nil
	}
	p.denied = append(p.denied, id[1])
	return nil
}

// compareDenials holds the article's first query against what ssh printed.
func (p *play) compareDenials(ctx context.Context) error {
	rows, err := p.query(ctx, DeniedQuery)
	if err != nil {
		return err
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.text("eventID"))
	}
	slices.Sort(got)
	slices.Sort(p.denied)
	p.check(slices.Equal(got, p.denied), "the article's first query returned %d events, the ledger has %d denials:%s", len(got), len(p.denied), difference(got, p.denied))
	return nil
}

// guesses is how often eve tries: more than failed-login-surge's threshold of
// ten, and fewer than the gate records one by one.
const guesses = 14

// guessing is the anomaly that the article names first: failed logins.
func (p *play) guessing(ctx context.Context) error {
	refused := 0
	var last deed
	for range guesses {
		d, err := p.eve.ssh(ctx, "root+db1@gate", "id")
		if err != nil {
			return err
		}
		p.check(d.status == 255, "eve's ssh with an unknown key exited %d, want 255", d.status)
		if !strings.Contains(d.stderr, "Permission denied") {
			break // held back before she could try a key
		}
		refused, last = refused+1, d
	}
	p.tell(last.ended, "eve", "has failed to log in %d times with a key that nobody knows", refused)
	alarm, err := p.wait(ctx, alarmOf("failed-login-surge", p.eve.source))
	if err != nil {
		return err
	}
	if alarm == nil {
		p.check(false, "failed-login-surge raised no alarm for %d failed logins from %s", refused, p.eve.source)
		return nil
	}
	p.tell(alarm.time("appendTime"), "ALARM", "failed-login-surge for %s", p.eve.source)
	lock, err := p.wait(ctx, `SELECT appendTime FROM CloudTrailLogs WHERE eventName = 'CreateLock' AND requestParameters LIKE '%"effect":"throttle"%' AND requestParameters LIKE '%`+p.eve.source+`%'`)
	if err != nil {
		return err
	}
	p.check(lock != nil, "failed-login-surge's run throttled nobody")
	failures, err := p.query(ctx, `SELECT eventID, userName FROM CloudTrailLogs WHERE eventName = 'Login' AND errorCode = 'AuthenticationFailed' AND sourceIPAddress = '`+p.eve.source+`'`)
	if err != nil {
		return err
	}
	p.check(len(failures) == refused, "the trail has %d failed logins from %s, the ledger has %d", len(failures), p.eve.source, refused)
	return nil
}

// alarmOf asks for the alarm of a runbook about a key.
func alarmOf(runbook, key string) string {
	return `SELECT eventID, appendTime, requestParameters FROM CloudTrailLogs WHERE eventName = 'SetAlarmState'` +
		` AND requestParameters LIKE '%"runbookId":"` + runbook + `"%' AND requestParameters LIKE '%` + key + `%' AND requestParameters LIKE '%"state":"ALARM"%'`
}

// enrolled continues the second scenario when bob has a device: with a code he
// is let in again.
func (p *play) enrolled(ctx context.Context) error {
	d, err := p.bob.ssh(ctx, "deploy+web1@gate", "echo bob is back")
	if err != nil {
		return err
	}
	p.check(d.status == 0 && strings.Contains(d.stdout, "bob is back"), "bob's session with MFA ended with status %d saying %q, want 0", d.status, d.stderr)
	p.tell(d.ended, "bob", "enrols a device and is in again, with key and code")
	p.show()
	if err := p.compareDenials(ctx); err != nil {
		return err
	}
	rows, err := p.query(ctx, WithoutMFAQuery)
	if err != nil {
		return err
	}
	var names []string
	sessions := map[string]bool{}
	for _, r := range rows {
		names = append(names, r.text("eventName"))
		sessions[r.text("sessionId")] = true
		p.check(r.text("userName") == "bob" && r.text("sourceIPAddress") == p.bob.source && r.text("target") == "web1",
			"the article's second query returned %s of %s from %s at %s; the ledger has one session without MFA, bob's", r.text("eventName"), r.text("userName"), r.text("sourceIPAddress"), r.text("target"))
	}
	// Whether bob's command was asked for before his session ended is a race
	// that the runbook may win; if he saw it run, the trail must have it.
	count := map[string]int{}
	for _, n := range names {
		count[n]++
	}
	for _, always := range []string{"StartSession", "EndSession"} {
		p.check(count[always] == 1, "the article's second query returned %s %d times, the ledger has one session without MFA", always, count[always])
	}
	commands := count["ExecuteCommand"]
	p.check(commands == count["CloseChannel"] && commands <= 1 && (commands == 1 || !p.ran), "the article's second query returned ExecuteCommand %d times and CloseChannel %d times, the ledger has one command, seen to run: %v", commands, count["CloseChannel"], p.ran)
	seals := count["SealRecording"] // a recording begins with a command
	p.check(seals <= 1 && seals >= commands, "the article's second query returned SealRecording %d times for %d commands", seals, commands)
	p.check(len(names) == 2+seals+2*commands, "the article's second query returned %v, which is more than the ledger has", names)
	p.check(len(sessions) == 1, "the article's second query returned events of %d sessions, the ledger has 1", len(sessions))
	return nil
}

// wait asks until the statement has a row, and returns nil when it has none in
// time.
func (p *play) wait(ctx context.Context, statement string) (row, error) {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		rows, err := p.query(bounded, statement)
		switch {
		case err != nil && errors.Is(bounded.Err(), context.DeadlineExceeded):
			return nil, nil
		case err != nil:
			return nil, err
		case len(rows) > 0:
			return rows[0], nil
		}
		select {
		case <-tick.C:
		case <-bounded.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func since(later, earlier row) time.Duration {
	return later.time("appendTime").Sub(earlier.time("appendTime")).Round(time.Millisecond)
}

// difference says what one sorted list has that the other lacks.
func difference(got, want []string) string {
	var b strings.Builder
	for _, g := range got {
		if !slices.Contains(want, g) {
			fmt.Fprintf(&b, " +%s", g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			fmt.Fprintf(&b, " -%s", w)
		}
	}
	return b.String()
}
