package cloudtrail

import (
	"net"
	"testing"
)

// A stranger's idle connections are not all there are: theirs above a share are
// closed, and a place comes back when one ends.
func TestOneSourceHasAShareOfTheConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := newBounded(inner)
	accepted := make(chan net.Conn, maxConnections)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var first net.Conn
	for range maxFromOne {
		dial()
		if c := <-accepted; first == nil {
			first = c
		}
	}
	if n, err := dial().Read(make([]byte, 1)); err == nil {
		t.Errorf("one more reads %d bytes, want it closed", n)
	}
	first.Close()
	first.Close() // counts once
	dial()
	<-accepted
	if n, err := dial().Read(make([]byte, 1)); err == nil {
		t.Errorf("one more than after the end of one reads %d bytes, want it closed", n)
	}
	inner.Close()
	<-done
	if len(ln.free) != maxFromOne {
		t.Errorf("%d places are taken, want %d", len(ln.free), maxFromOne)
	}
}
