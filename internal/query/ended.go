package query

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
)

// Ended is the event of what came of a query, with the error code and message
// where it was not answered. r may be nil.
func Ended(id string, r *Result, took time.Duration, err error) (e event.EndQuery, code, message string) {
	e = event.EndQuery{QueryID: id, Millis: took.Milliseconds()}
	if r != nil {
		e.Rows, e.Truncated = len(r.Rows), r.Truncated
		e.Events, e.Bytes, e.RowGroups = r.Scanned.Rows, r.Scanned.Bytes, r.Scanned.RowGroups
	}
	if err != nil {
		code = codeOf(err)
		message, _, _ = strings.Cut(err.Error(), "\n")
	}
	return e, code, message
}

func codeOf(err error) string {
	switch {
	case errors.Is(err, ErrLimit):
		return "QueryStopped"
	case errors.Is(err, ErrFailed):
		return "QueryFailed"
	case errors.Is(err, ErrUnavailable):
		return "EngineUnavailable"
	case errors.Is(err, ErrDenied):
		return event.AccessDenied
	case errors.Is(err, context.Canceled):
		return "QueryCancelled"
	default:
		return "InternalFailure"
	}
}
