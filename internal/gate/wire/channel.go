package wire

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
)

// Reason is why a channel is refused (RFC 4254 §5.1).
type Reason uint32

// The reasons.
const (
	Prohibited       = Reason(ssh.Prohibited)
	ConnectFailed    = Reason(ssh.ConnectionFailed)
	UnknownType      = Reason(ssh.UnknownChannelType)
	ResourceShortage = Reason(ssh.ResourceShortage)
)

// OpenError is a peer's refusal to open a channel.
type OpenError struct {
	Reason Reason
	Text   string
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("peer refused the channel: %s: %q", ssh.RejectionReason(e.Reason), e.Text)
}

// Incoming is a channel that the peer asks for. Exactly one of Accept and
// Reject must be called.
type Incoming struct {
	conn *Conn
	nc   ssh.NewChannel
	open inspect.Open
}

// Open says what the peer asks for.
func (i *Incoming) Open() inspect.Open { return i.open }

// Accept opens the channel.
func (i *Incoming) Accept() (*Channel, error) {
	ch, reqs, err := i.nc.Accept()
	if err != nil {
		i.conn.channels.Add(-1)
		return nil, fmt.Errorf("accept %s channel: %w", i.open.Type(), err)
	}
	return newChannel(i.conn, ch, reqs), nil
}

// Reject refuses it; text is shown to the person.
func (i *Incoming) Reject(reason Reason, text string) error {
	i.conn.channels.Add(-1)
	if err := i.nc.Reject(ssh.RejectionReason(reason), text); err != nil {
		return fmt.Errorf("reject %s channel: %w", i.open.Type(), err)
	}
	return nil
}

// Stream is one of a channel's two byte streams towards a client.
type Stream uint8

// The streams.
const (
	Stdout Stream = iota
	Stderr
)

func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// Channel is one open channel. Of each stream one goroutine may read and one
// write at a time; CloseWrite must not run beside a write. Who has it calls
// Close.
type Channel struct {
	conn *Conn
	ch   ssh.Channel
	err  io.ReadWriter // stderr
	reqs <-chan *ssh.Request
	once sync.Once
}

func newChannel(c *Conn, ch ssh.Channel, reqs <-chan *ssh.Request) *Channel {
	return &Channel{conn: c, ch: ch, err: ch.Stderr(), reqs: reqs}
}

// Conn is the connection the channel is on.
func (c *Channel) Conn() *Conn { return c.conn }

// Read returns io.EOF after the peer's EOF or close, once all is read.
func (c *Channel) Read(s Stream, p []byte) (int, error) {
	if s == Stderr {
		return c.err.Read(p)
	}
	return c.ch.Read(p)
}

// Write blocks while the peer's window is full.
func (c *Channel) Write(s Stream, p []byte) (int, error) {
	if s == Stderr {
		return c.err.Write(p)
	}
	return c.ch.Write(p)
}

// CloseWrite sends EOF: no more data, of either stream, follows.
func (c *Channel) CloseWrite() error { return c.ch.CloseWrite() }

// Close sends the close, once. Requests that still come are refused, data is
// dropped; reads go on until the peer closes too.
func (c *Channel) Close() error {
	var err error
	c.once.Do(func() {
		err = c.ch.Close()
		c.conn.channels.Add(-1)
		c.conn.wg.Go(func() { ssh.DiscardRequests(c.reqs) })
	})
	if err == io.EOF {
		return nil // the peer was first
	}
	return err
}

// Send makes a request that wants no reply.
func (c *Channel) Send(m inspect.Message) error {
	kind, payload := inspect.Encode(m)
	_, err := c.ch.SendRequest(kind, false, payload)
	return err
}

// Ask makes a request and waits for the peer's yes or no. A channel or
// connection that ends meanwhile is io.EOF.
func (c *Channel) Ask(m inspect.Message) (bool, error) {
	kind, payload := inspect.Encode(m)
	return c.ch.SendRequest(kind, true, payload)
}

// Receive returns the peer's next request, io.EOF once the channel is closed
// by the peer or the connection is over, or ctx's cause. Somebody must receive
// all the time, or the connection stalls; after Close, the channel does itself.
func (c *Channel) Receive(ctx context.Context) (*Request, error) {
	select {
	case r, ok := <-c.reqs:
		if !ok {
			return nil, io.EOF
		}
		return &Request{r}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Request is a request of the peer on a channel.
type Request struct{ r *ssh.Request }

// WantReply says whether the peer waits for Reply.
func (r *Request) WantReply() bool { return r.r.WantReply }

// Type is the request's name on the wire.
func (r *Request) Type() string { return r.r.Type }

// Message decodes the request.
func (r *Request) Message() (inspect.Message, error) {
	return inspect.Decode(r.r.Type, r.r.Payload)
}

// Reply answers; without WantReply it does nothing. Replies go out in the
// order of the requests, so each must be answered before the next is.
func (r *Request) Reply(ok bool) error { return r.r.Reply(ok, nil) }
