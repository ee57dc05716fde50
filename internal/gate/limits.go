package gate

import (
	"net/netip"
	"time"
)

// Limits bound what strangers and people can use up. Zero fields have the
// defaults below.
type Limits struct {
	LoginGrace       time.Duration // a login, in all: 30 s
	Unproven         int           // connections that have not logged in yet: 1,000; beyond, the source with most makes room
	UnprovenSource   int           // the same from one source: 100
	Jumps            int           // inner connections of an outer one: 20
	ThrottleInterval time.Duration // a throttled source gets one new connection each: 10 s
	DialTimeout      time.Duration // a target's key exchange and login: 15 s

	// After failed logins, and after logins that took all of LoginGrace, a source
	// is refused for a while, as OpenSSH's
	// PerSourcePenalties do: each failure adds Penalty, enforced from
	// PenaltyFrom on, up to PenaltyMax. Negative Penalty turns it off. Twelve
	// failures go unpunished, so that failed-login-surge sees its ten.
	Penalty     time.Duration // 5 s
	PenaltyFrom time.Duration // 60 s
	PenaltyMax  time.Duration // 10 min
	// PenaltyExempt are sources without penalties; nil means loopback, where
	// everybody behind a local proxy looks alike.
	PenaltyExempt []netip.Prefix

	// Unauthenticated failures of one source and reason are recorded one by
	// one up to FloodShown within FloodWindow, and then counted. FloodShown is
	// above the threshold of failed-login-surge: a fast flood must raise it.
	FloodShown  int           // 20
	FloodWindow time.Duration // 10 s
}

func (l Limits) withDefaults() Limits {
	set(&l.LoginGrace, 30*time.Second)
	set(&l.Unproven, 1000)
	set(&l.UnprovenSource, 100)
	set(&l.Jumps, 20)
	set(&l.ThrottleInterval, 10*time.Second)
	set(&l.DialTimeout, 15*time.Second)
	set(&l.Penalty, 5*time.Second)
	set(&l.PenaltyFrom, 60*time.Second)
	set(&l.PenaltyMax, 10*time.Minute)
	set(&l.FloodShown, 20)
	set(&l.FloodWindow, 10*time.Second)
	if l.PenaltyExempt == nil {
		l.PenaltyExempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return l
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}
