package event

// DeleteEvents is a tombstone: it is durable before the first of the events it
// names is removed, and says all that verification needs of them afterwards.
type DeleteEvents struct {
	managementWrite
	Reason      string   `request:"reason"`              // retention
	Before      string   `request:"before"`              // events appended before this go: RFC 3339, UTC
	First       int64    `request:"firstSequenceNumber"` // of the oldest event removed
	Last        int64    `request:"lastSequenceNumber"`  // of the newest
	Count       int64    `request:"eventCount"`          // how many that is
	Oldest      string   `request:"oldestEventTime"`     // the least eventTime among them
	Newest      string   `request:"newestEventTime"`     // the greatest
	Hash        string   `request:"hash"`                // the chain's hash after the last of them, hex
	Segments    []string `request:"segments"`            // the journal segments removed
	FirstDigest string   `request:"firstDigest"`         // key of the oldest digest file removed; absent when none is
	LastDigest  string   `request:"lastDigest"`          // key of the newest
	DigestHash  string   `request:"lastDigestHash"`      // its SHA-256, hex: what the digest after it calls its previous one
	Digests     int64    `request:"digestCount"`         // digest files removed
	LogFiles    int64    `request:"logFileCount"`        // log files removed: those that these digests name
}

// CreateLegalHold keeps events whatever their age.
type CreateLegalHold struct {
	managementWrite
	Reason string `request:"reason"`  // why they must be kept
	From   string `request:"from"`    // RFC 3339, UTC; absent when it covers all from the beginning
	To     string `request:"to"`      // RFC 3339, UTC; absent when it covers all that is to come
	ID     string `response:"holdId"` // the hold's id
}

// DeleteLegalHold lets retention have what a hold kept.
type DeleteLegalHold struct {
	managementWrite
	ID string `request:"holdId"` // the hold's id
}

// GetEvents is somebody taking events out of the trail in bulk.
type GetEvents struct {
	managementRead
	Format   string `request:"format"`   // jsonl, cloudtrail or parquet
	From     string `request:"from"`     // RFC 3339, UTC; absent for the oldest
	To       string `request:"to"`       // RFC 3339, UTC; absent for the newest
	Imported bool   `request:"imported"` // whether imported events are among them
}
