// Package forward sends the trail's events to sinks outside: files, webhooks,
// syslog servers, buckets, AWS services.
//
// One Runner drives one sink. It follows the journal from its own cursor, cuts
// batches within the sink's limits, and moves the cursor only when the sink has
// acknowledged: every event arrives at least once and in order, one that arrives
// again carries the same eventID, and a sink that is down costs disk, never
// events. A slow sink delays nobody: followers read the journal's files.
//
//	following ── batch full, or linger over ──▶ sending ── acknowledged ──▶ cursor moved ──▶ following
//	                                              │ ▲
//	                          failed, timed out   ▼ │  backoff over: again, only what failed
//	                                            waiting
//
// A message that the sink will never take (malformed, too large) is put aside in
// data_dir/forward/NAME/refused.jsonl with the reason, counted and shown.
package forward
