package duckdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/internal/query"
)

// killAfter is how long a worker may take to end a statement whose time is up
// or that was canceled. Then it is killed, and buryAfter is how long whoever
// asked waits for that: together, a statement is never late by half a second.
const (
	killAfter = 350 * time.Millisecond
	buryAfter = 100 * time.Millisecond
)

// ask runs one statement in the worker. It returns within half a second
// of the statement's end of time or of ctx.
func (p *process) ask(ctx context.Context, q ask) (*query.Result, *query.Plan, error) {
	start := time.Now()
	a := &answer{max: q.MaxBytes, done: make(chan struct{})}
	p.mu.Lock()
	p.nextID++
	a.id, q.ID = p.nextID, p.nextID
	p.asks[a.id] = a
	p.mu.Unlock()
	if p.ended() { // perhaps before it knew of this one
		return nil, nil, query.ErrUnavailable
	}
	frames, err := snapshotFrames(q.ID, q.beside)
	if err != nil {
		p.mu.Lock()
		delete(p.asks, a.id)
		p.mu.Unlock()
		return nil, nil, err
	}
	frame, err := jsonFrame(kindQuery, q)
	if err != nil {
		return nil, nil, err
	}
	timer := time.NewTimer(q.Timeout + killAfter)
	defer timer.Stop()
	for _, f := range append(frames, frame) {
		if err == nil {
			err = p.send(f, timer.C)
		}
	}
	if err == nil {
		err = p.await(ctx, a, timer)
	}
	if errors.Is(err, errDeaf) {
		p.kill(fmt.Errorf("%w, %s after it should have", errDeaf, killAfter))
		select {
		case <-p.gone:
		case <-time.After(buryAfter):
		}
		err = fmt.Errorf("%w: %s", query.ErrLimit, q.Timeout)
	}
	if ctx.Err() != nil && err != nil {
		return nil, nil, context.Cause(ctx)
	}
	select {
	case <-a.done:
	default: // the reader may still be at it
		return nil, nil, err
	}
	a.result.Elapsed = time.Since(start)
	if err != nil {
		return &query.Result{Scanned: a.result.Scanned, Elapsed: a.result.Elapsed}, nil, err
	}
	return &a.result, a.plan, nil
}

// await waits for the end of an answer, and cancels it when ctx ends.
func (p *process) await(ctx context.Context, a *answer, timer *time.Timer) error {
	select {
	case <-a.done:
		return a.err
	case <-timer.C:
		return errDeaf
	case <-ctx.Done():
	}
	timer.Reset(killAfter)
	frame, err := jsonFrame(kindCancel, ask{ID: a.id})
	if err != nil {
		return err
	}
	if err := p.send(frame, timer.C); err != nil {
		return err
	}
	select {
	case <-a.done:
		return a.err
	case <-timer.C:
		return errDeaf
	}
}

// takeAnswer takes one frame of an answer.
func (p *process) takeAnswer(k kind, body []byte) error {
	var head columns
	var tail done
	var how plan
	var id uint64
	switch k {
	case kindColumns:
		if err := decodeJSON(body, &head); err != nil {
			return err
		}
		id = head.ID
	case kindDone:
		if err := decodeJSON(body, &tail); err != nil {
			return err
		}
		id = tail.ID
	case kindPlan:
		if err := decodeJSON(body, &how); err != nil {
			return err
		}
		id = how.ID
	default:
		if len(body) < 8 {
			return fmt.Errorf("%w: rows of nothing", errProtocol)
		}
		id, body = binary.BigEndian.Uint64(body), body[8:]
	}
	p.mu.Lock()
	a := p.asks[id]
	if k == kindDone {
		delete(p.asks, id)
	}
	p.mu.Unlock()
	if a == nil {
		return fmt.Errorf("%w: an answer to nothing", errProtocol)
	}
	switch k {
	case kindColumns:
		a.result.Columns = head.Columns
	case kindRows:
		if a.bytes += len(body); a.bytes > a.max+maxFrame {
			return fmt.Errorf("%w: an answer over its limit", errProtocol)
		}
		rows, err := decodeRows(body, len(a.result.Columns))
		if err != nil {
			return err
		}
		a.result.Rows = append(a.result.Rows, rows...)
	case kindPlan:
		a.plan = &how.Plan
	case kindDone:
		a.result.Truncated, a.result.Scanned = tail.Truncated, tail.Scanned
		a.err = tail.err()
		close(a.done)
	}
	return nil
}

// err is what an answer's end means to the caller.
func (d done) err() error {
	switch d.Outcome {
	case answered:
		return nil
	case failed:
		return fmt.Errorf("%w: %s", query.ErrFailed, d.Error)
	case limited:
		return fmt.Errorf("%w: %s", query.ErrLimit, d.Error)
	case canceled:
		return context.Canceled
	default:
		return fmt.Errorf("run statement: %s", d.Error)
	}
}
