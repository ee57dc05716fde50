package e2e

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// ledger is what was acknowledged, and what of it is where. A fact is an
// event's ID, or its name and a word that it alone says.
type ledger struct {
	data string

	mu   sync.Mutex // guards below
	told []string   // facts acknowledged and not looked for yet

	all    []string            // IDs of the journal's events, in order
	at     map[string]uint64   // the sequence number of each
	found  map[string][]uint64 // of facts
	files  map[string]bool     // log files read
	inFile map[string]string   // the log file of each event
	sum    int                 // facts that were acknowledged, ever
}

func newLedger(data string) *ledger {
	return &ledger{data: data, at: map[string]uint64{}, found: map[string][]uint64{}, files: map[string]bool{}, inFile: map[string]string{}}
}

func idFact(id string) string         { return "id " + id }
func wordFact(event, w string) string { return event + " " + w }
func (l *ledger) head() uint64        { return uint64(len(l.all)) }
func (l *ledger) String() string {
	return fmt.Sprintf("%d acknowledged, %d events in %d log files", l.sum, len(l.all), len(l.files))
}

// tell notes that somebody was told.
func (l *ledger) tell(fact string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, fact)
	l.sum++
}

var mark = regexp.MustCompile(`mark[0-9]+`)

// facts are what an event can be known by.
func facts(record []byte) (id string, words []string, err error) {
	var r struct {
		EventID, EventName string
		RequestParameters  json.RawMessage
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return "", nil, err
	}
	for _, w := range mark.FindAllString(string(r.RequestParameters), -1) {
		words = append(words, wordFact(r.EventName, w))
	}
	return r.EventID, words, nil
}

// check holds the journal and the log files of a server that is not running
// against what was told since the last time.
func (l *ledger) check() error {
	if err := l.readJournal(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := l.readLogFiles(); err != nil {
		return fmt.Errorf("log files: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, fact := range l.told {
		if n := len(l.found[fact]); n != 1 {
			errs = append(errs, fmt.Errorf("%q was acknowledged and is in the journal %d times", fact, n))
		}
	}
	l.told = nil
	return errors.Join(errs...)
}

// readJournal reads what has come since the last time.
func (l *ledger) readJournal() error {
	r, err := trail.OpenReader(l.data)
	if err != nil {
		return err
	}
	if r.Head().Seq < l.head() {
		return fmt.Errorf("it ends with event %d, and had %d", r.Head().Seq, l.head())
	}
	return r.Follow(context.Background(), l.head()+1, func(entries []event.Entry) error {
		for _, e := range entries {
			id, words, err := facts(e.JSON)
			if err != nil {
				return err
			}
			if e.Seq != l.head()+1 || l.at[id] != 0 {
				return fmt.Errorf("event %d, %s, follows %d; it is at %d too", e.Seq, id, l.head(), l.at[id])
			}
			l.all, l.at[id] = append(l.all, id), e.Seq
			for _, fact := range append(words, idFact(id)) {
				l.found[fact] = append(l.found[fact], e.Seq)
			}
		}
		return nil
	})
}

// readLogFiles reads the log files that are new. What is in them is in the
// journal, and in no other log file.
func (l *ledger) readLogFiles() error {
	return filepath.WalkDir(filepath.Join(l.data, "trail", "AWSLogs"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || l.files[path] || !strings.Contains(path, "_CloudTrail_") || !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		l.files[path] = true
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, err := logfile.Unpack(body)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		records, err := logfile.Split(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, rec := range records {
			id, _, err := facts(rec)
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", path, err)
			case l.inFile[id] != "":
				return fmt.Errorf("event %s is in %s and in %s", id, l.inFile[id], path)
			case l.at[id] == 0:
				return fmt.Errorf("event %s in %s is not in the journal", id, path)
			}
			l.inFile[id] = path
		}
		return nil
	})
}

// checkAnswer holds the IDs that SQL gave for the events after from against
// the journal: each up to head exactly once, whatever came later at most once.
func (l *ledger) checkAnswer(from, head uint64, ids []string) error {
	times := map[string]int{}
	for _, id := range ids {
		if times[id]++; times[id] > 1 {
			return fmt.Errorf("event %s is there %d times", id, times[id])
		}
	}
	for seq := from + 1; seq <= head; seq++ {
		if times[l.all[seq-1]] != 1 {
			return fmt.Errorf("event %d, %s, is not there", seq, l.all[seq-1])
		}
	}
	return nil
}

// finish lets the server deliver everything, stops it, and holds each place
// against the others.
func (k *killed) finish() {
	k.t.Helper()
	v := k.start()
	k.denied(k.t.Context())
	v.cmd.Process.Signal(syscall.SIGTERM)
	<-v.exited
	if !v.cmd.ProcessState.Success() {
		k.t.Fatalf("the server stops with %v\n%s", v.cmd.ProcessState, v.log.String())
	}
	if err := k.ledger.check(); err != nil {
		k.t.Error(err)
	}
	if out, err := k.command("trail", "verify").CombinedOutput(); err != nil {
		k.t.Errorf("trail verify: %v\n%s", err, out)
	}
	// A node that stops delivers what there is and signs for it. What it says of
	// that itself comes in the next log file.
	delivered := uint64(len(k.inFile))
	for seq := uint64(1); seq <= delivered; seq++ {
		if k.inFile[k.all[seq-1]] == "" {
			k.t.Fatalf("%d events are in log files, but event %d, %s, is not", delivered, seq, k.all[seq-1])
		}
	}
	if missing := k.head() - delivered; missing > 4 {
		k.t.Errorf("the last %d of %d events are in no log file", missing, k.head())
	}
	for fact, seqs := range k.found {
		if strings.HasPrefix(fact, "id ") {
			continue
		}
		if len(seqs) != 1 {
			k.t.Errorf("%q is in the journal %d times", fact, len(seqs))
		}
		if seqs[0] > delivered {
			k.t.Errorf("%q, event %d, is in no log file", fact, seqs[0])
		}
	}
	k.checkSQL()
	k.checkForwarded(delivered)
}

// checkSQL asks without a server.
func (k *killed) checkSQL() {
	k.t.Helper()
	out, err := k.command("query", "SELECT eventID FROM CloudTrailLogs", "-o", "csv", "--max-rows", "1000000").Output()
	if err != nil {
		k.t.Fatalf("query: %v", err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil {
		k.t.Fatal(err)
	}
	ids := make([]string, len(rows)-1)
	for i, r := range rows[1:] {
		ids[i] = r[0]
	}
	if err := k.ledger.checkAnswer(0, k.head(), ids); err != nil || uint64(len(ids)) != k.head() {
		k.t.Errorf("SQL has %d of %d events: %v", len(ids), k.head(), err)
	}
}

// checkForwarded holds the forwarder's file against the journal. After a kill
// it may send what it has sent already, and must leave nothing out.
func (k *killed) checkForwarded(upTo uint64) {
	k.t.Helper()
	f, err := os.Open(k.forwarders)
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close()
	sent := map[string]bool{}
	again, torn := 0, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		id, _, err := facts(lines.Bytes())
		if err != nil { // the kill cut it; it was sent again
			torn++
			continue
		}
		if sent[id] {
			again++
		}
		sent[id] = true
	}
	for seq := uint64(1); seq <= upTo; seq++ {
		if !sent[k.all[seq-1]] {
			k.t.Errorf("event %d, %s, was not forwarded", seq, k.all[seq-1])
			break
		}
	}
	k.t.Logf("forwarded %d events, %d of them again, %d lines torn; %d kills while starting", len(sent), again, torn, k.starting)
}
