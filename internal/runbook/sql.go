package runbook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// commonFields are columns a match keeps whatever its steps refer to: an alarm
// shows them.
var commonFields = []string{"eventID", "eventName", "userArn", "userName", "sourceIPAddress", "sessionId", "target", "login"}

// checkSQL parses the query and the predicates, and holds the key and the
// references of steps against the columns there are.
func (l *loader) checkSQL() {
	rb := l.rb
	if l.queryText != "" {
		l.checkQuery()
	}
	if l.eventText != "" {
		rb.Trigger.Event = l.predicate(l.event, l.eventText, "trigger.event")
	}
	if l.resolveText != "" {
		rb.Alarm.ResolveEvent = l.predicate(l.resolve, l.resolveText, "alarm.resolve.event")
	}
	if rb.Query == nil {
		return
	}
	for i, path := range rb.Key {
		l.addField(l.keys[i], path, "key")
	}
	for _, r := range l.refs {
		l.addField(r.node, r.path, "${"+r.path+"}")
	}
	for _, path := range commonFields {
		if rb.live || slices.ContainsFunc(rb.Query.Columns(), func(c string) bool { return strings.EqualFold(c, path) }) {
			l.addField(nil, path, "")
		}
	}
	if rb.live && len(l.mistakes) == 0 {
		l.detection()
	}
	if !rb.live && rb.Trigger.Event != nil {
		l.wrong(l.event, "trigger.event needs a query that is a filter of single events; this one %s: use trigger.every", rb.why)
	}
	if !rb.live && rb.Trigger.Every == 0 {
		rb.Trigger.Every = DefaultEvery
	}
}

func (l *loader) checkQuery() {
	rb := l.rb
	s, err := sqlfront.Parse(l.queryText)
	if err == nil {
		s, err = l.declare(s)
	}
	if err == nil {
		err = s.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		l.badSQL(l.query, "query", err)
		return
	}
	rb.Query = s
	rb.guard = guardOf(s, l.params)
	rb.shown = defaultShown
	if n, ok := s.Limit(); ok {
		rb.shown = int(min(max(n, 1), defaultShown))
	}
	if filter, ok := s.Filter(); ok {
		rb.live, rb.filter = true, filter
	} else {
		rb.why = whyNotLive(s)
	}
	rb.detect = s.WithoutLimit().And(rb.guard)
}

// whyNotLive is what keeps a query from being judged event by event.
func whyNotLive(s *sqlfront.Statement) string {
	for _, table := range s.Tables() {
		if table != sqlfront.CloudTrailLogs {
			return "looks beyond the window, at " + table
		}
	}
	if parts := s.Parts(); len(parts) > 0 {
		return "puts events together (" + strings.Join(parts, ", ") + ")"
	}
	return "joins events together (an aggregate, GROUP BY, HAVING or DISTINCT)"
}

// detection has a live query answer with what matches keep, and no more: the
// rows are the same.
func (l *loader) detection() {
	columns := []string{"seq", "appendTime"}
	for _, f := range l.rb.fields {
		columns = append(columns, f.name)
	}
	s, err := l.rb.detect.Select(columns...)
	if err != nil {
		panic(fmt.Sprintf("runbook: columns that were looked up are not there: %v", err))
	}
	l.rb.detect = s
}

func (l *loader) predicate(n *yaml.Node, text, where string) *sqlfront.Predicate {
	p, err := sqlfront.ParsePredicateWith(text, l.params)
	for name := range sqlfront.NamesParameters(text) {
		l.used[name] = true
	}
	if err != nil {
		l.badSQL(n, where, err)
		return nil
	}
	return p
}

// addField has matches keep a column, or refuses a path that they cannot have.
func (l *loader) addField(n *yaml.Node, name, where string) {
	rb := l.rb
	if slices.ContainsFunc(rb.fields, func(f keep) bool { return f.name == name }) {
		return
	}
	if !rb.live {
		columns := rb.Query.Columns()
		if !slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) }) {
			l.wrong(n, "%s: the query has no column %s%s", where, quote(name), didYouMean(name, columns))
			return
		}
		path, _, err := sqlfront.LookupColumn(name) // of the event that resolves, when it has such a column
		if err != nil && where == "key" && rb.Alarm.ResolveEvent != nil {
			l.wrong(n, "key: %s is not a column of events, so alarm.resolve.event cannot tell whose alarm ends: use alarm.resolve.after", quote(name))
			return
		}
		rb.fields = append(rb.fields, keep{name, path})
		return
	}
	path, typ, err := sqlfront.LookupColumn(name)
	var bad *sqlfront.Error
	switch {
	case err == nil && (typ.Kind == sqlfront.Struct || typ.Kind == sqlfront.Array):
		l.wrong(n, "%s: %s is a %s: name one value in it", where, quote(name), typ.Kind)
	case err == nil:
		rb.fields = append(rb.fields, keep{name, path})
	case errors.As(err, &bad) && strings.HasPrefix(bad.Hint, "did you mean"):
		l.wrong(n, "%s: no column %s (%s)", where, quote(name), bad.Hint)
	default:
		l.wrong(n, "%s: no column %s%s", where, quote(name), didYouMean(name, eventColumns()))
	}
}

// eventColumns are the columns of CloudTrailLogs.
func eventColumns() []string {
	var names []string
	for _, c := range sqlfront.CloudTrailCatalog().Tables[0].Columns {
		names = append(names, c.Name)
	}
	return names
}

// badSQL places a mistake of a statement in the file.
func (l *loader) badSQL(n *yaml.Node, where string, err error) {
	var bad *sqlfront.Error
	if !errors.As(err, &bad) {
		l.wrong(n, "%s: %v", where, err)
		return
	}
	line, column := l.place(n, bad.Line, bad.Column)
	text := bad.Expected
	if bad.Found != "" {
		text += ", found " + bad.Found
	}
	if bad.Hint != "" {
		text += " (" + bad.Hint + ")"
	}
	l.mistakes = append(l.mistakes, Mistake{l.file, line, column, where + ": " + text})
}

// place is where line and column of a scalar's text are in the file. Folded
// and quoted text of several lines is placed at its start.
func (l *loader) place(n *yaml.Node, line, column int) (int, int) {
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		at := n.Line // lines[n.Line] is the line below the |
		for at < len(l.lines) && strings.TrimSpace(l.lines[at]) == "" {
			at++
		}
		indent := 0
		if at < len(l.lines) {
			indent = len(l.lines[at]) - len(strings.TrimLeft(l.lines[at], " "))
		}
		return n.Line + line, indent + column
	case line > 1 || n.Style&yaml.FoldedStyle != 0:
		return n.Line, n.Column
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return n.Line, n.Column + column
	}
	return n.Line, n.Column + column - 1
}

// responseEvents are the events that responses are made of.
var responseEvents = []string{"SetAlarmState", "AcknowledgeAlarm", "StartRun", "ExecuteStep", "ReviewStep", "EndRun", "SendNotification"}

// InvokedBy begins userIdentity.invokedBy of whatever a run does.
const InvokedBy = "runbook:"

// toldByOthers is the eventCategory of events that PutAuditEvents took.
const toldByOthers = "ActivityAuditLog"

// guardOf is what a runbook with this query may see: not the events of
// responses, unless the query names one, not invented history, and not what
// others told, unless the query names its category. Who may put events would
// otherwise have whatever address they write throttled.
func guardOf(s *sqlfront.Statement, params []sqlfront.Parameter) *sqlfront.Predicate {
	const history = `(serviceEventDetails IS NULL OR serviceEventDetails NOT LIKE '{"demo":true%')`
	const runs = ` AND (userIdentity.invokedBy IS NULL OR userIdentity.invokedBy NOT LIKE '` + InvokedBy + `%')`
	text, said := history, s.Text()
	for _, p := range params {
		said += " '" + strings.Join(p.Values(), "' '") + "'"
	}
	named := strings.Contains(strings.ToLower(said), "invokedby")
	var hidden []string
	for _, name := range responseEvents {
		if strings.Contains(said, "'"+name+"'") {
			named = true
			continue
		}
		hidden = append(hidden, "'"+name+"'")
	}
	if !named {
		text += runs
	}
	if !strings.Contains(said, toldByOthers) {
		text += " AND (eventCategory IS NULL OR eventCategory <> '" + toldByOthers + "')"
	}
	if len(hidden) > 0 {
		text += " AND (eventName IS NULL OR eventName NOT IN (" + strings.Join(hidden, ", ") + "))"
	}
	p, err := sqlfront.ParsePredicate(text)
	if err != nil {
		panic(fmt.Sprintf("runbook: the guard does not parse: %v", err))
	}
	return p
}
