//go:build !linux

package forward

import "net"

// outgoing is unknown here.
func outgoing(net.Conn) (unsent int, established bool) { return 0, true }
