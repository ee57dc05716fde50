package logfile

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trailgate/trailgate/event"
)

// builder packs a log file as its events come. The same events always make the
// same text.
type builder struct {
	limit       int // of the text; 0 is MaxText
	first, last uint64
	size        int
	oldest      time.Time
	newest      time.Time
	said        string    // eventTime of the last event, as its record has it
	at          time.Time // the same; most events share theirs with the one before
	sum         hash.Hash
	body        bytes.Buffer
	packer      *gzip.Writer
}

func (b *builder) empty() bool { return b.first == 0 }

// add reports false, and takes nothing, when e does not fit any more or does
// not follow the last.
func (b *builder) add(e event.Entry) bool {
	if !b.empty() && (b.size+len(",")+len(e.JSON)+len(envelopeClose) > cmp.Or(b.limit, MaxText) || e.Seq != b.last+1) {
		return false
	}
	if b.empty() {
		b.first = e.Seq
		b.sum = sha256.New()
		b.packer = newPacker(&b.body)
		b.write(envelopeOpen)
	} else {
		b.write(",")
	}
	b.last = e.Seq
	b.sum.Write(e.JSON)
	b.packer.Write(e.JSON) // to memory
	b.size += len(e.JSON)
	if raw := member(e.JSON, "eventTime"); b.said == "" || string(raw) != b.said {
		b.said, b.at = string(raw), eventTime(e)
	}
	at := b.at
	if b.oldest.IsZero() || at.Before(b.oldest) {
		b.oldest = at
	}
	if at.After(b.newest) {
		b.newest = at
	}
	return true
}

func (b *builder) write(s string) {
	b.sum.Write([]byte(s))
	b.packer.Write([]byte(s))
	b.size += len(s)
}

// built is a finished file.
type built struct {
	body           []byte
	hash           string
	first, last    uint64
	oldest, newest time.Time
}

// finish ends the file; b is empty again.
func (b *builder) finish() (built, error) {
	b.write(envelopeClose)
	if err := b.packer.Close(); err != nil {
		return built{}, fmt.Errorf("pack log file: %w", err)
	}
	packers.Put(b.packer)
	f := built{bytes.Clone(b.body.Bytes()), hex.EncodeToString(b.sum.Sum(nil)), b.first, b.last, b.oldest, b.newest}
	*b = builder{limit: b.limit}
	return f, nil
}

// eventTime is a record's; of one that has none, when it was appended.
func eventTime(e event.Entry) time.Time {
	var text string
	if json.Unmarshal(member(e.JSON, "eventTime"), &text) == nil {
		if t, err := time.Parse(timeLayout, text); err == nil {
			return t
		}
	}
	return e.AppendTime.UTC().Truncate(time.Second)
}

var errEnough = errors.New("enough was read")

// rebuild makes the file of the events first to last again.
func rebuild(ctx context.Context, j Journal, first, last uint64) (built, error) {
	b := builder{limit: math.MaxInt} // it fitted once
	if j.Head().Seq < last {
		return built{}, fmt.Errorf("make the log file of events %d to %d again: the journal ends at %d", first, last, j.Head().Seq)
	}
	err := j.Follow(ctx, first, func(entries []event.Entry) error {
		for _, e := range entries {
			if want := max(first, b.last+1); e.Seq != want {
				return fmt.Errorf("the journal has event %d where %d should be", e.Seq, want)
			}
			b.add(e)
			if e.Seq == last {
				return errEnough
			}
		}
		return nil
	})
	if !errors.Is(err, errEnough) || b.last != last {
		return built{}, fmt.Errorf("make the log file of events %d to %d again: %w", first, last, err)
	}
	return b.finish()
}
