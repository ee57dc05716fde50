package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/internal/webhook"
)

// Receiver is somebody to notify, as the configuration names them.
type Receiver struct {
	Webhook    string // http or https URL
	SecretFile string // one whsec_… a line; several while they are rotated
}

// Message is what a receiver is told.
type Message struct {
	ID   string    // stable across retries: the receiver's idempotency key
	Type string    // alarm.opened
	Time time.Time // of the occurrence
	Data any       // marshalled as the body's data
}

// Failure is a delivery that failed.
type Failure = webhook.Failure

// ErrNoReceiver says that nobody of that name is configured.
var ErrNoReceiver = errors.New("no such receiver")

// Notifier delivers messages to receivers.
type Notifier struct {
	receivers map[string]webhook.Receiver
	client    *webhook.Client
}

// NewNotifier reads the receivers' secrets and checks their URLs.
func NewNotifier(receivers map[string]Receiver, now func() time.Time) (*Notifier, error) {
	n := &Notifier{receivers: map[string]webhook.Receiver{}, client: webhook.NewClient(now)}
	var bad []error
	for name, r := range receivers {
		to, err := webhook.NewReceiver(r.Webhook, r.SecretFile)
		if err != nil {
			bad = append(bad, fmt.Errorf("notify.%s: %w", name, err))
		}
		n.receivers[name] = to
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	return n, nil
}

// Close lets idle connections go.
func (n *Notifier) Close() { n.client.Close() }

// Send delivers m once. The error is ErrNoReceiver, or a *Failure.
func (n *Notifier) Send(ctx context.Context, to string, m Message) (status int, err error) {
	r, ok := n.receivers[to]
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrNoReceiver, to)
	}
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{m.Type, m.Time.UTC(), m.Data})
	if err != nil {
		return 0, &Failure{Final: true, Cause: fmt.Sprintf("encode the message: %v", err)}
	}
	return n.client.Post(ctx, r, m.ID, body)
}
