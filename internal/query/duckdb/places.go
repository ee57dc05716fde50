package duckdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trailgate/trailgate/internal/query"
)

// places are where statements run. Whoever asks much waits for an end of their
// own statements before they wait for one of the places of all, so there is
// always a place in reach of the others.
type places struct {
	all chan struct{} // maxRunning

	mu  sync.Mutex // guards below
	own map[string]*ownPlaces
}

type ownPlaces struct {
	taken chan struct{} // maxEach
	users int           // how many have or want one
}

func newPlaces() *places {
	return &places{all: make(chan struct{}, maxRunning), own: map[string]*ownPlaces{}}
}

// take waits for a place until ctx ends or for so long; leave gives it back. by
// is who asks; nobody's statements are limited as one asker's.
func (p *places) take(ctx context.Context, by string, patience time.Duration) (leave func(), err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	wait := func(c chan struct{}, whose string, n int) error {
		select {
		case c <- struct{}{}:
			return nil
		case <-timer.C:
			return fmt.Errorf("%w: %d %squeries are running", query.ErrUnavailable, n, whose)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if by == "" {
		if err := wait(p.all, "other ", maxRunning); err != nil {
			return nil, err
		}
		return func() { <-p.all }, nil
	}
	mine := p.use(by)
	if err := wait(mine.taken, "of your other ", maxEach); err != nil {
		p.leave(by, mine)
		return nil, err
	}
	if err := wait(p.all, "other ", maxRunning); err != nil {
		<-mine.taken
		p.leave(by, mine)
		return nil, err
	}
	return func() {
		<-p.all
		<-mine.taken
		p.leave(by, mine)
	}, nil
}

func (p *places) use(by string) *ownPlaces {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.own[by]
	if mine == nil {
		mine = &ownPlaces{taken: make(chan struct{}, maxEach)}
		p.own[by] = mine
	}
	mine.users++
	return mine
}

func (p *places) leave(by string, mine *ownPlaces) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(p.own, by)
	}
}
