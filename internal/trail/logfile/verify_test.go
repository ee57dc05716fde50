package logfile

import (
	"time"
)

// verify verifies all that w has.
func (w *world) verify(change ...func(*VerifyOptions)) Report {
	w.t.Helper()
	o := VerifyOptions{
		Layout: w.layout, Bucket: w.bucket, Keys: w.signer.keys, Every: time.Hour, Now: time.Now(), store: w.store,
		Journal: func() (JournalReader, error) { return still{w.journal}, nil },
	}
	for _, c := range change {
		c(&o)
	}
	r, err := Verify(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// intact checks that nothing is found.
func (w *world) intact() Report {
	w.t.Helper()
	r := w.verify()
	for _, f := range r.Findings {
		w.t.Errorf("found %s", f)
	}
	if !r.Intact && len(r.Findings) == 0 {
		w.t.Error("not intact, and nothing found")
	}
	return r
}
