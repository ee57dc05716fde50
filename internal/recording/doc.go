// Package recording stores what a session's terminals showed, and shows it
// again.
//
// One file a session, mode 0600, DIR/SESSION.tgr:
//
//	header   "TGREC" 0 0 1 | length uint32 | Meta as JSON
//	chunk    raw length uint32 | stored length uint32 | chain [32]byte | zstd
//	…
//	end      a chunk of length 0: the recording is complete
//
// chain is SHA-256 over the chain before it (for the first chunk: SHA-256 of
// the header), both lengths and the stored bytes, so that a chunk cannot be
// changed, dropped or moved unseen. A chunk holds whole frames:
//
//	frame    kind byte | channel uvarint | µs since start uvarint | length uvarint | bytes
//
// Chunks are written each second and at 64 KiB, so a crash loses a second at
// most; what is there stays readable. Compression is one-shot, with encoders
// that all sessions share: one of its own would cost a session 0.4 to 18 MB.
// A session that shows nothing holds no buffer.
package recording
