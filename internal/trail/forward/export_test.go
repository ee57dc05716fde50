package forward

import "time"

// Settle sets how long a new connection of a syslog sink must stand.
func Settle(s Sink, d time.Duration) Sink {
	s.(*syslog).settle = d
	return s
}
