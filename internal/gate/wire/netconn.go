package wire

import (
	"context"
	"net"
	"os"
	"sync"
	"time"
)

// NetConn is a channel as a net.Conn: the inner leg behind a jump runs an SSH
// connection of its own over it.
//
// Back-pressure is the channel's window. A channel's read cannot be woken but
// by the peer or the connection, so Close waits lingerClose for the peer's
// close and then ends the connection the channel is on; and a deadline that
// passes closes the conn, since a handshake cut short cannot go on anyway.
type NetConn struct {
	ch     *Channel
	closed chan struct{} // closed when the peer closed the channel, or all is over

	// mu guards below.
	mu       sync.Mutex
	timer    *time.Timer
	expired  bool
	shut     bool
	shutOnce sync.Once
}

const lingerClose = time.Second

// NewNetConn takes over ch.
func NewNetConn(ch *Channel) *NetConn {
	n := &NetConn{ch: ch, closed: make(chan struct{})}
	ch.conn.wg.Go(func() {
		defer close(n.closed)
		for { // no request means anything on a forwarded stream
			r, err := ch.Receive(context.Background())
			if err != nil {
				return
			}
			r.Reply(false)
		}
	})
	return n
}

func (n *NetConn) Read(p []byte) (int, error) {
	c, err := n.ch.Read(Stdout, p)
	return c, n.explain(err)
}

func (n *NetConn) Write(p []byte) (int, error) {
	if n.isShut() {
		return 0, net.ErrClosed
	}
	c, err := n.ch.Write(Stdout, p)
	return c, n.explain(err)
}

// explain names a deadline as the cause of an error.
func (n *NetConn) explain(err error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil && n.expired {
		return os.ErrDeadlineExceeded
	}
	return err
}

func (n *NetConn) isShut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shut
}

// Close ends the conn; reads and writes on it return within lingerClose.
func (n *NetConn) Close() error {
	var err error
	n.shutOnce.Do(func() {
		n.mu.Lock()
		n.shut = true
		if n.timer != nil {
			n.timer.Stop()
		}
		n.mu.Unlock()
		err = n.ch.Close()
		n.ch.conn.wg.Go(func() {
			t := time.NewTimer(lingerClose)
			defer t.Stop()
			select {
			case <-n.closed:
			case <-t.C:
				n.ch.conn.Close()
			}
		})
	})
	return err
}

// LocalAddr is unknown to the far end of a jump; it is the outer connection's.
func (n *NetConn) LocalAddr() net.Addr { return n.ch.conn.t.LocalAddr() }

// RemoteAddr is where the outer connection comes from.
func (n *NetConn) RemoteAddr() net.Addr { return n.ch.conn.t.RemoteAddr() }

// SetDeadline closes the conn when t passes; the zero time lifts it.
func (n *NetConn) SetDeadline(t time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	if n.shut {
		return net.ErrClosed
	}
	if !t.IsZero() {
		n.timer = time.AfterFunc(time.Until(t), func() {
			n.mu.Lock()
			n.expired = true
			n.mu.Unlock()
			n.Close()
		})
	}
	return nil
}

// SetReadDeadline is SetDeadline.
func (n *NetConn) SetReadDeadline(t time.Time) error { return n.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (n *NetConn) SetWriteDeadline(t time.Time) error { return n.SetDeadline(t) }
