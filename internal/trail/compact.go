package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A seal holds minutes, and a query of months would open thousands of them. So
// the seals of a partition become one file when its day is over, and fewer ones
// while it lasts:
//
//	FIRST-LAST.parquet         what the sealer wrote
//	merged-FIRST-LAST.parquet  some of a day's seals
//	day-FIRST-LAST.parquet     all that a day had when it was over
//
// What comes late for a day that is over (an event can be put days after it
// happened) stays in a file of its own until it is worth the rewriting: a file is
// merged only with others that together have a quarter of its rows. So each merge
// makes a file a quarter larger than the largest it rewrites, a single late event
// never rewrites a day, and what is left grows fourfold from file to file: there
// are few of them.
//
// A merge leaves the rows out that a tombstone has removed, and a file that such
// rows are left in is written again without them. One whose hash is not the
// catalogue's is merged with nothing: the damage would be gone, and the loss with
// it.
//
// The new file is durable under its name before the catalogue names it, and
// the catalogue is swapped once. A process that dies before leaves the old files
// and an unnamed one, which the next sweep removes; one that dies after leaves the
// new file and unnamed old ones. The old ones stay for a while, because queries
// may be reading them.
const (
	mergedPrefix = "merged-"
	dayPrefix    = "day-"
	mergeTemp    = "merge" + tempExt
	// worthRewriting is how much larger than the rest a file that is merged may be.
	worthRewriting = 4
	// mergeInputs bounds what a merge keeps in memory. More files go in rounds.
	mergeInputs = 8
	// dayOver is how long after its end a day counts as over: its last events are
	// sealed then, and the windows of most runbooks have moved on.
	dayOver = time.Hour
	// lookEvery is how often the compactor looks whether there is something to do.
	lookEvery = time.Minute
)

// CompactOptions say when seals are merged; zero values are right for a server.
type CompactOptions struct {
	Every time.Duration // a partition is merged at most so often, apart from the first time after its day; 0 is an hour
	// Files is how many seals of a day that lasts are too few to be merged. As
	// many of the newest are left alone, because windows read them: a window opens
	// the files that have events in it, and these are to be small. 0 is 12.
	Files int
	Bytes int64         // a file of this size is merged with nothing and followed by another; 0 is 512 MiB
	Grace time.Duration // how long files stay that were replaced: longer than a query may run; 0 is a minute
	// Gently has a merge rest as long as it works, for what runs beside it.
	Gently bool
	// OnError is told of a merge that failed. Nothing is lost by it: the old files
	// stay, and it is tried again after Every.
	OnError func(error)
}

// Compactor merges the seals of a trail.
type Compactor struct {
	t     *Trail
	o     CompactOptions
	swept <-chan struct{}
	// progress is told how many partitions have been looked at; nil for nobody.
	progress func(done, total int)

	apart    map[string]bool      // seals that could not be read since the start: they are left as they are
	tried    map[string]time.Time // partitions, and when each was merged last or could not be
	replaced []replaced           // in the order they were

	figures compactFigures
}

// replaced are files that have left the catalogue.
type replaced struct {
	paths []string
	at    time.Time
}

// compactFigures are what metrics show.
type compactFigures struct{ merges, files, bytes, failures atomic.Int64 }

// NewCompactor makes a compactor of what s seals; Run does the work.
func NewCompactor(s *Sealer, o CompactOptions) *Compactor {
	if o.Every <= 0 {
		o.Every = time.Hour
	}
	if o.Files <= 0 {
		o.Files = 12
	}
	if o.Bytes <= 0 {
		o.Bytes = 512 << 20
	}
	if o.Grace <= 0 {
		o.Grace = time.Minute
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return &Compactor{t: s.t, o: o, swept: s.swept, apart: map[string]bool{}, tried: map[string]time.Time{}}
}

// Run merges what is due until ctx ends; then it returns nil. It waits for the
// sealer's Run to have swept.
func (c *Compactor) Run(ctx context.Context) error {
	select {
	case <-c.swept:
	case <-ctx.Done():
		return nil
	}
	tick := time.NewTicker(min(lookEvery, c.o.Every))
	defer tick.Stop()
	for {
		c.Compact(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Compact merges what is due now, day after day, and removes what was replaced
// long enough ago. It must not run twice at once.
func (c *Compactor) Compact(ctx context.Context) {
	c.remove()
	catalogue, _ := c.t.sealed.get()
	all := partitions(catalogue)
	for i, partition := range all {
		if c.progress != nil {
			c.progress(i+1, len(all))
		}
		for {
			catalogue, _ := c.t.sealed.get()
			group, name := c.due(partition, filesOf(catalogue, partition))
			if len(group) == 0 || ctx.Err() != nil {
				break
			}
			err := c.merge(ctx, partition, name, group)
			if ctx.Err() != nil {
				return
			}
			if unread := (*unreadError)(nil); errors.As(err, &unread) {
				// The others of its day can be merged.
				c.apart[unread.path] = true
				c.figures.failures.Add(1)
				c.o.OnError(fmt.Errorf("merge %d seals of %s: %w", len(group), partition, err))
				continue
			}
			if err != nil {
				c.tried[partition] = c.t.now()
				c.figures.failures.Add(1)
				c.o.OnError(fmt.Errorf("merge %d seals of %s: %w", len(group), partition, err))
				break
			}
			if name == dayPrefix || len(group) < mergeInputs {
				c.tried[partition] = c.t.now()
			}
		}
	}
}

// partitions are the names of the partitions that have seals, in order.
func partitions(c catalogue) (names []string) {
	for _, s := range c.Files {
		if name := filepath.Dir(s.Path); s.FirstSeq > 0 && strings.HasPrefix(name, partitionPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// filesOf are the seals of a partition. History is none.
func filesOf(c catalogue, partition string) (files []seal) {
	for _, s := range c.Files {
		if s.FirstSeq > 0 && filepath.Dir(s.Path) == partition {
			files = append(files, s)
		}
	}
	return files
}

// due are the files of a partition that are to become one now, none if nothing
// is due, and how the new one's name begins.
func (c *Compactor) due(partition string, files []seal) (group []seal, name string) {
	now := c.t.now()
	if c.rests(partition, now) {
		return nil, ""
	}
	files = slices.DeleteFunc(files, func(s seal) bool { return c.apart[s.Path] })
	over := isOver(partition, now)
	name = mergedPrefix
	if over {
		name = dayPrefix
	}
	if removed := c.t.removedUpTo(); removed > 0 {
		for _, s := range files {
			if s.FirstSeq <= removed && removed < s.LastSeq && len(group) < mergeInputs {
				group = append(group, s)
			}
		}
		if len(group) > 0 {
			return group, name
		}
	}
	small := slices.DeleteFunc(slices.Clone(files), func(s seal) bool { return s.Bytes >= c.o.Bytes })
	if !over { // the newest stay
		slices.SortFunc(small, func(a, b seal) int { return cmp.Compare(a.LastSeq, b.LastSeq) })
		small = small[:max(0, len(small)-c.o.Files)]
		if len(small) <= c.o.Files {
			return nil, ""
		}
	}
	slices.SortStableFunc(small, func(a, b seal) int { return cmp.Compare(a.Rows, b.Rows) })
	if isDay := func(s seal) bool { return strings.HasPrefix(filepath.Base(s.Path), dayPrefix) }; over && !slices.ContainsFunc(files, isDay) {
		if len(small) < 2 {
			return nil, ""
		}
		if len(small) > mergeInputs {
			return small[:mergeInputs], mergedPrefix
		}
		return small, dayPrefix
	}
	return worthMerging(small), name
}

// rests reports whether a partition was merged, or tried, too short a time ago.
func (c *Compactor) rests(partition string, now time.Time) bool {
	last, ok := c.tried[partition]
	return ok && now.Sub(last) < c.o.Every && (isOver(partition, last) || !isOver(partition, now))
}

// isOver reports whether a partition's day is over.
func isOver(partition string, now time.Time) bool {
	day, err := time.Parse(time.DateOnly, strings.TrimPrefix(partition, partitionPrefix))
	return err == nil && !now.Before(day.AddDate(0, 0, 1).Add(dayOver))
}

// worthMerging are the smallest of files, which are in order of their rows: as
// many as can be merged without rewriting one that is too large for the others.
func worthMerging(files []seal) []seal {
	n, sum := 0, 0
	for i, s := range files {
		if i > 0 && s.Rows <= worthRewriting*sum {
			n = i + 1
		}
		sum += s.Rows
	}
	return files[:min(n, mergeInputs)]
}

// removedUpTo is the newest event that a tombstone has removed, 0 for none.
func (t *Trail) removedUpTo() uint64 {
	if s := t.pruning.get().Start; s != nil {
		return s.last()
	}
	return 0
}

// merge makes one file of a group, more if it is too large for one, and has the
// catalogue name it instead of them.
func (c *Compactor) merge(ctx context.Context, partition, name string, group []seal) error {
	m := merger{fs: c.t.fs, dir: c.t.dir, partition: partition, name: name, limit: c.o.Bytes, removed: c.t.removedUpTo(), gently: c.o.Gently}
	files, err := m.merge(ctx, group)
	if err != nil {
		return err
	}
	old := map[string]bool{}
	gone := replaced{at: c.t.now()}
	for _, s := range group {
		old[s.Path] = true
		gone.paths = append(gone.paths, s.Path)
	}
	dropped := false
	err = c.t.sealed.swap(c.t.fs, c.t.dir, func(now catalogue) catalogue {
		next := catalogue{Version: now.Version, Seq: now.Seq}
		for _, s := range now.Files {
			if !old[s.Path] {
				next.Files = append(next.Files, s)
			}
		}
		if dropped = len(next.Files)+len(group) != len(now.Files); dropped {
			return now
		}
		next.Files = append(next.Files, files...)
		return next
	})
	if err != nil { // the new files stay: the catalogue on the disk may name them
		return err
	}
	if dropped {
		m.undo()
		return errors.New("retention has removed one of them meanwhile")
	}
	c.replaced = append(c.replaced, gone)
	c.figures.merges.Add(1)
	c.figures.files.Add(int64(len(group)))
	for _, s := range files {
		c.figures.bytes.Add(s.Bytes)
	}
	return nil
}

// remove removes the files that were replaced long enough ago. Those of an
// earlier process the sealer removes when it starts.
func (c *Compactor) remove() {
	now := c.t.now()
	for len(c.replaced) > 0 && now.Sub(c.replaced[0].at) >= c.o.Grace {
		for _, path := range c.replaced[0].paths {
			if err := c.t.fs.Remove(filepath.Join(eventsDir(c.t.dir), path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				c.o.OnError(fmt.Errorf("remove a seal that was merged: %w", err)) // the next start removes it
			}
		}
		c.replaced = c.replaced[1:]
	}
}
