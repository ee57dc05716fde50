package authn

import (
	"net/netip"
	"time"
)

// A proven second factor counts for its key and source address a while longer,
// because one code opens one connection only and people open many. It counts
// no longer once the key or the device was enrolled anew: state is read each
// time, so nobody has to tell this memory.

type proofKey struct {
	fingerprint string
	source      netip.Addr
}

type proof struct {
	until      time.Time
	identity   string
	keyCreated time.Time
	device     deviceID
}

// maxProofs bounds the memory; past it, people are asked once more.
const maxProofs = 100_000

func (a *Authn) keep(id Identity, f found) {
	if a.remember < 0 {
		return
	}
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, p := range a.proofs {
		if !now.Before(p.until) {
			delete(a.proofs, k)
		}
	}
	if len(a.proofs) >= maxProofs {
		return
	}
	a.proofs[proofKey{id.fingerprint, id.source}] = proof{
		until: now.Add(a.remember), identity: id.name, keyCreated: f.keyCreated, device: f.device,
	}
}

func (a *Authn) remembered(id Identity, f found) bool {
	a.mu.Lock()
	p, ok := a.proofs[proofKey{id.fingerprint, id.source}]
	a.mu.Unlock()
	return ok && a.now().Before(p.until) && p.identity == id.name &&
		p.keyCreated.Equal(f.keyCreated) && p.device == f.device
}
