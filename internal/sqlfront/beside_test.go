package sqlfront

import (
	"slices"
	"strings"
	"testing"
)

func TestTablesBesideTheTrailAreTypedAndDocumented(t *testing.T) {
	c := CloudTrailCatalog().WithBeside()
	for _, name := range besideNames {
		table := c.table(strings.ToUpper(name))
		if table == nil || table.Stored() != name || len(table.Columns) < 5 {
			t.Fatalf("table %s is %v", name, table)
		}
		for _, col := range table.Columns {
			if About(name, col.Name) == "" {
				t.Errorf("nothing says what %s.%s means", name, col.Name)
			}
		}
		names, types := SnapshotColumns(name)
		if slices.Contains(Snapshots, name) != (len(names) > 0) || len(names) != len(types) {
			t.Errorf("snapshot of %s has the columns %v, %v", name, names, types)
		}
	}
	s, err := Parse("SELECT element_at(t.labels, 'env') AS env, s.duration / 60 AS minutes FROM sessions s JOIN targets t ON t.name = s.target WHERE NOT s.mfaAuthenticated")
	if err == nil {
		err = s.Check(c)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Tables(); !slices.Equal(got, []string{Sessions, Targets}) {
		t.Errorf("tables %v", got)
	}
	if got := s.Print(DuckDB, PrintOptions{}); !strings.Contains(got, `json_extract_string("labels", '$."env"')`) || strings.Contains(got, "eventJson") {
		t.Errorf("printed %s", got)
	}
}

func TestWhereTheyAreNotIsSaidByName(t *testing.T) {
	for _, name := range besideNames {
		s, err := Parse("SELECT * FROM " + name)
		if err != nil {
			t.Fatal(err)
		}
		want := "line 1, column 15: this asks the events alone, whatever holds now: " + name + ` is no table of it, found "` + name + `" (the tables are CloudTrailLogs, CloudTrailHistory and cloudtrail_logs)`
		if err := s.Check(CloudTrailCatalog()); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	// A query of WITH may be called so anywhere.
	s, err := Parse("WITH sessions AS (SELECT sessionId FROM CloudTrailLogs) SELECT * FROM sessions")
	if err == nil {
		err = s.Check(CloudTrailCatalog())
	}
	if err != nil {
		t.Error(err)
	}
}
