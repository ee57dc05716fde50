package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
)

const (
	loadBytes = 1 << 20          // a load is sent when it is this large, at the latest
	stepLimit = 60 * time.Second // how long the worker may take for one load or catalogue
	retry     = time.Second      // between attempts to read the trail
)

// feed keeps one worker's picture of the trail current. Its goroutine sends one
// step at a time and waits for the answer, so the worker's speed is the feed's.
type feed struct {
	e       *Engine
	p       *process
	entries chan []event.Entry // unbuffered: the source waits while the worker loads
	next    uint64             // the next event wanted from the source; the reader of the source owns it
	load    []byte             // a kindLoad frame under construction
	newest  uint64             // the newest event in load or before it
}

func newFeed(e *Engine, p *process) *feed {
	return &feed{e: e, p: p, entries: make(chan []event.Entry), load: newFrame(kindLoad)}
}

// run feeds until ctx ends or the worker fails.
func (f *feed) run(ctx context.Context) error {
	sealed, changed := f.e.o.Source.Sealed()
	if err := f.catalogue(ctx, sealed); err != nil {
		return err // without the sealed files there is nothing true to answer
	}
	f.e.update(func() { f.e.taken = changed })
	f.next = sealed.Seq + 1
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { f.follow(ctx) })
	defer wg.Wait()
	defer cancel()

	tick := time.NewTicker(f.e.o.FeedEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case batch := <-f.entries:
			err = f.add(ctx, batch)
		case <-tick.C:
			err = f.flush(ctx)
		case <-f.e.kick:
			err = f.flush(ctx)
		case <-changed:
			sealed, changed = f.e.o.Source.Sealed()
			// All that is unsealed must be in the hot table before, or be loaded after.
			err = f.catalogue(ctx, sealed)
			var refused *refusedError
			if errors.As(err, &refused) {
				// The last catalogue and the hot table still are the whole trail.
				f.e.o.Log.Error("query worker cannot read sealed files; it keeps the events in memory", "err", err)
				err = nil
			}
			f.e.update(func() { f.e.taken = changed })
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// follow reads the source until ctx ends or the source does.
func (f *feed) follow(ctx context.Context) {
	for {
		err := f.e.o.Source.Follow(ctx, f.next, func(batch []event.Entry) error {
			for len(batch) > 0 && batch[0].Seq < f.next {
				batch = batch[1:]
			}
			for _, e := range batch {
				if e.Seq != f.next {
					return fmt.Errorf("%w: %d follows %d", errSource, e.Seq, f.next-1)
				}
				f.next++
			}
			select {
			case f.entries <- batch:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		if ctx.Err() != nil || err == nil {
			return // nil: a source that does not grow has been read to its end
		}
		f.e.o.Log.Error("query worker cannot follow the trail; trying again", "err", err)
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return
		}
	}
}

// add puts a batch into the load under construction, and sends it when it is
// large or waited for.
func (f *feed) add(ctx context.Context, batch []event.Entry) error {
	for _, e := range batch {
		f.load = appendEntry(f.load, e)
		f.newest = e.Seq
		if len(f.load) >= loadBytes {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
	f.e.mu.Lock()
	waited := f.e.waiting > 0
	f.e.mu.Unlock()
	if waited {
		return f.flush(ctx)
	}
	return nil
}

// flush sends the load under construction, if there is one.
func (f *feed) flush(ctx context.Context) error {
	if len(f.load) == frameHeader {
		return nil
	}
	frame, err := finish(f.load)
	if err != nil {
		return fmt.Errorf("event %d: %w", f.newest, err)
	}
	if err := f.step(ctx, frame); err != nil {
		return fmt.Errorf("load events up to %d: %w", f.newest, err)
	}
	f.load = newFrame(kindLoad) // the writer may still hold the old one
	return nil
}

// catalogue makes the worker take over c.
func (f *feed) catalogue(ctx context.Context, c query.Catalogue) error {
	files := make([]string, len(c.Files))
	for i, name := range c.Files {
		var err error
		if files[i], err = filepath.Abs(name); err != nil { // the worker runs elsewhere
			return fmt.Errorf("catalogue: %w", err)
		}
	}
	frame, err := jsonFrame(kindCatalogue, catalogue{Files: files, Seq: c.Seq})
	if err != nil {
		return err
	}
	return f.step(ctx, frame)
}

// refusedError is a step that the worker did not make.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// step sends one frame and waits until the worker has made it visible.
func (f *feed) step(ctx context.Context, frame []byte) error {
	limit := time.NewTimer(stepLimit)
	defer limit.Stop()
	if err := f.p.send(frame, limit.C); err != nil {
		return err
	}
	select {
	case a := <-f.p.steps:
		for _, note := range a.Notes {
			f.e.o.Log.Error("query worker cannot read a record; its columns are NULL", "err", note)
		}
		if a.Error != "" {
			return &refusedError{a.Error}
		}
		f.e.show(f.p, a.Seq)
		return nil
	case <-limit.C:
		return errDeaf
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
