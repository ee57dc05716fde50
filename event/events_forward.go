package event

// FailForwarder is a forwarder whose sink has taken nothing for five minutes.
// Its events wait; nothing is lost.
type FailForwarder struct {
	managementWrite
	Forwarder string `request:"forwarder"`     // name of the forwarder, as in the settings
	Kind      string `request:"kind"`          // what it sends to: file, webhook, syslog, s3 …
	Since     string `request:"failingSince"`  // RFC 3339, UTC: the first attempt that failed
	Waiting   int64  `request:"eventsWaiting"` // events that have not arrived
	Reason    string `request:"reason"`        // the last error
}

// ResumeForwarder is a forwarder whose sink takes events again after a
// FailForwarder.
type ResumeForwarder struct {
	managementWrite
	Forwarder string `request:"forwarder"`     // name of the forwarder
	Kind      string `request:"kind"`          // what it sends to
	Since     string `request:"failingSince"`  // RFC 3339, UTC: when it began to fail
	Seconds   int64  `request:"seconds"`       // how long that was
	Waiting   int64  `request:"eventsWaiting"` // events that waited when it took the first again
}

// TestForwarder is a message that somebody sends through a forwarder to see it
// arrive. It passes the forwarder's own filter.
type TestForwarder struct {
	managementWrite
	Forwarder string `request:"forwarder"` // name of the forwarder
}
