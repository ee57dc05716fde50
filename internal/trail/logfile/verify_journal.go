package logfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob"
)

// journalObject is what findings call the journal.
const journalObject = "journal"

// journalCheck walks the journal beside the log files. The deliverer wrote them
// in the order of the journal, so where one begins, the next events are its
// records.
type journalCheck struct {
	*verifier
	starts  map[string][]*heldLog // by the eventID of the first record
	damaged map[string]place      // all records of files that are not as signed, by eventID

	file    *heldLog // in hand; nil between two
	records []json.RawMessage
	at      int            // the record that is to be the next event
	first   uint64         // the event that is record 0, as far as that was seen; else 0
	index   map[string]int // records by eventID; nil until something is out of place

	owed   uint64    // events up to this one must be in log files
	begun  bool      // an event was seen
	oldest time.Time // eventTime of the journal's first
	lost   run       // events that no log file has, up to now
	runs   []run     // and before
}

// place is a record of a log file.
type place struct {
	log *heldLog
	at  int
}

// run is a stretch of events.
type run struct {
	from  uint64
	id    string      // of the first
	times []time.Time // when each was appended; none is no run
}

// checkJournal checks that the log files hold the journal's events, each once,
// byte for byte, and nothing else.
func (v *verifier) checkJournal(ctx context.Context) error {
	j, err := v.o.Journal()
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	c := &journalCheck{verifier: v, starts: map[string][]*heldLog{}, damaged: map[string]place{}}
	if v.before != nil {
		c.owed = v.before.Delivered
	}
	for _, l := range v.logs {
		if l.parsed && l.firstID != "" {
			c.starts[l.firstID] = append(c.starts[l.firstID], l)
		}
		if l.parsed && l.bad {
			if err := c.indexDamaged(ctx, l); err != nil {
				return err
			}
		}
	}
	err = j.Follow(ctx, 1, func(entries []event.Entry) error {
		for _, e := range entries {
			if err := c.event(ctx, e); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	c.leave(0)
	c.endRun()
	c.tellRuns()
	if head := j.Head().Seq; head < c.owed {
		v.findf(journalObject, "it ends with event %d, and events up to %d were delivered", head, c.owed)
	}
	for _, l := range v.logs {
		if l.parsed && l.records > 0 && !l.visited && !c.beforeJournal(l) {
			v.find(Finding{Object: l.Object, EventID: l.firstID, Problem: "it holds events that the journal does not have, or that another log file has too"})
		}
	}
	return nil
}

// beforeJournal says whether a file is older than what retention has left of
// the journal.
func (c *journalCheck) beforeJournal(l *heldLog) bool {
	newest, err := time.Parse(timeLayout, l.NewestEventTime)
	return err == nil && c.shortened && !newest.After(c.oldest)
}

// read reads a log file's records again. One that went meanwhile has none.
func (c *journalCheck) read(ctx context.Context, l *heldLog) ([]json.RawMessage, error) {
	body, _, err := c.o.Bucket.Get(ctx, l.Object)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := Unpack(body)
	if err != nil {
		return nil, nil // it was told
	}
	records, _ := Split(text)
	return records, nil
}

func (c *journalCheck) indexDamaged(ctx context.Context, l *heldLog) error {
	records, err := c.read(ctx, l)
	for i, r := range records {
		if id := eventID(r); id != "" {
			c.damaged[id] = place{l, i}
		}
	}
	return err
}

// event finds an event of the journal in the log files.
func (c *journalCheck) event(ctx context.Context, e event.Entry) error {
	if p := c.readOurs(e.JSON, e.Seq); p != nil && c.digests[p.Object] != nil {
		c.owed = max(c.owed, p.Delivered) // of others, the log files may be newer than our list
	}
	if !c.begun {
		c.begun, c.oldest = true, eventTime(e)
		if e.Seq > 1 {
			if err := c.locate(ctx, eventID(e.JSON)); err != nil {
				return err
			}
		}
	}
	if c.file != nil && bytes.Equal(c.records[c.at], e.JSON) { // nearly always
		c.passed(e.Seq)
		return nil
	}
	return c.search(ctx, e)
}

// passed goes past the record that is event seq.
func (c *journalCheck) passed(seq uint64) {
	c.endRun()
	if c.at == 0 {
		c.first = seq
	}
	if c.at++; c.at == len(c.records) {
		c.leave(seq)
	}
}

// search finds e where it was not expected.
func (c *journalCheck) search(ctx context.Context, e event.Entry) error {
	id := eventID(e.JSON)
	if c.file != nil && c.ahead(e, id) {
		return nil
	}
	for _, l := range c.starts[id] {
		if !l.visited && id != "" {
			return c.enter(ctx, place{l, 0}, e, id)
		}
	}
	if p, ok := c.damaged[id]; ok && !p.log.visited {
		return c.enter(ctx, p, e, id)
	}
	if len(c.lost.times) == 0 {
		c.lost.from, c.lost.id = e.Seq, id
	}
	c.lost.times = append(c.lost.times, e.AppendTime)
	return nil
}

// ahead looks for e in the file in hand.
func (c *journalCheck) ahead(e event.Entry, id string) bool {
	if c.index == nil {
		c.index = make(map[string]int, len(c.records))
		for i, r := range c.records {
			c.index[eventID(r)] = i
		}
	}
	at, ok := c.index[id]
	if !ok || id == "" || at < c.at {
		return false
	}
	if at > c.at {
		c.find(Finding{Object: c.file.Object, Seq: e.Seq, EventID: eventID(c.records[c.at]),
			Problem: fmt.Sprintf("%d records before this event are not the journal's there", at-c.at)})
		c.at = at
	}
	c.compare(e, id)
	return true
}

// compare takes the record in hand for e.
func (c *journalCheck) compare(e event.Entry, id string) {
	if !bytes.Equal(c.records[c.at], e.JSON) {
		c.find(Finding{Object: c.file.Object, Seq: e.Seq, EventID: id, Problem: "the record is not the journal's"})
	}
	c.passed(e.Seq)
}

// enter goes on in another file, with the record that is e.
func (c *journalCheck) enter(ctx context.Context, p place, e event.Entry, id string) error {
	c.leave(0)
	records, err := c.read(ctx, p.log)
	if err != nil {
		return err
	}
	p.log.visited = true
	if p.at >= len(records) {
		return nil // it changed this very moment
	}
	c.file, c.records, c.at, c.first, c.index = p.log, records, p.at, 0, nil
	c.compare(e, id)
	return nil
}

// leave ends the file in hand. last is the event that its last record is, 0 when
// it was not reached.
func (c *journalCheck) leave(last uint64) {
	if c.file == nil {
		return
	}
	l := c.file
	if left := len(c.records) - c.at; left > 0 {
		c.find(Finding{Object: l.Object, EventID: eventID(c.records[c.at]), Problem: fmt.Sprintf("its last %d records, from this event on, are not the journal's there", left)})
	}
	first, end, ok := l.sequence()
	switch {
	case !ok:
		c.findf(l.Object, "its metadata does not say which events it holds")
	case c.first != 0 && c.first != first, last != 0 && last != end:
		c.findf(l.Object, "its metadata says events %d to %d, which it does not hold", first, end)
	}
	c.file, c.records, c.index = nil, nil, nil
}

// endRun notes that the next event is in a log file again.
func (c *journalCheck) endRun() {
	if len(c.lost.times) > 0 {
		c.runs = append(c.runs, c.lost)
		c.lost = run{}
	}
}

// tellRuns tells of events that no log file has, if some should: those that were
// delivered, and whose log files retention has not removed.
func (c *journalCheck) tellRuns() {
	var before time.Time
	for _, t := range c.tombstones {
		if t.before.After(before) {
			before = t.before
		}
	}
	for _, r := range c.runs {
		for len(r.times) > 0 && r.times[0].Before(before) {
			r = run{from: r.from + 1, times: r.times[1:]}
		}
		to := min(r.from+uint64(len(r.times))-1, c.owed)
		if len(r.times) == 0 || to < r.from {
			continue
		}
		problem := "this event is in no log file as it was delivered"
		if to > r.from {
			problem = fmt.Sprintf("events %d to %d are in no log file as they were delivered", r.from, to)
		}
		c.find(Finding{Object: journalObject, Seq: r.from, EventID: r.id, Problem: problem})
	}
}

// locate finds the file that the journal's first event is in the middle of:
// retention has taken the events before it.
func (c *journalCheck) locate(ctx context.Context, id string) error {
	for _, l := range c.logs {
		newest, err := time.Parse(timeLayout, l.NewestEventTime)
		if !l.parsed || err == nil && newest.Before(c.oldest) {
			continue
		}
		if l.firstID == id {
			return nil
		}
		records, err := c.read(ctx, l)
		if err != nil {
			return err
		}
		for i, r := range records {
			if eventID(r) == id {
				l.visited = true
				c.file, c.records, c.at, c.first = l, records, i, 0
				return nil
			}
		}
	}
	return nil
}
