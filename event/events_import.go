package event

// StartImport is somebody beginning to import AWS's own log files. The events
// in them are queried beside the trail's and are none of them. The call of the
// CloudTrail API of this name is always refused.
type StartImport struct {
	managementWrite
	Name   string `request:"importId"`     // names the import in its EndImport
	Source string `request:"source"`       // directory, file or bucket
	Since  string `request:"since"`        // what happened before is left out: RFC 3339, UTC; absent when all is taken
	Follow bool   `request:"follow"`       // it goes on with what arrives
	Own    bool   `request:"ownEventsToo"` // this installation's own events are imported too
}

// EndImport is what came of an import.
type EndImport struct {
	managementWrite
	ID          string `request:"importId"`            // of its StartImport
	Source      string `request:"source"`              // directory, file or bucket
	Cause       string `request:"cause"`               // done, interrupted, or the error that ended it
	Files       int64  `response:"files"`              // looked at
	Read        int64  `response:"recordsRead"`        // records in them
	New         int64  `response:"recordsNew"`         // imported
	Duplicate   int64  `response:"recordsDuplicate"`   // imported before
	Quarantined int64  `response:"recordsQuarantined"` // broken, and kept aside
	Skipped     int64  `response:"skipped"`            // left out knowingly: records, and files that hold none
	Unreadable  int64  `response:"unreadableFiles"`    // that could not be opened or read
}
