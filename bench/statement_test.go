package bench

import (
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/queries"
)

// BenchmarkStatement is what a statement costs before an engine sees it: parse,
// check and print for DuckDB, at most 1 ms. It takes the library's statements
// and the article's, each in turn, and says what the slowest took.
func BenchmarkStatement(b *testing.B) {
	texts := map[string]string{"article 1": querytest.ArticleDenied, "article 2": querytest.ArticleMFA}
	list, err := queries.All()
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range list {
		texts[q.Name] = q.Text
	}
	catalog := sqlfront.CloudTrailCatalog().WithStore(benchStore).WithBeside()
	options := sqlfront.PrintOptions{Now: dataStart, Table: func(string) []string { return []string{"unsealed", "files"} }}
	took := map[string][]time.Duration{}
	b.ReportAllocs()
	for b.Loop() {
		for name, text := range texts {
			start := time.Now()
			s, err := sqlfront.Parse(text)
			if err == nil {
				err = s.Check(catalog)
			}
			if err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			s.Print(sqlfront.DuckDB, options)
			took[name] = append(took[name], time.Since(start))
		}
	}
	var all []time.Duration
	slowest, name := 0.0, ""
	for n, list := range took {
		all = append(all, list...)
		if m := median(list); m > slowest {
			slowest, name = m, n
		}
	}
	queryReport(b, all)
	b.ReportMetric(slowest, "slowest-p50-ms")
	b.Logf("%d statements; the slowest is %s", len(texts), name)
}
