package logfile

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
)

// record appends the PutDigest event of the newest digest, once.
func (r *runner) record(ctx context.Context) error {
	n := r.state.Record
	done := false
	if r.stale { // an earlier attempt may have come through
		var err error
		if done, err = r.recorded(ctx, n); err != nil {
			return fmt.Errorf("record digest: %w", err)
		}
	}
	if !done {
		r.stale = true
		if err := r.o.Record(ctx, n.event()); err != nil {
			return fmt.Errorf("record digest: %w", err)
		}
	}
	r.stale = false
	st := r.state.clone()
	st.Record = nil
	return r.keep(st)
}

func (n *note) event() event.PutDigest {
	generated := ""
	if !n.Generated.IsZero() {
		generated = n.Generated.UTC().Format(backfillLayout)
	}
	return event.PutDigest{
		Bucket: n.Bucket, Object: n.Object, Start: n.Start.UTC().Format(timeLayout), End: n.End.UTC().Format(timeLayout),
		Hash: n.Hash, Signature: n.Signature, Fingerprint: n.Fingerprint, Generated: generated,
		LogFiles: n.LogFiles, Events: int64(n.Events), Delivered: int64(n.Delivered),
		Head: int64(n.Head.Seq), HeadHash: hex.EncodeToString(n.Head.Hash[:]),
	}
}

// recorded looks for the event of n in the journal after n was made.
func (r *runner) recorded(ctx context.Context, n *note) (bool, error) {
	head := r.o.Journal.Head().Seq
	if head <= n.Head.Seq {
		return false, nil
	}
	found := false
	err := r.o.Journal.Follow(ctx, n.Head.Seq+1, func(entries []event.Entry) error {
		for _, e := range entries {
			if put, ok := readPut(e.JSON); ok && put.Object == n.Object && put.Signature == n.Signature {
				found = true
			}
			if found || e.Seq >= head {
				return errEnough
			}
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		return false, err
	}
	return found, nil
}

// putDigestName is the eventName of digests in the trail.
var putDigestName = `"` + event.Name(event.PutDigest{}) + `"`

// putRecord is what a PutDigest event says.
type putRecord struct {
	Bucket, Object, Hash, Signature string
	Generated                       string // of the backfill chain: as the metadata has it
	Delivered                       uint64
}

// readPut reads a record of the trail that is a PutDigest. Only Trailgate itself
// appends these: what it calls itself no client can be called.
func readPut(record []byte) (putRecord, bool) {
	if string(member(record, "eventName")) != putDigestName {
		return putRecord{}, false
	}
	var r struct {
		UserIdentity struct {
			Type      string `json:"type"`
			InvokedBy string `json:"invokedBy"`
		} `json:"userIdentity"`
		EventSource string `json:"eventSource"`
		Request     struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"key"`
		} `json:"requestParameters"`
		Response struct {
			Hash      string `json:"hashValue"`
			Signature string `json:"signature"`
		} `json:"responseElements"`
		Details struct {
			Generated string `json:"backfillGenerationTime"`
			Delivered uint64 `json:"deliveredSequence"`
		} `json:"serviceEventDetails"`
		ErrorCode string `json:"errorCode"`
	}
	if json.Unmarshal(record, &r) != nil || r.ErrorCode != "" || r.UserIdentity.Type != "Service" || r.UserIdentity.InvokedBy != r.EventSource {
		return putRecord{}, false
	}
	return putRecord{r.Request.Bucket, r.Request.Key, r.Response.Hash, r.Response.Signature, r.Details.Generated, r.Details.Delivered}, true
}

// witness tells of the newest digest outside, until that succeeds or there is
// a newer one.
func (r *runner) witness(ctx context.Context) {
	var w Witnessed
	pending, backoff := false, time.Duration(0)
	for {
		timer := time.NewTimer(backoff)
		var due <-chan time.Time
		if pending {
			due = timer.C
		}
		select {
		case w = <-r.tell:
			pending, backoff = r.o.Witness != nil, 0
		case <-due:
			if err := r.o.Witness(ctx, w); err != nil {
				backoff = min(max(2*backoff, retryFirst), retryLast)
				r.o.OnError(fmt.Errorf("tell of digest %s outside: %w", w.Digest.Object, err))
				r.note(func(s *Status) { s.LatestWitnessError = err.Error() })
				break
			}
			pending, backoff = false, 0
			r.note(func(s *Status) { s.LatestWitness, s.LatestWitnessError = r.o.Now().UTC(), "" })
			select {
			case r.told <- w.Digest.Object:
			case <-ctx.Done():
			}
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// markTold notes that the newest digest was told outside. It is kept with the
// next change: telling twice does no harm.
func (r *runner) markTold(object string) {
	if n := r.state.Newest; n != nil && n.Digest.Object == object {
		st := r.state.clone()
		st.Told = true
		r.state = st
	}
}
