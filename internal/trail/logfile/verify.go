package logfile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

// Verify checks log files and digests against each other, the keys, the
// delivery's state, the journal, and what was told outside. It may run beside a
// server. An error means that it could not look; what it found wrong is in the
// report.
//
// Signatures prove what was signed, and the chain that nothing between two
// digests is missing. That nothing is missing behind the newest, they cannot:
// for that there are the state, the PutDigest events and the witnesses.
func Verify(ctx context.Context, o VerifyOptions) (Report, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Dir != "" {
		o.store = fileStore{o.Dir}
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	for try := 0; ; try++ {
		v := newVerifier(o)
		moved, err := v.verify(ctx)
		if err != nil {
			return Report{}, fmt.Errorf("verify log files: %w", err)
		}
		if !moved || try == 10 {
			return v.finish(), nil
		}
	}
}

// verifier is the state of one look.
type verifier struct {
	o          VerifyOptions
	report     Report
	keys       map[string]PublicKey
	chain      []*heldDigest // by their end
	backfills  []*heldDigest
	others     []*heldDigest          // of other trails, signed by our keys
	digests    map[string]*heldDigest // all of them, by key
	logs       []*heldLog             // in the order they were delivered, as far as that is known
	logByKey   map[string]*heldLog
	before     *state // of the delivery, when the look began
	after      *state // and when all objects were listed
	tombstones []tombstone
	shortened  bool                // retention removed events, if not digests
	puts       map[string]putEvent // PutDigest events, by the digest's key
	done       int64
	found      map[string]int // findings of each object
	missing    map[string]bool
}

// heldDigest is a digest as it is in the bucket.
type heldDigest struct {
	Digest
	key       string
	at        Key
	hash      string // of its text; "" when it has none
	signature string // as its metadata says
	generated time.Time
	bad       bool // something about the digest itself is wrong
	readable  bool
}

// heldLog is a log file as it is in the bucket, or as a digest says.
type heldLog struct {
	LogFile
	at      Key
	digest  *heldDigest // nil when none names it
	there   bool
	hash    string // of its text; "" when it has none
	bad     bool   // its text is not what was signed
	parsed  bool   // its records are known
	records int
	firstID string
	meta    map[string]string
	visited bool
}

func newVerifier(o VerifyOptions) *verifier {
	v := &verifier{o: o, keys: map[string]PublicKey{}, digests: map[string]*heldDigest{}, logByKey: map[string]*heldLog{},
		puts: map[string]putEvent{}, found: map[string]int{}, missing: map[string]bool{}}
	for _, k := range o.Keys {
		v.keys[k.Fingerprint] = k
	}
	return v
}

// ranged says whether only a part is looked at.
func (v *verifier) ranged() bool { return !v.o.From.IsZero() || !v.o.To.IsZero() }

// verify looks once. It reports whether a server went on meanwhile so that the
// look was not one of a single moment.
func (v *verifier) verify(ctx context.Context) (moved bool, err error) {
	if v.before, err = v.readState(); err != nil {
		return false, err
	}
	if err := v.listDigests(ctx); err != nil {
		return false, err
	}
	if err := v.listLogs(ctx); err != nil {
		return false, err
	}
	if v.after, err = v.readState(); err != nil {
		return false, err
	}
	if newest(v.before) != newest(v.after) {
		return true, nil
	}
	if err := v.readDigests(ctx); err != nil {
		return false, err
	}
	v.nameLogs()
	if err := v.readLogs(ctx); err != nil {
		return false, err
	}
	if v.o.Journal != nil && !v.ranged() {
		if err := v.checkJournal(ctx); err != nil {
			return false, err
		}
	}
	v.checkChain(v.chain)
	v.checkChain(v.backfills)
	v.checkUnnamed()
	return false, v.checkTail(ctx)
}

func newest(s *state) [2]string {
	var keys [2]string
	if s != nil && s.Chain != nil {
		keys[0] = s.Chain.Object
	}
	if s != nil && s.Backfill != nil {
		keys[1] = s.Backfill.Object
	}
	return keys
}

// readState reads the delivery's state; nil where there is none.
func (v *verifier) readState() (*state, error) {
	if v.o.store == nil {
		return nil, nil
	}
	st, err := readState(v.o.store)
	if errors.Is(err, errState) {
		if v.found[stateFile] == 0 {
			v.find(Finding{Object: stateFile, Problem: err.Error()})
		}
		return nil, nil
	}
	return st, err
}

// maxFindings of one object are told one by one.
const maxFindings = 20

func (v *verifier) find(f Finding) {
	if v.found[f.Object]++; v.found[f.Object] <= maxFindings {
		v.report.Findings = append(v.report.Findings, f)
	}
}

func (v *verifier) findf(object, format string, args ...any) {
	v.find(Finding{Object: object, Problem: fmt.Sprintf(format, args...)})
}

// lacks tells once that an object is missing.
func (v *verifier) lacks(object, format string, args ...any) {
	if !v.missing[object] {
		v.missing[object] = true
		v.findf(object, "not found: "+format, args...)
	}
}

func (v *verifier) note(format string, args ...any) {
	v.report.Notes = append(v.report.Notes, fmt.Sprintf(format, args...))
}

func (v *verifier) finish() Report {
	for _, f := range v.report.Findings { // of what was told, the objects of which more is known
		if more := v.found[f.Object] - maxFindings; more > 0 {
			v.found[f.Object] = 0
			v.report.Findings = append(v.report.Findings, Finding{Object: f.Object, Problem: fmt.Sprintf("and %d more of the kind", more)})
		}
	}
	for _, d := range v.chain {
		if d.readable && !d.bad {
			v.report.Digests++
			start, end := d.Span()
			v.report.Newest = &Reference{Bucket: d.Bucket, Object: d.key, Start: start, End: end, Hash: d.hash, Signature: d.signature, Fingerprint: d.Fingerprint}
		}
	}
	for _, d := range v.backfills {
		if d.readable && !d.bad {
			v.report.Backfills++
		}
	}
	for _, l := range v.logs {
		if l.there && l.parsed && !l.bad && l.digest != nil {
			v.report.LogFiles++
			v.report.Events += uint64(l.records)
		}
	}
	v.report.Intact = len(v.report.Findings) == 0
	return v.report
}

func (v *verifier) step(total int) {
	v.done++
	v.o.Progress(v.done, max(v.done, int64(total)))
}

// get reads an object. One that is missing or damaged is a finding, and false.
func (v *verifier) get(ctx context.Context, key, who string) (body []byte, meta map[string]string, ok bool, err error) {
	body, meta, err = v.o.Bucket.Get(ctx, key)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		v.lacks(key, "%s", who)
		return nil, nil, false, nil
	case errors.Is(err, blob.ErrDamaged):
		v.findf(key, "%v", err)
		return nil, nil, false, nil
	case err != nil:
		return nil, nil, false, err
	}
	return body, meta, true, nil
}

// unpack takes the text out of an object, and checks what its metadata says of
// the object itself.
func (v *verifier) unpack(key string, body []byte, meta map[string]string) (text []byte, ok bool) {
	text, err := Unpack(body)
	if err != nil {
		v.findf(key, "%v", err)
		return nil, false
	}
	switch sum, has := meta[metaObject]; {
	case has && sum != hexHash(body):
		v.findf(key, "its bytes are not those that were put, or its metadata %s is not: the text inside is checked apart", metaObject)
	case !has && v.o.Journal != nil: // then it is ours
		v.findf(key, "its metadata %s is missing", metaObject)
	}
	return text, true
}
