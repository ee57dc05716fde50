package e2e

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/trail"
)

// imports is an installation that log files are imported into, with no server.
type imports struct {
	t    *testing.T
	data string
}

// importCounts is what trailgate import -o json prints.
type importCounts struct {
	Read, New, Duplicate, Quarantined, Skipped, Files int64
	Known                                             int64 `json:"knownFiles"`
	TotalNew                                          int64 `json:"totalNew"`
}

func newImports(t *testing.T) *imports {
	t.Helper()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	i := &imports{t, filepath.Join(dir, "data")}
	if out, err := i.command("init", "--admin", "ada", "--key", key+".pub").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	return i
}

func (i *imports) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asTrailgate+"=1", "TRAILGATE_DATA_DIR="+i.data)
	return cmd
}

// run imports a source and returns what it counted.
func (i *imports) run(args ...string) importCounts {
	i.t.Helper()
	cmd := i.command(append([]string{"import", "-o", "json"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var counts []importCounts
	if err == nil {
		err = json.Unmarshal(out, &counts)
	}
	if err != nil || len(counts) != 1 {
		i.t.Fatalf("import %q: %v\n%s%s", args, err, out, stderr.String())
	}
	return counts[0]
}

// kill begins an import and kills it a moment after it has committed so many
// batches. It reports whether it was in time.
func (i *imports) kill(batches uint64, moment time.Duration, args ...string) bool {
	i.t.Helper()
	want := i.batches() + batches
	cmd := i.command(append([]string{"import"}, args...)...)
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	ended := make(chan error, 1) // the process's end, whoever waits for it
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i.batches() < want {
		select {
		case err := <-ended:
			return err != nil
		case <-tick.C:
		}
	}
	select {
	case err := <-ended:
		return err != nil
	case <-time.After(moment):
	}
	_ = cmd.Process.Kill() // it may have ended
	return <-ended != nil
}

// batches is how many were committed.
func (i *imports) batches() uint64 {
	i.t.Helper()
	c, err := trail.ReadImports(trail.OS(), i.data)
	if err != nil {
		i.t.Fatal(err)
	}
	return c.Generation
}

// cell is the one cell that a query answers with.
func (i *imports) cell(statement string) int64 {
	i.t.Helper()
	out, err := i.command("query", statement, "-o", "csv").Output()
	lines := strings.Fields(string(out))
	if err != nil || len(lines) != 2 {
		i.t.Fatalf("%s: %v\n%s", statement, err, out)
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		i.t.Fatalf("%s: %v", statement, err)
	}
	return n
}

// check holds what queries see, and what the trail says of itself, against the
// records that were there to import.
func (i *imports) check(records int64) {
	i.t.Helper()
	if n := i.cell("SELECT count(*) AS n FROM CloudTrailLogs WHERE seq IS NULL"); n != records {
		i.t.Errorf("queries see %d imported events, want %d", n, records)
	}
	if n := i.cell("SELECT count(DISTINCT eventID) AS n FROM CloudTrailLogs WHERE seq IS NULL"); n != records {
		i.t.Errorf("queries see %d different imported events, want %d", n, records)
	}
	if out, err := i.command("trail", "verify").CombinedOutput(); err != nil {
		i.t.Errorf("trail verify: %v\n%s", err, out)
	}
}

// kills kills imports of a source at random points, each of a new installation
// or going on where the last was killed, and then imports to the end.
func (i *imports) kills(n int, records int64, source string, batch int) {
	i.t.Helper()
	seed := uint64(time.Now().UnixNano())
	i.t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	args := []string{source, "--batch", strconv.Itoa(batch)}
	fresh := newImports(i.t)
	first := fresh.run(args...)
	whole := fresh.batches()
	if first.New != records {
		i.t.Fatalf("an import that nobody kills: %+v, want %d new", first, records)
	}
	hit := 0
	for kill := range n {
		if i.kill(r.Uint64N(max(1, whole/2)), time.Duration(r.Int64N(int64(20*time.Millisecond))), args...) {
			hit++
		}
		if kill%3 == 2 { // begin anew, or soon everything is imported
			i.finish(first, records, args)
			*i = *newImports(i.t)
		}
	}
	i.finish(first, records, args)
	if hit < n*2/3 {
		i.t.Errorf("%d of %d imports ended before they were killed", n-hit, n)
	}
}

// finish imports to the end, and once more.
func (i *imports) finish(first importCounts, records int64, args []string) {
	i.t.Helper()
	if c := i.run(args...); c.Read != first.Read || c.New+c.Duplicate+c.Quarantined != c.Read || c.Quarantined != first.Quarantined || c.TotalNew != records {
		i.t.Errorf("the import after kills: %+v, want %d records in all", c, records)
	}
	if c := i.run(args...); c.New != 0 || c.Read != first.Read || c.Duplicate != first.Read-first.Quarantined || c.TotalNew != records {
		i.t.Errorf("the import after that: %+v, want duplicates alone", c)
	}
	i.check(records)
}

// writeImportSource writes log files in AWS's layout, of which a few records
// are broken or there twice, and says how many different ones there are.
func writeImportSource(t *testing.T, dir string) (records int64) {
	t.Helper()
	for file := range 40 {
		day := time.Date(2026, 3, 1+file%5, 0, file, 0, 0, time.UTC)
		var list []string
		for n := range 100 {
			id := file*100 + n
			list = append(list, fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u%d"},"eventTime":%q,`+
				`"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","requestParameters":{"n":%d},"eventID":"%08x-0000-4000-8000-000000000000"}`,
				id%7, day.Format(time.RFC3339), n, id))
			if n%50 == 0 {
				list = append(list, list[len(list)-1], `{"eventVersion":"1.11",broken}`)
			}
			records++
		}
		name := filepath.Join(dir, "AWSLogs/111122223333/CloudTrail/eu-west-1", day.Format("2006/01/02"),
			fmt.Sprintf("111122223333_CloudTrail_eu-west-1_%s_%016d.json.gz", day.Format("20060102T1504Z"), file))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(f)
		if _, err := fmt.Fprintf(z, `{"Records":[%s]}`, strings.Join(list, ",")); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// TestKilledImportLosesAndDoublesNothing kills imports with SIGKILL at random
// points; TRAILGATE_IMPORT_KILLS says how many.
func TestKilledImportLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	n := 5
	if v, err := strconv.Atoi(os.Getenv("TRAILGATE_IMPORT_KILLS")); err == nil {
		n = v
	}
	dir := t.TempDir()
	records := writeImportSource(t, dir)
	newImports(t).kills(n, records, dir, 200)
}
