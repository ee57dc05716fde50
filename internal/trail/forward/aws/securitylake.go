package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/ocsf"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

// How files in Security Lake are. Source: Security Lake User Guide, "Best
// practices for adding custom sources": a file every five minutes at most, one
// class in it, sorted by time, pages of up to 1 MB, zstd.
const (
	secEvents   = 50_000
	secBytes    = 32 << 20
	secPage     = 1 << 20
	secRowGroup = 16 << 10 // rows; far below 256 MB
)

// SecurityLake says where the files go.
type SecurityLake struct {
	Bucket  blob.Bucket
	Prefix  string        // of every key: ext
	Source  string        // what a source's name begins with; its class follows
	Region  string        // of the events, in the key
	Account string        // the same; external where it is not AWS's
	Writer  string        // who writes: no two writers to one lake share it
	Every   time.Duration // how long events wait for their file
}

type securityLake struct {
	o      SecurityLake
	writer string
	files  files
}

// NewSecurityLake makes the sink of a Security Lake: a Parquet file for each
// class and day of a batch. A file's key depends on the first event of its batch
// alone, so a batch that is sent again replaces what is there.
func NewSecurityLake(o SecurityLake) forward.Sink {
	sum := sha256.Sum256([]byte(o.Writer))
	return &securityLake{o, hex.EncodeToString(sum[:8]), newFiles()}
}

func (s *securityLake) String() string {
	return "securitylake://" + path.Join(s.o.Bucket.Name(), s.o.Prefix, s.o.Source+"*")
}

func (s *securityLake) Close() error { return nil }

func (s *securityLake) Limits() forward.Limits {
	return forward.Limits{Events: secEvents, Bytes: secBytes, Linger: s.o.Every, Timeout: 5 * time.Minute}
}

// part is what one file holds.
type part struct {
	class uint32
	day   string
}

// row is where a message goes in its file.
type row struct {
	time int64
	json []byte
}

func (s *securityLake) Send(ctx context.Context, batch []forward.Message) (failed []forward.Failure, err error) {
	// Events are mapped twice, here and when they are written: as rows all of a
	// batch would take ten times the memory.
	parts := map[part][]row{}
	classes := map[part]ocsf.Event{}
	for _, m := range batch {
		e, err := ocsf.Map(m.JSON)
		if err != nil {
			failed = append(failed, forward.Failure{Seq: m.Seq, Final: true, Reason: err.Error()})
			continue
		}
		at := e.Common().Time
		p := part{uint32(e.Class().UID), time.UnixMilli(at).UTC().Format("20060102")}
		parts[p] = append(parts[p], row{at, m.JSON})
		classes[p] = e
	}
	order := func(a, b part) int { return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.day, b.day)) }
	for _, p := range slices.SortedFunc(maps.Keys(parts), order) {
		body, err := s.files.file(classes[p], parts[p])
		if err != nil {
			return nil, err
		}
		key := path.Join(s.o.Prefix, s.o.Source+classes[p].Class().Source(), "region="+s.o.Region, "accountId="+s.o.Account, "eventDay="+p.day,
			fmt.Sprintf("trailgate-%s-%020d.parquet", s.writer, batch[0].Seq))
		if err := s.o.Bucket.Put(ctx, key, body, nil); err != nil {
			return nil, fmt.Errorf("put %s: %w", key, err)
		}
	}
	return failed, nil
}
