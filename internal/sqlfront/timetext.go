package sqlfront

import (
	"regexp"
	"time"
)

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
	timestampLayout = "2006-01-02 15:04:05.000000"
	timeHint        = "write '2026-11-20', '2026-11-20 08:00:00' or '2026-11-20T08:00:00Z'"
)

// timeSpelling are the spellings of a time that people compare eventTime with:
// a date; a date and a time, with a space or T between, with or without
// seconds and their fraction; with or without Z, UTC or an offset.
var timeSpelling = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?)?(Z| ?UTC|[+-]\d{2}:\d{2})?$`)

// readTime reads a time in microseconds since 1970. Without a zone it is UTC;
// what is finer than microseconds is cut.
func readTime(s string) (int64, bool) {
	m := timeSpelling.FindStringSubmatch(s)
	if m == nil || m[2] == "" && m[4] != "" {
		return 0, false
	}
	clock, seconds, zone := m[2], m[3], m[4]
	if clock == "" {
		clock = "00:00"
	}
	if seconds == "" {
		seconds = ":00"
	}
	if zone == "" || zone[len(zone)-1] == 'C' {
		zone = "Z"
	}
	t, err := time.Parse(time.RFC3339Nano, m[1]+"T"+clock+seconds+zone)
	if err != nil || t.Year() < 1 || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return 0, false
	}
	micros := t.UnixMicro() // cuts towards the past, as the calendar goes on
	return micros, true
}
