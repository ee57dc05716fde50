package sqlfront

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// The deepest statements that are taken run: DuckDB's own bounds are wider than
// ours, whatever we print around each level.
func TestDeepestStatementsRun(t *testing.T) {
	db := engine(t, sessions(t))
	for name, nest := range map[string]func(n int) string{
		"NOT": func(n int) string {
			return "SELECT seq FROM CloudTrailLogs WHERE " + strings.Repeat("NOT ", n) + "readOnly"
		},
		"brackets": func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) },
		"calls":    func(n int) string { return "SELECT " + strings.Repeat("lower(", n) + "'a'" + strings.Repeat(")", n) },
		"chain":    func(n int) string { return "SELECT 'a'" + strings.Repeat(" || 'a'", n) },
		"CASE": func(n int) string {
			return "SELECT " + strings.Repeat("CASE WHEN true THEN ", n) + "1" + strings.Repeat(" END", n)
		},
		"casts": func(n int) string {
			return "SELECT " + strings.Repeat("CAST(CAST(", n/2) + "1" + strings.Repeat(" AS varchar) AS bigint)", n/2)
		},
		"times": func(n int) string {
			return "SELECT " + strings.Repeat("date_trunc('hour', ", n) + "eventTime" + strings.Repeat(")", n) + " FROM CloudTrailLogs"
		},
		"substr": func(n int) string {
			return "SELECT " + strings.Repeat("substr(", n) + "eventName" + strings.Repeat(", 1)", n) + " FROM CloudTrailLogs"
		},
		"division": func(n int) string {
			return "SELECT " + strings.Repeat("1 / (", n) + "seq" + strings.Repeat(")", n) + " FROM CloudTrailLogs WHERE seq = 1"
		},
		"queries in FROM": func(n int) string {
			return strings.Repeat("SELECT x FROM (", n/7+1) + "SELECT seq AS x FROM CloudTrailLogs" + strings.Repeat(")", n/7+1)
		},
		"queries as values": func(n int) string {
			return "SELECT " + strings.Repeat("(SELECT 1 + ", n/7+1) + "1" + strings.Repeat(")", n/7+1)
		},
		"queries in calls": func(n int) string {
			return "SELECT " + strings.Repeat("substr((SELECT ", n/7+1) + "'abc'" + strings.Repeat("), 1)", n/7+1)
		},
		"IN queries": func(n int) string {
			return "SELECT seq FROM CloudTrailLogs WHERE seq IN " + strings.Repeat("(SELECT seq FROM CloudTrailLogs WHERE seq IN ", n/7+1) + "(1)" + strings.Repeat(")", n/7+1)
		},
		"joins": func(n int) string {
			return "SELECT count(*) FROM (VALUES 1) t0(a)" + strings.Repeat(" JOIN (VALUES 1) t(a) ON TRUE", min(n, 30))
		},
		"unions": func(n int) string { return "SELECT 1" + strings.Repeat(" UNION ALL SELECT 1", min(n, 49)) },
		"WITH": func(n int) string {
			text := "WITH w0 AS (SELECT 1 AS a)"
			for i := 1; i < min(n, 50); i++ {
				text += fmt.Sprintf(", w%d AS (SELECT a FROM w%d)", i, i-1)
			}
			return text + fmt.Sprintf(" SELECT a FROM w%d", min(n, 50)-1)
		},
		"subscripts": func(n int) string {
			return "SELECT " + strings.Repeat("ARRAY[", n/10) + "1" + strings.Repeat("]", n/10) + strings.Repeat("[1]", n/10)
		},
		"lambdas": func(n int) string {
			return "SELECT " + strings.Repeat("any_match(ARRAY[1], x -> ", n/2) + "x = 1" + strings.Repeat(")", n/2)
		},
		"AND": func(n int) string {
			return "SELECT 1 FROM CloudTrailLogs WHERE seq > 0" + strings.Repeat(" AND seq < 9", 20*n)
		},
	} {
		taken := 0
		for n := 2; n <= maxDepth; n += 3 {
			s, err := Parse(nest(n))
			if err != nil || s.Check(CloudTrailCatalog()) != nil {
				break
			}
			taken = n
		}
		if taken < 2 {
			t.Errorf("%s: refused from %d levels on", name, taken)
		}
		if _, err := run(db, mustCheck(t, nest(taken))); err != nil {
			t.Errorf("%s: %d levels are taken, and DuckDB fails: %.300s", name, taken, err)
		}
	}
}

// The columns of CloudTrailLogs are the contract's, in the record's order.
func TestColumns(t *testing.T) {
	want := `eventVersion varchar, userIdentity row, eventTime timestamp, eventSource varchar, eventName varchar, awsRegion varchar, sourceIPAddress varchar, userAgent varchar, ` +
		`errorCode varchar, errorMessage varchar, requestParameters varchar, responseElements varchar, additionalEventData varchar, requestID varchar, eventID varchar, readOnly boolean, ` +
		`resources array, eventType varchar, managementEvent boolean, recipientAccountId varchar, serviceEventDetails varchar, eventCategory varchar, userName varchar, userArn varchar, ` +
		`sessionId varchar, target varchar, login varchar, mfaAuthenticated varchar, eventJson varchar, appendTime timestamp, seq bigint`
	var got []string
	for _, c := range CloudTrailCatalog().Tables[0].Columns {
		got = append(got, c.Name+" "+c.Type.Kind.String())
	}
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("columns are\n%s\nwant\n%s", text, want)
	}
	// What goes into Parquet comes out of DuckDB as the same types.
	rows, err := engine(t, sessions(t)).Query(`SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'CloudTrailLogs' ORDER BY ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var stored []string
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			t.Fatal(err)
		}
		typ = strings.ToLower(typ)
		if strings.HasSuffix(typ, "[]") {
			typ = "array"
		} else if strings.HasPrefix(typ, "struct") {
			typ = "row"
		}
		stored = append(stored, name+" "+typ)
	}
	if !reflect.DeepEqual(stored, got) {
		t.Errorf("Parquet's columns are\n%s\nwant\n%s", stored, got)
	}
}

// Every function says how it is spelled, and none is spelled by accident.
func TestFunctionTable(t *testing.T) {
	for _, f := range Functions() {
		fn := functions[f.Name]
		if f.Signature == "" || !strings.HasPrefix(f.Signature, f.Name+"(") || f.DuckDB == "" {
			t.Errorf("%s: signature %q, DuckDB %q", f.Name, f.Signature, f.DuckDB)
		}
		if fn.bind == nil || fn.duck == "" && fn.duckFor == nil {
			t.Errorf("%s is not whole", f.Name)
		}
	}
}
