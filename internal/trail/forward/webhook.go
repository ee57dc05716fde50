package forward

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/trailgate/trailgate/internal/webhook"
)

// hook posts batches as Standard Webhooks: {"type": "trail.events", "timestamp",
// "data": {"Records": […]}}, where data is what a CloudTrail log file holds. The
// webhook-id depends on the events alone, so a batch that comes again is known.
type hook struct {
	to     webhook.Receiver
	client *webhook.Client
	name   string
}

// NewWebhook makes the sink of an http or https URL. Messages are signed with the
// secrets in the file; trust is nil for the system's authorities.
func NewWebhook(address, secretFile string, trust *tls.Config, now func() time.Time) (Sink, error) {
	to, err := webhook.NewReceiver(address, secretFile)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	// A path or query may hold a token.
	return &hook{to, webhook.NewTLSClient(now, trust), u.Scheme + "://" + u.Host}, nil
}

func (s *hook) String() string { return s.name }

// Limits suit receivers behind common proxies, which take a megabyte.
func (s *hook) Limits() Limits { return Limits{Events: 100, Bytes: 512 << 10} }

func (s *hook) Close() error {
	s.client.Close()
	return nil
}

func (s *hook) Send(ctx context.Context, batch []Message) ([]Failure, error) {
	_, err := s.client.Post(ctx, s.to, batchID(batch), s.body(batch))
	var f *webhook.Failure
	if !errors.As(err, &f) {
		return nil, err
	}
	// Only what is about this body is final. A URL or a secret that is wrong is
	// for a person to mend, and the events wait.
	about := f.Status == http.StatusBadRequest || f.Status == http.StatusRequestEntityTooLarge || f.Status == http.StatusUnprocessableEntity
	return nil, &BatchError{Final: about, After: f.After, Cause: f}
}

func (s *hook) body(batch []Message) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"trail.events","timestamp":"`)
	b.WriteString(batch[len(batch)-1].Appended.UTC().Format(time.RFC3339Nano))
	b.WriteString(`","data":{"Records":[`)
	for i, m := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(m.JSON)
	}
	b.WriteString(`]}}`)
	return b.Bytes()
}

// batchID is the same for the same events.
func batchID(batch []Message) string {
	h := sha256.New()
	for _, m := range batch {
		h.Write([]byte(m.EventID + "\n"))
	}
	return "events_" + hex.EncodeToString(h.Sum(nil)[:16])
}
