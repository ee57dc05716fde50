package sqlfront

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// branched are rows in CloudTrailLogs, and the same in two branches.
func branched(t *testing.T) (db *sql.DB, branches func(string) []string) {
	rows := append(randomRows(7, 200), sessions(t)...)
	for i := range rows {
		f := &rows[i]
		seq := int64(i + 1)
		f.Seq = &seq
		if f.UserIdentity != nil {
			f.UserARN, f.UserName = f.UserIdentity.ARN, f.UserIdentity.UserName
		} else {
			f.UserARN, f.UserName = nil, nil
		}
	}
	db = engine(t, rows)
	for _, text := range []string{
		`CREATE VIEW "CloudTrailHistory" AS SELECT * FROM "CloudTrailLogs"`,
		`CREATE VIEW one AS SELECT * FROM "CloudTrailLogs" WHERE seq % 3 = 0`,
		`CREATE VIEW other AS SELECT * FROM "CloudTrailLogs" WHERE seq % 3 <> 0`,
		`CREATE VIEW files AS SELECT *, CAST(seq % 7 AS VARCHAR) AS "_file" FROM "CloudTrailLogs"`,
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	return db, func(string) []string { return []string{"one", "other"} }
}

// In branches and whole a table answers the same, and a statement for the first
// rows gets the first.
func TestBranchesAnswerAsTheWholeTable(t *testing.T) {
	db, branches := branched(t)
	split := 0
	rapid.Check(t, func(t *rapid.T) {
		tree := gen{t}.statement()
		sel := tree.body.(*selection)
		groups := sel.group != nil || sel.distinct
		if tree.limit = -1; !groups { // what order leaves open, seq decides
			tree.order = append(tree.order, orderItem{x: col("seq"), desc: gen{t}.pick(2) == 0})
			tree.limit, tree.offset = int64(gen{t}.pick(30)), int64(gen{t}.pick(5))
		}
		s := &Statement{tree: tree}
		if s.Check(CloudTrailCatalog()) != nil {
			return
		}
		whole, err := runText(db, s.Print(DuckDB, PrintOptions{Now: noon}))
		got, branchErr := runText(db, s.Print(DuckDB, PrintOptions{Now: noon, Table: branches}))
		if err != nil || branchErr != nil {
			if err == nil { // the order of what fails and what is filtered is the engine's
				t.Fatalf("in branches: %v\n%s", branchErr, s.Print(DuckDB, PrintOptions{Now: noon, Table: branches}))
			}
			return
		}
		if groups {
			slices.Sort(whole)
			slices.Sort(got)
		} else if strings.Contains(s.Print(DuckDB, PrintOptions{Table: branches}), "SELECT * FROM (SELECT") {
			split++
		}
		open := regexp.MustCompile("array_agg|arbitrary|max_by") // to the engine, which row it takes first
		for _, list := range [][]string{whole, got} {            // a zero's sign is lost where DuckDB computes a constant beforehand
			for i := range list {
				list[i] = strings.ReplaceAll(list[i], "| -0 |", "| 0 |")
			}
		}
		if d := cmp.Diff(whole, got); d != "" && !open.MatchString(s.Print(Trino, PrintOptions{})) {
			t.Fatalf("(-whole +in branches):\n%s\n%s", d, s.Print(DuckDB, PrintOptions{Now: noon, Table: branches}))
		}
	})
	if split < 10 {
		t.Errorf("only %d statements were for the first rows", split)
	}
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// The files that a statement is found to be about are enough to answer it.
func TestFilesAreAllThatAStatementIsAbout(t *testing.T) {
	db, _ := branched(t)
	only := func(view string) PrintOptions {
		return PrintOptions{Now: noon, Table: func(string) []string { return []string{view} }}
	}
	narrowed := 0
	rapid.Check(t, func(t *rapid.T) {
		g := gen{t}
		text := "SELECT * FROM CloudTrailLogs AS _t WHERE " + (&Predicate{g.predicate()}).String()
		limit := int64(200)
		if g.pick(2) == 0 {
			limit = int64(g.pick(20))
			text += " ORDER BY " + oneOf(g, "eventTime DESC, ", "4, ", "userIdentity.arn, ", "") + "seq"
		}
		s, err := Parse(text)
		if err == nil {
			err = s.Check(CloudTrailCatalog())
		}
		if err != nil {
			return
		}
		s = s.WithLimit(limit)
		find, ok := s.Files(only("files"))
		if !ok {
			return
		}
		whole, err := runText(db, s.Print(DuckDB, only(`"CloudTrailLogs"`)))
		if err != nil {
			return
		}
		some := `(SELECT * FROM files WHERE list_contains((` + find + `), "_file"))`
		got, err := runText(db, s.Print(DuckDB, only(some)))
		if err != nil {
			t.Fatalf("%v\n%s", err, find)
		}
		if !strings.Contains(text, "ORDER BY") {
			slices.Sort(whole)
			slices.Sort(got)
		}
		if d := cmp.Diff(whole, got); d != "" {
			t.Fatalf("(-whole +some files):\n%s\n%s", d, find)
		}
		narrowed++
	})
	if narrowed < 20 {
		t.Errorf("only %d statements were narrowed", narrowed)
	}
}

// What a statement says of eventTime, in any of the ways that people write it,
// lets an engine skip rows, and only those that are not in the answer.
func TestSpansLeaveNothingOut(t *testing.T) {
	db, branches := branched(t)
	c := CloudTrailCatalog().WithStore("8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10")
	bounded := 0
	rapid.Check(t, func(t *rapid.T) {
		g := gen{t}
		at := oneOf(g, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 19+g.pick(3), g.pick(24), g.pick(60), g.pick(60), 0, time.UTC), time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC))
		op := oneOf(g, "<", "<=", "=", ">=", ">", "<>")
		stamp := "TIMESTAMP '" + at.Format("2006-01-02 15:04:05") + "'"
		iso := oneOf(g, at.Format(isoSeconds), at.Format(time.DateOnly), at.Format("2006-01-02T15"), at.Format("2006-01-02 15:04:05"), "2026", "2026-11-2", "x")
		x := oneOf(g, "eventTime", "date_trunc('"+oneOf(g, "hour", "day", "week", "month", "quarter", "year")+"', eventTime)", "date(eventTime)", "CAST(eventTime AS date)")
		term := func() string {
			return oneOf(g, x+" "+op+" "+stamp, stamp+" "+op+" "+x, "eventTime BETWEEN "+stamp+" AND TIMESTAMP '2026-11-21 00:00:00'", "eventTime IN ("+stamp+", TIMESTAMP '2026-11-20 08:00:00')",
				"NOT eventTime "+op+" "+stamp, "date(eventTime) = DATE '2026-11-20'", "(eventTime < "+stamp+" OR eventName IS NULL)")
		}
		table := oneOf(g, "CloudTrailLogs", "$EDS_ID", "cloudtrail_logs")
		if table == "cloudtrail_logs" {
			x = oneOf(g, "from_iso8601_timestamp(eventtime)", "CAST(from_iso8601_timestamp(eventtime) AS date)", "date_trunc('day', from_iso8601_timestamp(eventtime))")
			term = func() string {
				return oneOf(g, x+" "+op+" "+stamp, "eventtime "+op+" '"+iso+"'", "'"+iso+"' "+op+" eventtime", "eventtime BETWEEN '"+iso+"' AND '2026-11-20T23'", "eventtime LIKE '"+iso+"%'", "eventtime NOT LIKE '"+iso+"%'",
					`"timestamp" `+op+" '"+at.Format("2006/01/02")+"'", "year = '2026'", "year = '2026' AND month = '11'", "year = '2026' AND month = '11' AND day = '20'", "month = '11'", "eventtime IN ('"+iso+"', '2026-11-20T08:00:00Z')")
			}
		}
		where := term()
		for range g.pick(3) {
			where += oneOf(g, " AND ", " AND ", " OR ") + term()
		}
		from := table
		if g.pick(4) == 0 {
			from = "(SELECT 1 AS one) o " + oneOf(g, "LEFT", "FULL", "RIGHT") + " JOIN " + table + " ON eventName = 'StartSession'"
		}
		rows := func(where string) []string {
			s, err := Parse("SELECT eventName, eventID, eventTime FROM " + from + " WHERE " + where)
			if err == nil {
				err = s.Check(c)
			}
			if err != nil {
				return []string{err.Error()[:4]}
			}
			text := s.Print(DuckDB, PrintOptions{Now: noon, Table: branches})
			if strings.Contains(text, `other WHERE "eventTime"`) {
				bounded++
			}
			out, err := runText(db, text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			slices.Sort(out)
			return out
		}
		if d := cmp.Diff(rows("(("+where+") OR 1 = 2)"), rows(where)); d != "" {
			t.Fatalf("%s (-all +bounded):\n%s", where, d)
		}
	})
	if bounded < 30 {
		t.Errorf("only %d statements were bounded", bounded)
	}
}

// A condition inside a sub-query on a table around it does not bound that table.
func TestSpansOfTheTablesAround(t *testing.T) {
	for text, bounded := range map[string]bool{
		"SELECT seq FROM CloudTrailLogs a WHERE NOT EXISTS (SELECT 1 FROM CloudTrailLogs b WHERE a.eventTime > TIMESTAMP '2026-11-20 00:00:00' AND b.seq = a.seq)": false,
		"SELECT seq FROM CloudTrailLogs a WHERE eventTime > TIMESTAMP '2026-11-20 00:00:00' OR seq = 1":                                                            false,
		"SELECT seq FROM CloudTrailLogs a WHERE NOT (eventTime > TIMESTAMP '2026-11-20 00:00:00')":                                                                 false,
		"SELECT seq FROM CloudTrailLogs a WHERE appendTime > TIMESTAMP '2026-11-20 00:00:00'":                                                                      false,
		"SELECT startTime FROM sessions WHERE startTime > TIMESTAMP '2026-11-20 00:00:00'":                                                                         false,
		"SELECT seq FROM CloudTrailLogs a JOIN (SELECT 1 AS n) b ON true WHERE n = 1 AND eventTime > TIMESTAMP '2026-11-20 00:00:00'":                              true,
	} {
		s, err := Parse(text)
		if err == nil {
			err = s.Check(CloudTrailCatalog().WithBeside())
		}
		if err != nil {
			t.Fatal(err)
		}
		printed := s.Print(DuckDB, PrintOptions{Table: func(name string) []string { return []string{"one", "other"} }})
		if got := strings.Contains(printed, `other WHERE "eventTime" >=`); got != bounded {
			t.Errorf("%s: bounded = %t, want %t\n%s", text, got, bounded, printed)
		}
	}
}
