package importer

import (
	"context"
	"fmt"
	"slices"

	"github.com/trailgate/trailgate/internal/trail"
)

// Small files are merged when an import ends: those of neighbouring days
// together, up to a batch at a time, if that makes few of many.
const (
	smallFile   = wholeDay * 4 // rows
	mergeRows   = fileRows
	worthMerge  = 4 // files that become one
	mergeRounds = 64
)

// compact merges small files. Those they replace stay for a while: a query may
// be reading them.
func (s *store) compact(ctx context.Context) error {
	for range mergeRounds {
		group := s.mergeable()
		if len(group) == 0 {
			return nil
		}
		if err := s.merge(ctx, group); err != nil {
			return fmt.Errorf("merge imported files: %w", err)
		}
	}
	return nil
}

// mergeable is the first group of small files, neighbours in time, that are
// worth merging.
func (s *store) mergeable() []trail.ImportedFile {
	var small []trail.ImportedFile
	for _, f := range s.catalogue.Files {
		if f.Rows < smallFile {
			small = append(small, f)
		}
	}
	slices.SortFunc(small, func(a, b trail.ImportedFile) int { return a.First.Compare(b.First) })
	for len(small) > 0 {
		n, rows := 0, 0
		for n < len(small) && (n == 0 || rows+small[n].Rows <= mergeRows) {
			rows += small[n].Rows
			n++
		}
		if n >= worthMerge*results(small[:n]) {
			return small[:n]
		}
		small = small[max(1, n):]
	}
	return nil
}

// results is about how many files will come of a group.
func results(group []trail.ImportedFile) (n int) {
	rows := map[int64]int{}
	const day = 24 * 60 * 60
	for _, f := range group {
		if f.First.Unix()/day == f.Last.Unix()/day {
			rows[f.First.Unix()/day] += f.Rows
		} else {
			rows[-1] = 1 // several days
		}
	}
	others := 0
	for _, of := range rows {
		if of >= wholeDay {
			n++
		} else {
			others = 1
		}
	}
	return n + others
}

func (s *store) merge(ctx context.Context, group []trail.ImportedFile) error {
	b := newBatch()
	for _, f := range group {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := trail.EachImported(s.fs, s.dataDir, f.Path, func(text string) error {
			return judge(text, 0, 0, func(x finding) error {
				if x.reason != "" || x.skip != "" {
					return fmt.Errorf("%w: %s has a row that is no record: %s%s", trail.ErrDamaged, f.Path, x.reason, x.skip)
				}
				b.add(&x.record, entry{key: keyOfID(x.id)}) // its content is in the index already
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	next := s.next()
	files, err := s.writeRows(next.Generation, b.rows)
	if err != nil {
		return err
	}
	var kept []trail.ImportedFile
	for _, f := range next.Files {
		if !slices.ContainsFunc(group, func(g trail.ImportedFile) bool { return g.Path == f.Path }) {
			kept = append(kept, f)
		}
	}
	next.Files = append(kept, files...)
	next.ReplacedAt = s.now()
	for _, f := range group {
		next.Replaced = append(next.Replaced, f.Path)
	}
	return s.swap(next)
}
