package importer

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

// A batch is what is imported at once: its rows, their eventIDs, the files that
// were read to their end, what is quarantined. All of it becomes durable, then
// one swap of the catalogue makes it visible.
//
// Rows of one day go to a file of their own when there are enough of them;
// those of days with few share one, so that years of a quiet account are not
// thousands of files.
const (
	wholeDay  = 4 << 10  // rows that are worth a file
	fileRows  = 32 << 10 // of one file; a larger day has several, which are written side by side
	writeRows = 256      // handed to the Parquet writer at a time
)

type batch struct {
	rows       []batchRow
	ids        map[key]data // and the content, of those that are eventIDs
	sources    []entry
	quarantine []byte // JSON lines
	broken     int    // of them
	bytes      int    // of rows and quarantine
	counts     Counts
	names      map[string]string // one copy of each text in the keys
}

// batchRow is a record that will be a row.
type batchRow struct {
	text string
	id   string // made for a record that has none of its own
	key  trail.RowKey
	at   time.Time
}

func newBatch() *batch {
	return &batch{ids: map[key]data{}, names: map[string]string{}}
}

// add takes a record in. It keeps none of the memory the record is in.
func (b *batch) add(r *record, id entry) {
	row := batchRow{text: strings.Clone(r.text), at: r.at}
	if r.made {
		row.id = strings.Clone(r.id)
	}
	row.key = trail.RowKeyOf(b.keep(r.source), b.keep(r.name), b.keep(r.code), r.at, uint64(len(b.rows)))
	b.rows = append(b.rows, row)
	b.ids[id.key] = id.data
	b.bytes += len(r.text) + 200
}

func (b *batch) keep(s string) string {
	if k, ok := b.names[s]; ok {
		return k
	}
	s = strings.Clone(s)
	b.names[s] = s
	return s
}

// quarantined is a line of a quarantine file.
type quarantined struct {
	Time   time.Time `json:"time"`             // when it was met
	File   string    `json:"file"`             // where it was
	Offset int64     `json:"offset"`           // in the file, unpacked
	Size   int64     `json:"size"`             // how many bytes are broken
	Reason string    `json:"reason"`           // why they cannot be read
	Bytes  string    `json:"bytes,omitempty"`  // the first of them
	Base64 string    `json:"base64,omitempty"` // the same, where they are no text
}

// setAside takes a broken record in.
func (b *batch) setAside(q quarantined, sample string, k key) {
	if utf8.ValidString(sample) {
		q.Bytes = sample
	} else {
		q.Base64 = base64.StdEncoding.EncodeToString([]byte(sample))
	}
	line, _ := json.Marshal(q) // it has nothing that JSON has not
	b.quarantine = append(append(b.quarantine, line...), '\n')
	b.broken++
	b.bytes += len(line)
	b.ids[k] = data{}
}

// commit makes a batch part of the import.
func (s *store) commit(b *batch) error {
	next := s.next()
	files, err := s.writeRows(next.Generation, b.rows)
	if err != nil {
		return err
	}
	next.Files = append(next.Files, files...)
	if len(b.quarantine) > 0 {
		path := filepath.Join(quarantineName, fmt.Sprintf("%012d.jsonl", next.Generation))
		f, err := trail.CreateFile(s.fs, filepath.Join(s.dir, path), func(w io.Writer) error {
			_, err := w.Write(b.quarantine)
			return err
		})
		if err != nil {
			return fmt.Errorf("write quarantine: %w", err)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("write quarantine: %w", err)
		}
		next.Quarantine = append(next.Quarantine, quarantinedFile{path, b.broken, int64(len(b.quarantine))})
	}
	ids := make([]entry, 0, len(b.ids))
	for k, d := range b.ids {
		ids = append(ids, entry{k, d})
	}
	idRuns, err := s.ids.grow(next.Generation, ids)
	if err != nil {
		return err
	}
	sourceRuns, err := s.sources.grow(next.Generation, b.sources)
	if err != nil {
		s.ids.abandon(idRuns)
		return err
	}
	next.IDs, next.Sources = infos(idRuns), infos(sourceRuns)
	next.Totals.add(b.counts)
	if err := s.swap(next); err != nil {
		s.ids.abandon(idRuns)
		s.sources.abandon(sourceRuns)
		return err
	}
	s.ids.adopt(idRuns)
	s.sources.adopt(sourceRuns)
	return nil
}

// rowFile is a Parquet file to be written.
type rowFile struct {
	path        string
	first, last time.Time
	rows        []batchRow
}

// divide says which rows go to which file, and sorts them for it.
func divide(generation uint64, rows []batchRow) []rowFile {
	days := map[int64][]batchRow{}
	for _, r := range rows {
		day := r.at.Unix() / (24 * 60 * 60)
		days[day] = append(days[day], r)
	}
	order := make([]int64, 0, len(days))
	for day := range days {
		order = append(order, day)
	}
	slices.Sort(order)
	var files []rowFile
	add := func(rows []batchRow) {
		if len(rows) == 0 {
			return
		}
		slices.SortFunc(rows, func(a, b batchRow) int { return a.key.Compare(b.key) })
		f := rowFile{rows: rows, first: rows[0].at, last: rows[0].at}
		for _, r := range rows {
			if r.at.Before(f.first) {
				f.first = r.at
			}
			if r.at.After(f.last) {
				f.last = r.at
			}
		}
		name := fmt.Sprintf("%012d-%04d", generation, len(files))
		from, to := f.first.Format(time.DateOnly), f.last.Format(time.DateOnly)
		if from != to {
			name += "-to-" + to
		}
		f.path = filepath.Join("day="+from, name+".parquet")
		files = append(files, f)
	}
	var few []batchRow // of days with few
	for _, day := range order {
		of := days[day]
		if len(of) < wholeDay {
			if few = append(few, of...); len(few) >= fileRows/2 {
				add(few)
				few = nil
			}
			continue
		}
		parts := (len(of) + fileRows - 1) / fileRows
		slices.SortFunc(of, func(a, b batchRow) int { return a.key.Compare(b.key) })
		for i := range parts {
			add(of[i*len(of)/parts : (i+1)*len(of)/parts])
		}
	}
	add(few)
	return files
}

// writeRows makes the Parquet files of a batch.
func (s *store) writeRows(generation uint64, rows []batchRow) ([]trail.ImportedFile, error) {
	var done []trail.ImportedFile
	for _, f := range divide(generation, rows) {
		file, err := s.writeFile(f)
		if err != nil {
			return nil, fmt.Errorf("write imported events: %w", err)
		}
		done = append(done, file)
	}
	return done, nil
}

// writeFile makes one. Rows are flattened beside the writing of those before.
func (s *store) writeFile(f rowFile) (trail.ImportedFile, error) {
	out, err := trail.WriteImported(s.fs, s.dataDir, f.path, func(w trail.RowWriter) error {
		flats := make(chan []sqlfront.Flat, 1) // one is written, one waits, one is being made
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(flats)
			for rows := range slices.Chunk(f.rows, writeRows) {
				chunk := make([]sqlfront.Flat, len(rows))
				for i := range rows {
					chunk[i] = rows[i].flat()
				}
				select {
				case flats <- chunk:
				case <-stop:
					return
				}
			}
		})
		defer wg.Wait()
		defer close(stop)
		for chunk := range flats {
			if err := w.Write(chunk); err != nil {
				return err
			}
		}
		return nil
	})
	out.First, out.Last = f.first, f.last
	return out, err
}

// flat is the record as a row of CloudTrailLogs. Its appendTime is its
// eventTime and its seq NULL, as with all that the trail did not append.
func (r *batchRow) flat() sqlfront.Flat {
	f := sqlfront.FlattenScanned(r.text, 0, r.at)
	if r.id != "" {
		f.EventID = &r.id
	}
	if f.EventTime == nil {
		f.EventTime = &r.at
	}
	return f
}
