package forward

import (
	"net"

	"golang.org/x/sys/unix"
)

// tcpEstablished is TCP_ESTABLISHED of include/net/tcp_states.h.
const tcpEstablished = 1

// outgoing is how many bytes the other side's kernel has not acknowledged, and
// whether the connection stands: neither side has ended it.
func outgoing(c net.Conn) (unsent int, established bool) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return 0, true
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return 0, false
	}
	raw.Control(func(fd uintptr) {
		// The queue first: it is empty too when a reset has thrown it away.
		n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		if err != nil {
			return
		}
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		unsent, established = n, err == nil && info.State == tcpEstablished
	})
	return unsent, established
}
