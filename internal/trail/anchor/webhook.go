package anchor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/trailgate/trailgate/internal/webhook"
)

// MessageType is the type of the message that carries an anchor.
const MessageType = "trail.anchor"

// maxKept bounds what a receiver may give back: the hourly anchors of a decade.
const maxKept = 256 << 20

// Webhook tells somebody's server of each anchor, signed as Standard Webhooks has
// it. It is a Writer, and a Reader where a GET of the same URL answers with what
// was sent: a message or an anchor a line.
type Webhook struct {
	client *webhook.Client
	to     webhook.Receiver
	name   string
	trail  string
}

// NewWebhook makes a webhook; secretFile holds the keys its messages are signed
// with.
func NewWebhook(address, secretFile, trail string, client *webhook.Client) (*Webhook, error) {
	to, err := webhook.NewReceiver(address, secretFile)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("open webhook: %w", err)
	}
	return &Webhook{client, to, u.Scheme + "://" + u.Host + "/…", trail}, nil // a path may hold a token
}

// String names the receiver's machine.
func (w *Webhook) String() string { return w.name }

// message is what is sent.
type message struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

// Put tells the receiver of a. The message's id is the anchor's, so that the
// receiver knows one it has had.
func (w *Webhook) Put(ctx context.Context, a Anchor) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("put anchor: %w", err)
	}
	body, err := json.Marshal(message{MessageType, a.Time.UTC(), a.Marshal()})
	if err == nil {
		_, err = w.client.Post(ctx, w.to, "anchor-"+hexSum(a.Marshal())[:32], body)
	}
	if err != nil {
		return fmt.Errorf("put anchor: %w", err)
	}
	return nil
}

// Anchors are what the receiver gives back.
func (w *Webhook) Anchors(ctx context.Context) ([]Anchor, error) {
	b, err := w.client.Get(ctx, w.to, fmt.Sprintf("read-%d", time.Now().UnixNano()), maxKept)
	var f *webhook.Failure
	if errors.As(err, &f) && (f.Status == http.StatusNotFound || f.Status == http.StatusMethodNotAllowed || f.Status == http.StatusNotImplemented) {
		return nil, fmt.Errorf("read anchors: %w: %w", err, errors.ErrUnsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("read anchors: %w", err)
	}
	var all []Anchor
	var wrong []error
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		a, err := parseLine(line)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%w: line %d: %w", ErrDamaged, n, err))
			continue
		}
		all = append(all, a)
	}
	return sorted(all, w.trail), errors.Join(wrong...)
}

// parseLine reads an anchor, or the message that carried it.
func parseLine(line []byte) (Anchor, error) {
	var m message
	if err := json.Unmarshal(line, &m); err == nil && m.Type == MessageType && m.Data != nil {
		line = m.Data
	}
	return Parse(line)
}
