package event

// StartQuery is a query put to the trail.
type StartQuery struct {
	managementRead
	Statement  string            `request:"queryStatement"`  // the SQL text
	Parameters map[string]string `request:"queryParameters"` // values that were given for its parameters
	Delivery   string            `request:"deliveryS3Uri"`   // where the rows go as files, too
	Alias      string            `request:"queryAlias"`      // the name of a prepared query
	Explain    *bool             `request:"explain"`         // only what it reads is answered, not its rows
	QueryID    string            `response:"queryId"`        // its EndQuery has the same
}

// EndQuery is what came of a query. It is appended before the rows are given
// to whoever asked, or in place of them: its errorCode says why there are none.
type EndQuery struct {
	managementRead
	QueryID   string `request:"queryId"`           // of its StartQuery
	Rows      int    `response:"rows"`             // of the answer
	Truncated bool   `response:"truncated"`        // there were more
	Events    int64  `response:"eventsScanned"`    // rows of the row groups read, and of what is not sealed yet
	Bytes     int64  `response:"bytesScanned"`     // of the columns read, compressed
	RowGroups int64  `response:"rowGroupsScanned"` // row groups read; what a filter rules out is not
	Millis    int64  `details:"milliseconds"`      // from the question to the answer
}

// StartNode is a Trailgate process starting.
type StartNode struct {
	managementWrite
	Version     string `request:"version"`       // Trailgate's version
	TailCut     int64  `details:"tornTailBytes"` // bytes of a torn tail cut from the journal
	SessionsCut int    `details:"sessionsEnded"` // sessions without an end that got one
}

// StopNode is a Trailgate process stopping.
type StopNode struct {
	managementWrite
	Cause string `request:"cause"` // the signal, or the error that stopped it
}

// DetectGap is a stretch of time or of the trail that was not covered: a
// failed write, a schedule that could not catch up.
type DetectGap struct {
	managementWrite
	What   string `request:"what"`   // what was not covered: journal, log files, schedule, window, event, runbooks
	From   string `request:"from"`   // RFC 3339, UTC
	To     string `request:"to"`     // RFC 3339, UTC
	Reason string `request:"reason"` // what failed
}

// CollapseEvents stands for many failures alike: unauthenticated ones of one
// source, or refused calls of one access key.
type CollapseEvents struct {
	managementWrite
	Of     string `request:"eventName"` // eventName of what was collapsed
	Reason string `request:"reason"`    // the error they share
	Count  int    `request:"count"`     // how many this stands for
	First  string `request:"first"`     // eventTime of the first
	Last   string `request:"last"`      // eventTime of the last
}

// FailPolicy is a policy that failed to evaluate; the decision was a denial.
type FailPolicy struct {
	managementWrite
	Policy string `request:"policyName"` // name of the policy
	Target string `request:"target"`     // name of the target
	Login  string `request:"login"`      // account name on the target
	Reason string `request:"reason"`     // Cedar's error
}

// StepClock is the wall clock going backwards by more than two seconds. Append
// times never do: they stand still until the clock has caught up. Or it is the
// clock found more than a day ahead of when it was last seen: retention then
// removes nothing for a day.
type StepClock struct {
	managementWrite
	From   string `request:"from"`         // what the clock showed before, RFC 3339, UTC
	To     string `request:"to"`           // what it showed then
	Millis int64  `details:"milliseconds"` // how far it went back; negative when it is ahead
}

// PutDigest is a signed digest of log files that now exists. The trail then
// vouches for the digest as the digest does for the trail.
type PutDigest struct {
	managementWrite
	Bucket      string `request:"bucketName"`             // where the digest lies
	Object      string `request:"key"`                    // its key
	Start       string `request:"digestStartTime"`        // RFC 3339, UTC
	End         string `request:"digestEndTime"`          // RFC 3339, UTC
	Hash        string `response:"hashValue"`             // SHA-256 of the uncompressed digest, hex
	Signature   string `response:"signature"`             // SHA256withRSA, hex
	Fingerprint string `response:"publicKeyFingerprint"`  // of the key that signed
	LogFiles    int    `details:"logFiles"`               // how many log files it names
	Events      int64  `details:"events"`                 // how many events they hold
	Generated   string `details:"backfillGenerationTime"` // when a digest that was missed was made, RFC 3339, UTC
	Delivered   int64  `details:"deliveredSequence"`      // events up to this one are in log files
	Head        int64  `details:"headSequence"`           // newest event of the trail then
	HeadHash    string `details:"headHash"`               // the trail's hash chain there, hex
}
