// Package importer takes AWS's own log files in, so that queries see what a
// role did in AWS beside what its session did through the gate.
//
// Imported events have a partition of their own. They are in no journal, log
// file or digest, have no seq, and trigger no runbook.
//
//	events/import/catalogue.json      what has been imported; swapped as a whole
//	events/import/day=…/*.parquet     the events, as seals have them
//	events/import/ids/*.run           the eventIDs of all of them (index.go)
//	events/import/sources/*.run       the files that were read to their end
//	events/import/quarantine/*.jsonl  what could not be read, with where and why
//	events/import/lock                held by the import that runs
//
// # An import
//
//	        files by day       scan (scan.go)          a batch is full
//	LISTED ------------> READ ---------------> BATCHED ---------------> WRITTEN
//	                                              ^                        |
//	                                              |    catalogue swapped   |
//	                                              +------------------------+
//	                                                    nothing is left: merge small files, end
//
// A batch's files are durable before the swap and count for nothing until then,
// so an import may be killed anywhere: what it left is removed by the next one,
// which goes on with the files whose end was not reached. A record whose
// eventID is known is a duplicate, whatever file it comes from; with other content
// it is a conflict, and quarantined (content.go).
package importer
