package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/anchor"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// VerifyOptions say what VerifyTrail looks at.
type VerifyOptions struct {
	From, To time.Time       // bound the digests by their end; zero is all
	Anchors  []config.Anchor // held against the trail
	// Keys are the public keys that are trusted; none is those of the data
	// directory.
	Keys []logfile.PublicKey
	// Bucket is a place that holds a copy of log files and digests, which is all
	// that is looked at; nil is the installation of the settings.
	Bucket *config.Place
	// Progress is told how far each stage is; nil for nobody.
	Progress func(stage string, done, total int64)
}

// TrailReport is what VerifyTrail found.
type TrailReport struct {
	Intact   bool           `json:"intact"`
	Events   uint64         `json:"events"`          // in the journal; in log files where there is no journal
	Head     string         `json:"head,omitempty"`  // the journal's hash chain after the newest, hex
	LogFiles int            `json:"logFiles"`        // that are as their digest says
	Digests  int            `json:"digests"`         // whose signature and place in the chain are right
	Backfill int            `json:"backfillDigests"` // the same of the backfill chain
	Anchors  int            `json:"anchors"`         // that the trail was held against
	Vouched  *time.Time     `json:"vouched"`         // when the newest of them was made; null without any
	Upto     uint64         `json:"vouchedEvent"`    // the newest event it speaks of
	Findings []TrailFinding `json:"findings"`
	Notes    []string       `json:"notes"` // what is not wrong, and worth knowing
}

// TrailFinding is one thing that is not as it was written.
type TrailFinding struct {
	Where   string `json:"where"`             // segment, head, seal, object key or anchor
	Seq     uint64 `json:"event,omitempty"`   // sequence number, where there is one
	EventID string `json:"eventId,omitempty"` // where it is known
	Offset  int64  `json:"offset"`            // in the file, where it applies
	Problem string `json:"problem"`
	lost    bool   // a digest that only anchors know of
}

// VerifyTrail checks a trail: journal, seals, log files and digests against each
// other, and all of it against what anchors keep outside. It may run beside a
// server. An error means that it could not look.
func VerifyTrail(ctx context.Context, cfg config.Config, o VerifyOptions) (*TrailReport, error) {
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	v := &trailVerifier{cfg: cfg, o: o, r: &TrailReport{Findings: []TrailFinding{}, Notes: []string{}}}
	if err := v.open(ctx); err != nil {
		return nil, err
	}
	defer v.close()
	// Anchors come first and the journal after them: what an anchor knows is in a
	// journal that is read later, however fast events come.
	for _, step := range []func(context.Context) error{v.readAnchors, v.checkLogFiles, v.checkJournal, v.checkAnchors} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	v.r.Intact = len(v.r.Findings) == 0
	return v.r, nil
}

// trailVerifier is the state of one VerifyTrail.
type trailVerifier struct {
	cfg    config.Config
	o      VerifyOptions
	layout logfile.Layout
	bucket blob.Bucket
	keys   []logfile.PublicKey
	made   bool      // there are digest keys, so log files are due
	asOf   time.Time // of a copy: its newest file
	told   []toldAnchor
	r      *TrailReport
	// damaged is why the log files could not be held against the journal.
	damaged error
}

// toldAnchor is an anchor and the place that keeps it.
type toldAnchor struct {
	anchor.Anchor
	place string
}

func (a toldAnchor) String() string {
	return fmt.Sprintf("anchor of %s in %s", a.Time.UTC().Format(time.RFC3339), a.place)
}

func (v *trailVerifier) find(f TrailFinding) { v.r.Findings = append(v.r.Findings, f) }

func (v *trailVerifier) note(format string, args ...any) {
	v.r.Notes = append(v.r.Notes, fmt.Sprintf(format, args...))
}

// open finds the bucket, whose trail it holds, and the keys to believe.
func (v *trailVerifier) open(ctx context.Context) error {
	v.keys = v.o.Keys
	if v.o.Bucket != nil {
		return v.openCopy(ctx)
	}
	if _, err := os.Stat(v.cfg.DataDir); err != nil {
		return err
	}
	bucket, prefix, err := OpenBucket(ctx, v.cfg)
	if err != nil {
		return fmt.Errorf("open the bucket of log files: %w", err)
	}
	v.bucket, v.layout = bucket, LayoutOf(v.cfg, prefix)
	own, err := DigestKeys(v.cfg)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	v.made = len(own) > 0
	if len(v.keys) == 0 {
		v.keys = own
	}
	return nil
}

func (v *trailVerifier) close() {
	if c, ok := v.bucket.(io.Closer); ok {
		c.Close()
	}
}

// readAnchors reads what is kept outside.
func (v *trailVerifier) readAnchors(ctx context.Context) error {
	places, err := openAnchors(ctx, v.o.Anchors, v.layout.ARN(), anchorDir(v.cfg))
	if err != nil {
		return err
	}
	defer places.Close()
	for i, p := range places.list {
		v.o.Progress("reading anchors", int64(i), int64(len(places.list)))
		anchors, err := p.Anchors(ctx)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			v.note("%s takes anchors and gives none back: ask whoever keeps them", p)
			continue
		case errors.Is(err, anchor.ErrDamaged):
			for _, one := range split(err) {
				v.find(TrailFinding{Where: p.String(), Problem: one.Error()})
			}
		case err != nil:
			return fmt.Errorf("anchor %s: %w", p, err)
		}
		if len(anchors) == 0 {
			v.note("%s has no anchor of %s yet", p, v.layout.ARN())
		}
		for _, a := range anchors {
			v.told = append(v.told, toldAnchor{a, p.String()})
		}
	}
	slices.SortStableFunc(v.told, func(a, b toldAnchor) int { return a.Time.Compare(b.Time) })
	v.r.Anchors = len(v.told)
	if n := len(v.told); n > 0 {
		at := v.told[n-1].Time.UTC()
		v.r.Vouched = &at
		for _, a := range v.told {
			v.r.Upto = max(v.r.Upto, a.Seq)
		}
	}
	return nil
}

// split takes joined errors apart.
func split(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var all []error
		for _, e := range joined.Unwrap() {
			if errors.Is(e, anchor.ErrDamaged) && e != anchor.ErrDamaged {
				all = append(all, e)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	return []error{err}
}

// checkLogFiles checks log files and digests.
func (v *trailVerifier) checkLogFiles(ctx context.Context) error {
	if v.o.Bucket == nil && !v.made {
		v.note("there is no digest key: no server has written log files here yet")
		return nil
	}
	lo := logfile.VerifyOptions{
		Layout: v.layout, Bucket: v.bucket, Keys: v.keys, From: v.o.From, To: v.o.To, Every: v.cfg.Trail.DigestEvery, Now: v.asOf,
		Progress: func(done, total int64) { v.o.Progress("verifying log files", done, total) },
	}
	if v.o.Bucket == nil {
		lo.Dir = TrailDir(v.cfg)
		lo.Journal = func() (logfile.JournalReader, error) { return trail.OpenReader(v.cfg.DataDir) }
	}
	elsewhere := 0
	for _, a := range v.told {
		if a.Digest.Bucket != v.bucket.Name() {
			elsewhere++
		}
		lo.Witnesses = append(lo.Witnesses, a.witness())
	}
	if elsewhere > 0 {
		v.note("%s of digests that were put into another bucket than %s, which was not looked at", number(uint64(elsewhere), "anchor"), v.bucket.Name())
	}
	report, err := logfile.Verify(ctx, lo)
	if lo.Journal != nil && (errors.Is(err, trail.ErrDamaged) || errors.Is(err, os.ErrNotExist)) { // then each is checked by itself
		v.damaged = err
		lo.Journal = nil
		report, err = logfile.Verify(ctx, lo)
	}
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		v.find(TrailFinding{Where: f.Object, Seq: f.Seq, EventID: f.EventID, Problem: f.Problem, lost: f.Lost})
	}
	v.r.Notes = append(v.r.Notes, report.Notes...)
	v.r.Digests, v.r.Backfill, v.r.LogFiles = report.Digests, report.Backfills, report.LogFiles
	if v.o.Bucket != nil {
		v.r.Events = report.Events
	}
	return nil
}

// witness is an anchor as package logfile knows it.
func (a toldAnchor) witness() logfile.Witness {
	head := trail.Head{Seq: a.Seq, Time: a.Time}
	_, _ = hex.Decode(head.Hash[:], []byte(a.Hash)) // Parse checked it
	return logfile.Witness{Source: a.String(), Witnessed: logfile.Witnessed{
		Time: a.Time, Head: head,
		Digest: logfile.Reference{Bucket: a.Digest.Bucket, Object: a.Digest.Key, End: a.Digest.End, Hash: a.Digest.SHA256,
			Signature: a.Digest.Signature, Fingerprint: a.Digest.Fingerprint},
		Key: logfile.PublicKey{DER: a.PublicKey, Fingerprint: a.Digest.Fingerprint},
	}}
}

// checkJournal checks segments, head and seals.
func (v *trailVerifier) checkJournal(ctx context.Context) error {
	if v.o.Bucket != nil {
		return nil
	}
	report, err := trail.Verify(ctx, v.cfg.DataDir, func(done, total int64) { v.o.Progress("verifying the journal", done, total) })
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		v.find(TrailFinding{Where: f.Segment, Seq: f.Frame, Offset: f.Offset, Problem: f.Problem})
	}
	v.r.Events, v.r.Head = report.Events, hex.EncodeToString(report.Head.Hash[:])
	if v.damaged != nil {
		v.note("the journal cannot be read whole, so the log files were not held against it")
		if report.Intact {
			v.find(TrailFinding{Where: "journal", Problem: v.damaged.Error()})
		}
	}
	return nil
}

// checkAnchors holds the journal's chain against every anchor.
func (v *trailVerifier) checkAnchors(ctx context.Context) error {
	if v.o.Bucket != nil || len(v.told) == 0 {
		return nil
	}
	r, err := trail.OpenReader(v.cfg.DataDir)
	if err != nil { // then the journal's own findings say why
		if len(v.r.Findings) == 0 {
			return err
		}
		v.note("the journal cannot be held against the anchors: %v", err)
		return nil
	}
	seqs := make([]uint64, len(v.told))
	for i, a := range v.told {
		seqs[i] = a.Seq
	}
	links, err := r.Links(ctx, seqs)
	if err != nil {
		if !errors.Is(err, trail.ErrDamaged) {
			return err
		}
		v.note("the journal cannot be held against the anchors: %v", err)
		return nil
	}
	head, first := r.Head().Seq, r.First()
	lost := v.foldLost(head)
	pruned := 0
	for _, a := range v.told {
		link, ok := links[a.Seq]
		switch {
		case a.Seq > head:
			gone := ""
			if lost[a.Digest.Key] {
				gone = "; not found either: its digest " + a.Digest.Key
			}
			v.find(TrailFinding{Where: "journal", Seq: head + 1, Problem: fmt.Sprintf(
				"the journal ends with event %d, and the %s knows event %d: %d acknowledged events were taken away, or an older copy was put back%s", head, a, a.Seq, a.Seq-head, gone)})
		case !ok && a.Seq < first:
			pruned++
		case !ok || hex.EncodeToString(link.Hash[:]) != a.Hash:
			v.find(TrailFinding{Where: "journal", Seq: a.Seq, Problem: fmt.Sprintf(
				"the hash chain after event %d is not the one the %s has: this event or one before it is not what it was then", a.Seq, a)})
		}
	}
	if pruned > 0 {
		v.note("%d anchors speak of events before %d, which a tombstone says were removed", pruned, first)
	}
	return nil
}

// foldLost takes out the findings of digests that only anchors of events beyond
// the journal's end know of, and returns those digests: a trail that was put back
// is one finding for each anchor, with both.
func (v *trailVerifier) foldLost(head uint64) map[string]bool {
	beyond := map[string]bool{}
	for _, a := range v.told {
		if a.Seq > head {
			beyond[a.Digest.Key] = true
		}
	}
	lost := map[string]bool{}
	v.r.Findings = slices.DeleteFunc(v.r.Findings, func(f TrailFinding) bool {
		if !f.lost || !beyond[f.Where] {
			return false
		}
		lost[f.Where] = true
		return true
	})
	return lost
}

// Summary is the report in a line.
func (r *TrailReport) Summary() string {
	text := number(r.Events, "event") + ", " + number(uint64(r.LogFiles), "log file") + ", " + number(uint64(r.Digests), "digest")
	if r.Backfill > 0 {
		text += fmt.Sprintf(" (%d more of the backfill chain)", r.Backfill)
	}
	if r.Head != "" {
		text += ", head " + r.Head
	}
	if r.Vouched == nil {
		return text + "; no anchor: nothing of this is vouched for outside"
	}
	return fmt.Sprintf("%s, checked against %s; nothing after %s (event %d) is vouched for outside",
		text, number(uint64(r.Anchors), "anchor"), r.Vouched.Format(time.RFC3339), r.Upto)
}

// number is a number of things.
func number(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// SortFindings puts what one file is about together, the files in order.
func (r *TrailReport) SortFindings() {
	slices.SortStableFunc(r.Findings, func(a, b TrailFinding) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Offset, b.Offset))
	})
}
