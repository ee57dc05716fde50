// Package wire is the SSH transport of the gate, and the only package of the
// gate that knows golang.org/x/crypto/ssh. Everything above it sees
// connections, channels and the typed messages of package inspect.
//
// A client's connection:
//
//	Serve ─ key exchange ─ none ──────── Reject → other methods
//	                     │        └───── Accept → Conn
//	                     │        └───── Ask ───→ prompt
//	                     └ publickey ─ Known ─ signature verified ─ Verified
//	                                          Reject → other keys
//	                                          Accept → Conn
//	                                          Ask ───→ prompt
//	                       prompt ─ Answer ── Accept → Conn
//	                                          Ask ───→ prompt (3 answers in all)
//	                                          Reject → refused
//
// A key that is merely offered decides nothing (CVE-2024-45337): the identity
// a step has proven travels in its Verdict's Proof, by value, from the step
// that finished to the next, and nothing outside that chain is read.
//
// Who holds a Conn closes it; who accepts or opens a Channel closes it.
package wire
