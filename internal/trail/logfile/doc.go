// Package logfile shows the trail as CloudTrail does: log files and signed
// digests in a bucket, in its exact layout. It names, writes and verifies them.
//
// # Delivered once
//
// A log file is a stretch of the journal. What is about to be put is durable
// first, in delivery.json beside the bucket's files:
//
//	        save: a log file      put      save: it waits     save: a digest
//	IDLE ----------------> ANNOUNCED --> THERE -----> WAITING -----------> SIGNED
//	  ^                                                                      | put
//	  |      save: done             PutDigest appended       save: it exists v
//	  +----------------- RECORDED <------------------ NAMED <------------- THERE
//
// A process that dies anywhere goes on from what is saved: the same events make
// the same text under the same name, so doing it again changes nothing. A bucket
// that can refuse to replace is asked to, so that nothing of another trail, or of
// a time that a data directory was put back from, is ever overwritten. Before a
// PutDigest event is tried again the journal is searched for it. So each event is
// in one log file, each log file in one digest, and each digest has one event.
//
// A state that is lost is made again of what the bucket holds (adopt.go).
//
// # PutDigest
//
// Its event vouches in the journal for the digest, as the digest does for the
// journal outside. It goes into the next log file like any other: an idle trail
// has one event an hour, and one log file.
//
// # What is missed
//
// See sign.go: a digest is made late rather than not at all, and log files that
// have missed theirs are named by the backfill chain.
package logfile
