package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/trailgate/trailgate/internal/trail"
)

// ErrLocked means that another import is at work on the data directory.
var ErrLocked = errors.New("another import is running on this data directory")

// Options are an import's. DataDir and Source are needed.
type Options struct {
	DataDir string
	Source  Source
	Since   time.Time // leave out what happened before; zero takes all
	Follow  bool      // go on with what arrives, until the context ends
	// Own says whether a record is one of this installation's own events, which
	// are in the trail already; nil takes all.
	Own func(eventSource, recipientAccountID string) bool
	// Progress is told now and then how far the import is; nil tells nobody.
	Progress func(Progress)

	FS        trail.FS         // nil is the operating system's
	Now       func() time.Time // nil is time.Now
	BatchRows int              // 0 is 24,000
	BatchSize int              // bytes; 0 is 36 MiB
}

// Defaults of a batch: two are in memory at a time.
const (
	defaultBatchRows = 24_000
	defaultBatchSize = 36 << 20
)

// scanners is how many files are read at a time.
const scanners = 2

// Progress is how far an import is.
type Progress struct {
	Counts
	FilesDone  int // of FilesTotal; an import that follows begins again with each look
	FilesTotal int
	Bytes      int64 // of the files that are done
	BytesTotal int64
	Done       bool // all that was there has been imported
}

// Report is what an import did.
type Report struct {
	Counts
	Totals     Counts  `json:"totals"` // of all imports into this data directory
	Notes      []Note  `json:"notes,omitempty"`
	Quarantine string  `json:"quarantine,omitempty"` // the directory of what was quarantined, if anything was
	Seconds    float64 `json:"seconds"`
}

// Note is what was wrong with a file.
type Note struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// maxNotes bounds a report.
const maxNotes = 100

// Run imports what a source has and returns what came of it, also with an
// error: what was committed before stays. When ctx ends, what has been read is
// committed first; the error is ctx's then, unless the import follows.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.FS == nil {
		o.FS = trail.OS()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BatchRows <= 0 {
		o.BatchRows = defaultBatchRows
	}
	if o.BatchSize <= 0 {
		o.BatchSize = defaultBatchSize
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	began := o.Now()
	s, err := openStore(o.FS, o.DataDir, o.Now)
	if err != nil {
		return Report{}, fmt.Errorf("open imports: %w", err)
	}
	im := &importer{Options: o, store: s, seed: s.catalogue.Seed, noted: map[string]bool{}}
	err = im.run(ctx)
	im.report.Totals = s.catalogue.Totals
	if im.report.Quarantined > 0 {
		im.report.Quarantine = s.quarantineDir()
	}
	im.report.Seconds = o.Now().Sub(began).Seconds()
	return im.report, errors.Join(err, s.close())
}

// importer is one run.
type importer struct {
	Options
	store  *store
	seed   uint64 // the catalogue's, which readers may not touch: it is swapped meanwhile
	report Report
	noted  map[string]bool
	total  Progress // FilesTotal and BytesTotal, and Bytes so far
	told   time.Time
}

func (im *importer) run(ctx context.Context) error {
	for round := 0; ; round++ {
		files, skipped, err := im.Source.List(ctx, im.Since, round > 0)
		switch {
		case err == nil:
			err = im.round(ctx, files, skipped, round > 0)
		case im.Follow && round > 0 && ctx.Err() == nil: // a network that is away for a while
			im.note(im.Source.String(), err.Error())
			err = nil
		}
		if err != nil && (ctx.Err() == nil || !errors.Is(err, context.Cause(ctx))) {
			return err
		}
		if ctx.Err() == nil {
			if err := im.store.compact(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if ctx.Err() != nil {
			if im.Follow {
				return nil
			}
			return context.Cause(ctx)
		}
		if !im.Follow {
			return nil
		}
		select {
		case <-time.After(im.Source.Every()):
		case <-ctx.Done():
			return nil
		}
	}
}

// part is some of what is in a file.
type part struct {
	file     File
	source   key // of the file
	known    *data
	findings []finding
	ids      []entry // eventID and content of the findings that are records
	last     bool    // of the file
	size     int64   // of the unpacked file, with last
	cut      error   // with last: the file breaks off
	err      error   // with last: the file could not be read
}

// A part is handed on when it has so many findings or bytes.
const (
	partFindings = 1000
	partSize     = 2 << 20
)

// round imports files once. again says that files which are known were counted
// before.
func (im *importer) round(ctx context.Context, files []File, skipped map[string]int, again bool) error {
	im.total = Progress{FilesTotal: len(files)}
	for _, f := range files {
		im.total.BytesTotal += f.Size
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan File)
	parts := make(chan part)
	var wg, readers sync.WaitGroup
	wg.Go(func() {
		defer close(jobs)
		for _, f := range files {
			select {
			case jobs <- f:
			case <-reading.Done():
				return
			}
		}
	})
	for range scanners {
		readers.Go(func() {
			r := &reader{im: im, parts: parts, again: again}
			for f := range jobs {
				if r.read(reading, f) != nil {
					return
				}
			}
		})
	}
	wg.Go(func() { readers.Wait(); close(parts) })
	b := &batcher{im: im, since: im.Since, batch: newBatch(), quarantined: map[key]int{}, partial: map[key]bool{}, fileCounts: map[key]*Counts{}}
	if !again {
		for why, n := range skipped {
			b.batch.counts.skip(why, int64(n))
			im.report.skip(why, int64(n))
		}
	}
	err := b.take(parts)
	cancel()
	for range parts { // readers end by themselves
	}
	wg.Wait()
	err = errors.Join(err, b.flush(err == nil))
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	im.tell(true)
	return err
}

// tell reports progress, not more often than is of use.
func (im *importer) tell(now bool) {
	at := im.Now()
	if !now && at.Sub(im.told) < 100*time.Millisecond {
		return
	}
	im.told = at
	p := im.total
	p.Counts, p.Done = im.report.Counts.clone(), now
	im.Progress(p)
}

func (im *importer) note(file, text string) {
	file, text = harmless(file), harmless(text)
	if len(im.report.Notes) < maxNotes && !im.noted[file+"\x00"+text] {
		im.noted[file+"\x00"+text] = true
		im.report.Notes = append(im.report.Notes, Note{file, text})
	}
}

// harmless is text that goes to a terminal: names of files are a stranger's.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// reader is one of the goroutines that read files.
type reader struct {
	im     *importer
	parts  chan<- part
	again  bool
	unpack unpacker
	buf    []byte
}

// read hands on what is in a file. An error is that ctx has ended.
func (r *reader) read(ctx context.Context, f File) error {
	p := part{file: f, source: keyOf("file", r.im.Source.String(), f.Name, f.version())}
	if d, ok, err := r.im.store.sources.find(p.source); err != nil {
		p.err, p.last = err, true
		return r.send(ctx, p)
	} else if ok {
		if r.again {
			return nil
		}
		p.known, p.last = &d, true
		return r.send(ctx, p)
	}
	in, err := r.im.Source.Open(ctx, f)
	if err != nil {
		p.err, p.last = err, true
		return r.send(ctx, p)
	}
	defer in.Close()
	if r.buf == nil {
		r.buf = make([]byte, windowSize)
	}
	text, isJSON := r.unpack.open(sourceReader{in})
	if !isJSON && !isNamedJSON(f.Name) {
		p.findings, p.last = []finding{{skip: skipOther}}, true
		return r.send(ctx, p)
	}
	bytes := 0
	p.size, p.cut, err = scan(text, r.buf, func(x finding) error {
		p.findings = append(p.findings, x)
		id := entry{}
		if x.skip == "" && x.reason == "" {
			id = entry{keyOfID(x.id), contentOf(r.im.seed, x.text).data()}
		}
		p.ids = append(p.ids, id)
		if bytes += len(x.text); len(p.findings) < partFindings && bytes < partSize {
			return nil
		}
		err := r.send(ctx, p)
		p.findings, p.ids, bytes = nil, nil, 0
		return err
	})
	if err != nil {
		return err
	}
	// A disk or a network that fails is no broken file.
	var failed *readError
	if errors.As(p.cut, &failed) {
		p.cut, p.err = nil, failed
	}
	p.last = true
	return r.send(ctx, p)
}

func (r *reader) send(ctx context.Context, p part) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case r.parts <- p:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// readError is a source that fails, unlike a file that is broken.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// sourceReader makes the errors of a source's file *readError.
type sourceReader struct{ r io.Reader }

func (s sourceReader) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &readError{err}
	}
	return n, err
}

// quarantineKey is the same for what was quarantined before.
func quarantineKey(file string, f *finding) key {
	return keyOf("quarantine", file, fmt.Sprint(f.offset), f.reason, f.text)
}
