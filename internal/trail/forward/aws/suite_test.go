package aws

import (
	"testing"

	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

const channel = "arn:aws:cloudtrail:" + region + ":111122223333:channel/01234567-89ab-cdef-0123-456789abcdef"

// far is one of the services.
type far struct {
	*amazon
	open func(t testing.TB, o Options) (forward.Sink, error)
}

func (f *far) Sink(t testing.TB) forward.Sink {
	t.Helper()
	s, err := f.open(t, Options{Region: region, Endpoint: f.URL, Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func cloudWatchAt(t testing.TB) *far {
	return &far{newAmazon(t, "logs"), func(t testing.TB, o Options) (forward.Sink, error) {
		return NewCloudWatch(t.Context(), CloudWatch{o, "CloudTrail/trailgate", "111122223333_CloudTrail_" + region})
	}}
}

func eventBridgeAt(t testing.TB) *far {
	return &far{newAmazon(t, "events"), func(t testing.TB, o Options) (forward.Sink, error) {
		return NewEventBridge(t.Context(), EventBridge{o, "default"})
	}}
}

func lakeAt(t testing.TB) *far {
	return &far{newAmazon(t, "cloudtrail-data"), func(t testing.TB, o Options) (forward.Sink, error) {
		return NewLake(t.Context(), Lake{Options: o, Channel: channel, ExternalID: "ext1"})
	}}
}

func TestCloudWatch(t *testing.T) {
	t.Parallel()
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return cloudWatchAt(t) })
}

func TestEventBridge(t *testing.T) {
	t.Parallel()
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return eventBridgeAt(t) })
}

func TestLake(t *testing.T) {
	t.Parallel()
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return lakeAt(t) })
}
