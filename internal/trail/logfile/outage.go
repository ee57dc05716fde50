package logfile

import (
	"context"
	"time"

	"github.com/trailgate/trailgate/event"
)

// longOutage is a stretch without delivery that the trail itself tells of:
// a whole digest's, as CloudTrail makes them.
const longOutage = time.Hour

// outage is a stretch in which nothing could be delivered.
type outage struct {
	since  time.Time // zero for none
	reason string    // what failed first
}

// begins notes the first failure.
func (o *outage) begins(now time.Time, err error) {
	if o.since.IsZero() {
		*o = outage{now, err.Error()}
	}
}

// delivers is called when delivery works. After a long outage it appends a
// DetectGap: nothing is lost, but for so long nobody outside had the events.
func (r *runner) delivers(ctx context.Context) error {
	if r.outage.since.IsZero() {
		return nil
	}
	if now := r.o.Now(); now.Sub(r.outage.since) >= longOutage {
		e := event.DetectGap{What: "log files", From: stamp(r.outage.since), To: stamp(now), Reason: r.outage.reason}
		if err := r.o.Record(ctx, e); err != nil {
			return err
		}
	}
	r.outage = outage{}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
