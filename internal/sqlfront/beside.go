package sqlfront

import (
	"slices"
	"strings"
	"sync"
)

// The tables beside the trail. Sessions is made of its events; the others are
// what holds now, and are handed to an engine with each statement that names
// them, see [Snapshots].
const (
	Sessions   = "sessions"
	Identities = "identities"
	Targets    = "targets"
	Alarms     = "alarms"
	Runs       = "runs"
)

// Snapshots are the tables that an engine gets the rows of with a statement.
var Snapshots = []string{Identities, Targets, Alarms, Runs}

// documented is a column and what it says.
type documented struct {
	name  string
	typ   *Type
	about string
}

var (
	textList = &Type{Kind: Array, Elem: varcharType}
	stepType = &Type{Kind: Array, Elem: &Type{Kind: Struct, Fields: []Field{
		{Name: "id", Type: varcharType}, {Name: "kind", Type: varcharType}, {Name: "action", Type: varcharType}, {Name: "state", Type: varcharType},
		{Name: "detail", Type: varcharType}, {Name: "text", Type: varcharType}, {Name: "assignee", Type: varcharType},
		{Name: "due", Type: timestampType}, {Name: "ended", Type: timestampType},
	}}}
)

var besideColumns = map[string][]documented{
	Sessions: {
		{"sessionId", varcharType, "its id, in every event of it"},
		{"userArn", varcharType, "whose it is"},
		{"userName", varcharType, "the same, by name"},
		{"target", varcharType, "the server"},
		{"login", varcharType, "the account there"},
		{"sourceIPAddress", varcharType, "where from"},
		{"mfaAuthenticated", booleanType, "whether a second factor was proven"},
		{"startTime", timestampType, "`eventTime` of its StartSession"},
		{"endTime", timestampType, "`eventTime` of its EndSession; NULL while it is open"},
		{"endReason", varcharType, "who ended it and why"},
		{"duration", doubleType, "in seconds; NULL while it is open"},
		{"exitStatus", bigintType, "of the last channel that gave one"},
		{"bytesReceived", bigintType, "from the client"},
		{"bytesSent", bigintType, "to the client"},
		{"lock", varcharType, "id of the lock that ended it"},
		{"frontDoor", varcharType, "gate, or jump"},
		{"keyFingerprint", varcharType, "of the key that opened it"},
		{"recording", varcharType, "terminal, or off"},
		{"requestID", varcharType, "the connection"},
		{"eventID", varcharType, "of its StartSession"},
	},
	Identities: {
		{"name", varcharType, "its name, `userName` of events"},
		{"arn", varcharType, "its principal, `userArn` of events"},
		{"type", varcharType, "`userIdentity.type` of events"},
		{"admin", booleanType, "whether it may administer"},
		{"breakGlass", booleanType, "whether no runbook locks it out"},
		{"mfa", booleanType, "whether it has a second factor"},
		{"keys", bigintType, "how many keys it may use"},
		{"roles", textList, "names of the roles it is in"},
		{"created", timestampType, "when it was made"},
	},
	Targets: {
		{"name", varcharType, "its name, `target` of events"},
		{"address", varcharType, "host:port"},
		{"labels", textMap, "`element_at(labels, 'env')`"},
		{"hostKeys", textList, "its host keys, as in authorized_keys"},
		{"created", timestampType, "when it was made"},
	},
	Alarms: {
		{"id", varcharType, "as in `trailgate alarm show`"},
		{"runbook", varcharType, "whose it is"},
		{"key", varcharType, "the values of the runbook's key"},
		{"state", varcharType, "OK, PENDING, ALARM or INSUFFICIENT_DATA"},
		{"severity", varcharType, "info, low, medium, high or critical"},
		{"title", varcharType, "the runbook's"},
		{"since", timestampType, "when it came into its state"},
		{"raised", timestampType, "`appendTime` of the event that raised it last"},
		{"newest", timestampType, "`appendTime` of the newest match"},
		{"matches", bigintType, "how many there were"},
		{"eventIds", textList, "of the matches, the newest 100"},
		{"run", varcharType, "id of the run that answers it"},
		{"ackedBy", varcharType, "who took it on"},
		{"ackedAt", timestampType, "when"},
		{"note", varcharType, "what they said"},
	},
	Runs: {
		{"id", varcharType, "as in `trailgate run show`"},
		{"runbook", varcharType, "whose it is"},
		{"alarm", varcharType, "id of the alarm it answers"},
		{"mode", varcharType, "observe, propose or enforce"},
		{"state", varcharType, "open, contained, closed or failed"},
		{"created", timestampType, "when it began"},
		{"ended", timestampType, "when nothing was left to do"},
		{"steps", stepType, "its steps, `CROSS JOIN UNNEST(steps) AS s (id, kind, …)`"},
	},
}

// besideNames are the tables, in the order of the page.
var besideNames = []string{Sessions, Identities, Targets, Alarms, Runs}

var beside = sync.OnceValue(func() []Table {
	var list []Table
	for _, name := range besideNames {
		t := Table{Name: name, stored: name}
		for _, c := range besideColumns[name] {
			t.Columns = append(t.Columns, Field{Name: c.name, Type: c.typ})
			s := storedShape(c.name, c.typ, Quote(c.name))
			if c.typ.Kind == Map {
				s = mapShape(c.name, Quote(c.name))
			}
			t.shapes = append(t.shapes, s)
		}
		list = append(list, t)
	}
	return list
})

// WithBeside is the catalogue with the tables beside the trail.
func (c Catalog) WithBeside() Catalog {
	c.Tables = append(slices.Clip(slices.Clone(c.Tables)), beside()...)
	return c
}

// About says what a column of a table beside the trail means; it is empty for
// other tables.
func About(table, column string) string {
	for _, c := range besideColumns[table] {
		if c.name == column {
			return c.about
		}
	}
	return ""
}

// SnapshotColumns are the columns of the rows of a snapshot, and their types in
// DuckDB: those of the table, where a map is JSON text.
func SnapshotColumns(table string) (names, types []string) {
	if !slices.Contains(Snapshots, table) {
		return nil, nil
	}
	for _, c := range besideColumns[table] {
		kind := "VARCHAR"
		if c.typ.Kind != Map {
			kind = duckType(c.typ)
		}
		names, types = append(names, c.name), append(types, kind)
	}
	return names, types
}

// isBeside says whether name is that of a table beside the trail.
func isBeside(name string) bool {
	return slices.ContainsFunc(besideNames, func(n string) bool { return strings.EqualFold(n, name) })
}
