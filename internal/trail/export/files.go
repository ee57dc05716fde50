package export

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// A log file has the events of one account, region and day. Its name follows
// from what is in it, so that the same export makes the same files.
const (
	fileBytes = logfile.MaxText - 1<<20
	heldBytes = 2 * logfile.MaxText
)

// files is cloudtrail: log files in AWS's layout.
type files struct {
	to    blob.Bucket
	each  int // a file is written when it is this large
	all   int // and all are when they are together
	open  map[group]*file
	held  int
	wrote *int
}

// group is what the events of a file share.
type group struct{ account, region, day string }

// file is a log file under construction.
type file struct {
	records [][]byte
	bytes   int
	newest  time.Time
}

func newFiles(to blob.Bucket, wrote *int) *files {
	return &files{to: to, each: fileBytes, all: heldBytes, open: map[group]*file{}, wrote: wrote}
}

func (f *files) add(ctx context.Context, r record) error {
	g := group{cmp.Or(r.account, unknownAccount), cmp.Or(r.region, unknownRegion), r.time.Format(time.DateOnly)}
	at := f.open[g]
	if at == nil {
		at = &file{}
		f.open[g] = at
	}
	at.records = append(at.records, r.text)
	at.bytes += len(r.text) + 1
	f.held += len(r.text) + 1
	if r.time.After(at.newest) {
		at.newest = r.time
	}
	if f.held >= f.all {
		return f.finish(ctx)
	}
	if at.bytes >= f.each {
		return f.write(ctx, g)
	}
	return nil
}

// What a record says that names no account or region.
const (
	unknownAccount = "000000000000"
	unknownRegion  = "unknown"
)

func (f *files) finish(ctx context.Context) error {
	groups := slices.SortedFunc(maps.Keys(f.open), func(a, b group) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region), cmp.Compare(a.day, b.day))
	})
	for _, g := range groups {
		if err := f.write(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (f *files) write(ctx context.Context, g group) error {
	at := f.open[g]
	delete(f.open, g)
	f.held -= at.bytes
	body := logfile.Encode(at.records)
	key := logfile.Layout{AccountID: g.account, Region: g.region}.LogKey(at.newest, unique(body))
	if _, ok := logfile.ParseKey(key); !ok {
		return fmt.Errorf("an event of account %q in region %q has no place in the layout", g.account, g.region)
	}
	if err := f.to.Put(ctx, key, logfile.Pack(body), nil); err != nil {
		return fmt.Errorf("write log file: %w", err)
	}
	*f.wrote++
	return nil
}

// unique makes the unique part of a name from what is in the file.
func unique(body []byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	sum := sha256.Sum256(body)
	out := make([]byte, 16)
	for i := range out {
		out[i] = letters[(int(sum[2*i])<<8|int(sum[2*i+1]))%len(letters)]
	}
	return string(out)
}
