// Package trail keeps the append-only sequence of events: it makes them
// durable, chains them by hash, shows them to followers, seals them into
// Parquet and verifies them.
//
// # Files
//
//	journal/000000000001.seg …  segments: a header, then frames (header.go, frame.go)
//	journal/head                how far the trail is acknowledged (head.go)
//	journal/lock                held by the process that appends
//	journal/pruned.json         which tombstone is the last (tombstone.go)
//	events/day=…/*.parquet      seals: an index for query engines (seal.go)
//	events/catalogue.json       which seals there are (catalogue.go)
//
// # What acknowledged means
//
// A batch of frames goes to the segment and is synced (fdatasync); then the
// head goes to its own file and is synced; then Append returns. The head is the
// one authority on where the trail ends: whatever is at or before it was
// written and stays, whatever lies beyond it was never acknowledged.
//
//	           batch               fdatasync            head slot            fdatasync
//	READY ---------------> WRITTEN -----------> SYNCED ------------> CLAIMED -----------> READY
//	  |                       |                   |                     |              (acknowledged)
//	  |      a write or sync fails: the batch is refused, its files are written no more
//	  |                       |                   |                     |
//	  |                       +---------+---------+---------------------+
//	  | a new segment fails             v
//	  +---- (batch waits) ----------> BROKEN <--------------------------+
//	                                    |  |  Append waits; after 2 s   |
//	                                    |  +- it is refused             |
//	                                    v                               |
//	                     new head file at the acknowledged position     |
//	                                    v                               |
//	                     new segment, whose header says where the ------+ fails: later again
//	                     accepted part of the last one ended
//	                                    v
//	                     DetectGap, alone in its batch -> READY
//
// A failed write or sync is never retried on its file, because the kernel may
// then report success for data it has dropped. The segment left behind stays
// verifiable up to where the next header says its accepted part ended. A
// process that ends while BROKEN leaves no DetectGap, only a missing StopNode.
//
// # After a crash
//
//	died in     on disk                                    Open
//	WRITTEN     some of the batch's bytes                  cuts them
//	SYNCED      whole frames beyond the head               cuts them: nobody was told
//	CLAIMED     one head slot new, old or torn             new: keeps the batch; old: cuts it
//	READY       the head at the last acknowledged frame    nothing to do
//
// A slot that cannot be read may have been the newer one, torn or damaged
// later. Then all frames that continue the chain beyond the other slot are
// kept, because some may have been acknowledged; nothing is cut, the next frame
// goes to a new segment, and a DetectGap event tells of it. If both slots are
// unreadable, or an acknowledged frame of the last segment is, Open refuses with
// ErrDamaged: no single crash does that, and Verify says where.
//
// So no acknowledged event is lost and none is there twice. One limit remains,
// which no write order removes: when the head's own sync fails, and the machine
// dies before the new head file is durable, the refused batch may be found in
// the trail. It then tells of acts that were refused, and hides none.
//
// # What retention removes
//
// Whole segments from the front, with their seals and log files, and only what
// a tombstone in the trail announces (prune.go):
//
//	       pruned.json: next    DeleteEvents durable   pruned.json: start   seals, log files, segments
//	WHOLE ------------------> PLANNED -----------> ANNOUNCED -----------> GOING -----------> PRUNED
//	  ^                          |                     |                    |
//	  +---- it was refused ------+                     +-- a start goes on from where it died
//
// A trail may begin after its first event only where a tombstone in it says, and
// with the hash that the tombstone names.
//
// # What the chain shows
//
// Any edit, cut, reordering or exchange of segments that does not rewrite the
// whole rest of the chain and the head; a rollback of journal and head behind
// what was sealed. Somebody who may write all of the data directory can make
// another consistent trail: signed digests, kept elsewhere, are against that.
package trail
