// Package export takes events out of a trail in bulk, as somebody else's tools
// read them.
//
// The three formats carry the same records: JSON lines and CloudTrail's own files
// byte for byte as they are in the trail, Parquet in the columns of
// CloudTrailLogs.
package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

// Formats there are.
const (
	JSONL      = "jsonl"
	CloudTrail = "cloudtrail"
	Parquet    = "parquet"
)

// Formats in the order that help shows them.
var Formats = []string{JSONL, CloudTrail, Parquet}

// Options say what is exported.
type Options struct {
	Reader   *trail.Reader
	Format   string
	From, To time.Time // bounds of eventTime, both included; zero is open
	Imported bool      // imported events too
	// Out takes jsonl and parquet, Bucket the files of cloudtrail.
	Out      io.Writer
	Bucket   blob.Bucket
	Progress func(done, total int64) // of the trail's events read; nil for none
}

// Report is what was exported.
type Report struct {
	Events   int // of the trail
	Imported int
	Files    int    // of cloudtrail
	Head     uint64 // the newest event that was looked at
}

// encoder writes events in a format.
type encoder interface {
	add(ctx context.Context, r record) error
	finish(ctx context.Context) error
}

// record is an event on its way out.
type record struct {
	text    []byte
	time    time.Time
	account string
	region  string
	row     func() (sqlfront.Flat, error)
}

// Run exports. Whatever it wrote before an error must not be used.
func Run(ctx context.Context, o Options) (Report, error) {
	fail := func(err error) (Report, error) { return Report{}, fmt.Errorf("export events: %w", err) }
	var to encoder
	files := 0
	switch o.Format {
	case JSONL:
		to = &lines{o.Out}
	case Parquet:
		to = &rows{trail.NewParquet(o.Out)}
	case CloudTrail:
		to = newFiles(o.Bucket, &files)
	default:
		return fail(fmt.Errorf("there is no format %q", o.Format))
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	report := Report{Head: o.Reader.Head().Seq}
	first := o.Reader.First()
	err := o.Reader.Follow(ctx, first, func(entries []event.Entry) error {
		for _, e := range entries {
			r, err := parse(e.JSON)
			if err == nil && r.time.IsZero() {
				err = errors.New("its record has no eventTime")
			}
			if err != nil {
				return fmt.Errorf("event %d: %w", e.Seq, err)
			}
			if !o.wants(r.time) {
				continue
			}
			r.row = func() (sqlfront.Flat, error) { return sqlfront.Flatten(e.JSON, e.Seq, e.AppendTime) }
			if err := to.add(ctx, r); err != nil {
				return err
			}
			report.Events++
		}
		if len(entries) > 0 {
			o.Progress(int64(entries[len(entries)-1].Seq-first+1), int64(report.Head-first+1))
		}
		return nil
	})
	if err == nil && o.Imported {
		report.Imported, err = o.imported(ctx, to)
	}
	if err == nil {
		err = to.finish(ctx)
	}
	if err != nil {
		return fail(err)
	}
	report.Files = files
	return report, nil
}

// imported exports the imported events.
func (o Options) imported(ctx context.Context, to encoder) (n int, err error) {
	err = o.Reader.Imported(ctx, func(row sqlfront.Flat) error {
		if row.EventJSON == nil {
			return fmt.Errorf("imported event %s has no record", text(row.EventID))
		}
		r, err := parse([]byte(*row.EventJSON))
		if err != nil {
			return fmt.Errorf("imported event %s: %w", text(row.EventID), err)
		}
		if r.time.IsZero() && row.EventTime != nil { // AWS's own records are not all alike
			r.time = *row.EventTime
		}
		if !o.wants(r.time) {
			return nil
		}
		r.row = func() (sqlfront.Flat, error) { return row, nil }
		n++
		return to.add(ctx, r)
	})
	return n, err
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (o Options) wants(t time.Time) bool {
	return (o.From.IsZero() || !t.Before(o.From)) && (o.To.IsZero() || !t.After(o.To))
}

// parse reads what an export must know of a record.
func parse(text []byte) (record, error) {
	var r struct {
		EventTime          string `json:"eventTime"`
		AWSRegion          string `json:"awsRegion"`
		RecipientAccountID string `json:"recipientAccountId"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, fmt.Errorf("read its record: %w", err)
	}
	at, _ := time.Parse(time.RFC3339, r.EventTime) // zero when there is none
	return record{text: text, time: at.UTC(), account: r.RecipientAccountID, region: r.AWSRegion}, nil
}

// lines is jsonl: a record a line.
type lines struct{ to io.Writer }

func (l *lines) add(_ context.Context, r record) error {
	line := r.text
	if bytes.IndexByte(line, '\n') >= 0 { // ours have none, and in JSON's texts they are escaped
		var b bytes.Buffer
		if err := json.Compact(&b, line); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		line = b.Bytes()
	}
	if _, err := l.to.Write(append(line[:len(line):len(line)], '\n')); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (l *lines) finish(context.Context) error { return nil }

// rows is parquet.
type rows struct{ w *trail.Parquet }

func (p *rows) add(_ context.Context, r record) error {
	row, err := r.row()
	if err != nil {
		return err
	}
	return p.w.Write(row)
}

func (p *rows) finish(context.Context) error { return p.w.Close() }
