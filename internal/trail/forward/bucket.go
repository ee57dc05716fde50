package forward

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// bucket writes log files in CloudTrail's layout: what reads AWS's own trails
// (Athena, SIEMs) reads these. A file's key depends on its first event alone, and
// a batch always begins behind the cursor, so one that is sent again replaces
// what is there: the bucket holds each event once.
type bucket struct {
	name   string // the forwarder's
	to     blob.Bucket
	layout logfile.Layout
	every  time.Duration
}

// NewBucket makes the sink of a bucket. A file is written when every is over or
// it is large.
func NewBucket(name string, to blob.Bucket, layout logfile.Layout, every time.Duration) Sink {
	return &bucket{name, to, layout, every}
}

// logFileBytes bounds a file before it is packed. CloudTrail writes 50 MB at
// most; a batch is in memory, so these are smaller.
const logFileBytes = 16 << 20

func (s *bucket) String() string { return "s3://" + s.to.Name() + "/" + s.layout.LogPrefix() }

func (s *bucket) Limits() Limits {
	return Limits{Events: 50_000, Bytes: logFileBytes, Size: func(m Message) int { return len(m.JSON) + 1 }, Linger: s.every, Timeout: 2 * time.Minute}
}

func (s *bucket) Close() error { return nil }

func (s *bucket) Send(ctx context.Context, batch []Message) ([]Failure, error) {
	records := make([][]byte, len(batch))
	for i, m := range batch {
		records[i] = m.JSON
	}
	key := s.layout.LogKey(batch[0].Appended, s.unique(batch[0].Seq))
	if err := s.to.Put(ctx, key, logfile.Pack(logfile.Encode(records)), nil); err != nil {
		return nil, fmt.Errorf("put %s: %w", key, err)
	}
	return nil, nil
}

// unique is the 16 letters and digits at the end of a log file's name, the same
// for the same forwarder and first event.
func (s *bucket) unique(seq uint64) string {
	sum := sha256.Sum256([]byte(s.layout.ARN() + "\n" + s.name + "\n" + strconv.FormatUint(seq, 10)))
	text := new(big.Int).SetBytes(sum[:]).Text(62)
	return text[:16] // of 43, but for one in 2¹⁶⁶
}
