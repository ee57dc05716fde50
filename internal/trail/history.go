package trail

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// WriteHistory puts entries that are not in the journal into Parquet
// partitions of their own, one for each day they happened on, and into the
// catalogue: history from elsewhere, which is queried but triggers nothing.
// Their seq is NULL whatever it is in the entry. History of the same name is
// replaced. No server may run on the data directory: ErrLocked.
func WriteHistory(dir, name string, entries func(yield func(event.Entry) bool)) (rows int, err error) {
	return writeHistory(osFS{}, dir, name, entries)
}

func writeHistory(fsys FS, dir, name string, entries func(yield func(event.Entry) bool)) (rows int, err error) {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return 0, fmt.Errorf("write history: the name %q has more than small letters, digits and hyphens", name)
	}
	t, err := Open(dir, Options{FS: fsys})
	if err != nil {
		return 0, fmt.Errorf("write history: %w", err)
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	days := map[string][]historyRow{}
	for e := range entries {
		flat, err := sqlfront.Flatten(e.JSON, 0, e.AppendTime)
		if err != nil {
			return 0, fmt.Errorf("write history: %w", err)
		}
		day := dayOf(&flat, e.AppendTime)
		days[day] = append(days[day], historyRow{keyOf(&flat, uint64(rows)), flat})
		rows++
	}
	file := historyPrefix + name + sealExt
	c, _ := t.sealed.get()
	next := catalogue{Version: catalogueVersion, Seq: c.Seq}
	for _, s := range c.Files {
		if filepath.Base(s.Path) != file {
			next.Files = append(next.Files, s)
		}
	}
	for _, day := range sortedDays(days) {
		list := days[day]
		slices.SortFunc(list, func(a, b historyRow) int { return a.compare(b.sortKey) })
		s, err := writeSeal(t.fs, dir, filepath.Join(partitionPrefix+day, file), tightly, func(w *parquetWriter) error {
			for _, row := range list {
				if err := w.add(row.flat); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("write history: %w", err)
		}
		next.Files = append(next.Files, s)
	}
	if err := writeCatalogue(t.fs, dir, next); err != nil {
		return 0, fmt.Errorf("write history: %w", err)
	}
	return rows, nil
}

// historyPrefix begins the names of its files.
const historyPrefix = "history-"

type historyRow struct {
	sortKey
	flat sqlfront.Flat
}
