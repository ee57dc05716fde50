package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/anchor"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// finishLogFiles is how long a node that stops tries to deliver and sign for
// its last events. They are delivered by the next one otherwise.
const finishLogFiles = 5 * time.Second

// logFiles is the trail as CloudTrail shows it: in files, with digests.
type logFiles struct {
	layout    logfile.Layout
	bucket    blob.Bucket
	keys      *ca.DigestKeys
	deliverer *logfile.Deliverer
	anchors   *anchorPlaces  // nil before they are open
	keeper    *anchor.Keeper // tells them of each digest
}

// LayoutOf is where a trail's log files lie in its bucket. prefix is what
// OpenBucket returned.
func LayoutOf(cfg config.Config, prefix string) logfile.Layout {
	return logfile.Layout{Prefix: prefix, AccountID: cfg.AccountID, Region: cfg.Region, Name: cfg.Trail.Name}
}

// DigestKeys are the public keys of an installation's digests. None at all is
// os.ErrNotExist.
func DigestKeys(cfg config.Config) ([]logfile.PublicKey, error) {
	keys, err := ca.LoadDigest(caDir(cfg))
	if err != nil {
		return nil, err
	}
	return publicKeys(keys.All()), nil
}

func publicKeys(keys []ca.DigestKey) []logfile.PublicKey {
	all := make([]logfile.PublicKey, len(keys))
	for i, k := range keys {
		all[i] = logfile.PublicKey(k)
	}
	return all
}

// digestSigner is the digest keys as package logfile knows them.
type digestSigner struct{ keys *ca.DigestKeys }

func (s digestSigner) Key(t time.Time) (logfile.PublicKey, error) {
	k, err := s.keys.Key(t)
	return logfile.PublicKey(k), err
}

func (s digestSigner) Sign(fingerprint string, text []byte) ([]byte, error) {
	return s.keys.Sign(fingerprint, text)
}

func (s digestSigner) Keys(from, to time.Time) []logfile.PublicKey {
	return publicKeys(s.keys.Keys(from, to))
}

// openLogFiles readies the delivery of log files and digests.
func (a *App) openLogFiles(ctx context.Context) error {
	keys, err := ca.InitDigest(caDir(a.cfg), time.Now())
	if err != nil {
		return err
	}
	bucket, prefix, err := OpenBucket(ctx, a.cfg)
	if err != nil {
		return fmt.Errorf("open the bucket of log files: %w", err)
	}
	if err := os.MkdirAll(TrailDir(a.cfg), 0o700); err != nil {
		return fmt.Errorf("make the directory of log files: %w", err)
	}
	layout := LayoutOf(a.cfg, prefix)
	places, err := openAnchors(ctx, a.cfg.Anchors, layout.ARN(), anchorDir(a.cfg))
	if err != nil {
		a.files.bucket = bucket // close gives it back
		return fmt.Errorf("open the anchors: %w", err)
	}
	a.files = logFiles{layout: layout, bucket: bucket, keys: keys, anchors: places, keeper: places.keeper()}
	a.files.deliverer = logfile.NewDeliverer(logfile.Options{
		Layout: a.files.layout, Journal: a.trail, Bucket: bucket, Signer: digestSigner{keys}, Dir: TrailDir(a.cfg),
		FileEvery: a.cfg.Trail.LogFileEvery, DigestEvery: a.cfg.Trail.DigestEvery,
		Record: a.append, Witness: a.anchorDigest,
		OnError: func(err error) {
			if !errors.Is(err, context.Canceled) { // the node stops: the next one goes on
				a.o.Log.Error("log files not delivered, it is tried again", "err", err)
			}
		},
	})
	return nil
}

// anchorDigest tells every anchor of a digest.
func (a *App) anchorDigest(ctx context.Context, w logfile.Witnessed) error {
	made := anchor.Anchor{
		Version: anchor.Version, Trail: a.files.layout.ARN(), Time: w.Time, Seq: w.Head.Seq, Hash: hex.EncodeToString(w.Head.Hash[:]),
		Digest: anchor.Digest{Bucket: w.Digest.Bucket, Key: w.Digest.Object, SHA256: w.Digest.Hash, Signature: w.Digest.Signature,
			End: w.Digest.End, Fingerprint: w.Digest.Fingerprint},
		PublicKey: w.Key.DER,
	}
	return a.files.keeper.Keep(ctx, made)
}

// closeLogFiles delivers the last events of a node that stops, and signs for
// them: what is missing behind that digest is then known to be missing.
func (a *App) closeLogFiles(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, finishLogFiles)
	defer cancel()
	if err := a.files.deliverer.Digest(bounded); err != nil {
		a.o.Log.Error("the last log file is not delivered, the next start does", "err", err)
		return
	}
	if len(a.files.anchors.list) > 0 && !a.anchored(bounded) {
		a.o.Log.Error("the last digest is not in every anchor, the next start tells them", "err", a.files.deliverer.Status().LatestWitnessError)
	}
}

// anchored waits until every place outside was told of the newest digest, or one
// could not be.
func (a *App) anchored(ctx context.Context) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		switch st := a.files.deliverer.Status(); {
		case st.LatestWitnessError != "":
			return false
		case !st.LatestWitness.Before(st.LatestDigestDelivery):
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

// close gives back what openLogFiles opened, as far as it came.
func (f logFiles) close() {
	if f.anchors != nil {
		f.anchors.Close()
	}
	if c, ok := f.bucket.(io.Closer); ok {
		c.Close()
	}
}

// undelivered is the oldest event that no log file holds yet.
func (f logFiles) undelivered() uint64 { return f.deliverer.Delivered() + 1 }

// LogFiles says how the delivery of log files does.
func (a *App) LogFiles() rest.LogFiles {
	st := a.files.deliverer.Status()
	out := rest.LogFiles{
		Bucket: a.files.bucket.Name(), Trail: a.files.layout.ARN(), Delivered: st.Delivered,
		LatestDelivery: st.LatestDelivery, LatestDeliveryError: st.LatestDeliveryError,
		LatestDigestDelivery: st.LatestDigestDelivery, LatestDigestDeliveryError: st.LatestDigestDeliveryError,
		LatestAnchor: st.LatestWitness, LatestAnchorError: st.LatestWitnessError, Anchors: anchorStatus(a.files.keeper),
	}
	if st.Digest != nil {
		out.Digest, out.DigestEnd = st.Digest.Object, st.Digest.End
	}
	return out
}

// RotateDigestKey makes a new key for digests. Its event comes first.
func (a *App) RotateDigestKey(ctx context.Context, by admin.Actor) (rest.DigestKey, error) {
	record := func(k ca.DigestKey, failure error) error {
		m := event.Meta{Time: time.Now(), Identity: by.Identity, SourceIP: by.Source}
		if failure != nil {
			m.ErrorCode, m.ErrorMessage = event.InternalFailure, failure.Error()
		}
		_, err := a.trail.Append(ctx, a.origin.Record(m, event.RotateCA{CA: "digest", Fingerprint: k.Fingerprint, From: k.From.UTC().Format(time.RFC3339)}))
		return err
	}
	var announced *ca.DigestKey
	k, err := a.files.keys.Rotate(time.Now, func(k ca.DigestKey) error {
		if err := record(k, nil); err != nil {
			return err
		}
		announced = &k
		return nil
	})
	if err != nil {
		if announced != nil { // the trail must not claim what did not happen
			err = errors.Join(err, record(*announced, err))
		}
		return rest.DigestKey{}, err
	}
	return rest.DigestKey{Fingerprint: k.Fingerprint, From: k.From, PEM: k.PEM()}, nil
}
