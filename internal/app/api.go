package app

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/api/cloudtrail"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
)

// EventDataStoreID is the ID of the trail as an event data store, and of the
// channel into it: always the same for an account and region.
func EventDataStoreID(cfg config.Config) string {
	return event.NameID("arn:aws:cloudtrail:" + cfg.Region + ":" + cfg.AccountID + ":eventdatastore/trailgate")
}

// queriesDir keeps the results of the API's queries.
func queriesDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "queries") }

// openAPI makes the CloudTrail API and its listener, if it is to be served.
func (a *App) openAPI(auth *authn.Authn) error {
	if a.cfg.API.Listen == "" {
		return nil
	}
	if err := a.cfg.API.Check(); err != nil {
		return err
	}
	seal, err := ca.OpenSealer(caDir(a.cfg))
	if err != nil {
		return err
	}
	a.awsAPI, err = cloudtrail.New(cloudtrail.Options{
		Origin: a.origin, Name: a.cfg.Trail.Name, StoreID: EventDataStoreID(a.cfg),
		Bucket: a.files.bucket, Prefix: a.files.layout.Prefix, Dir: queriesDir(a.cfg),
		Created: installed(a.cfg), Retention: retentionOf(a.cfg), Throttle: a.cfg.Limits.ThrottleInterval,
		Journal: a.trail, Signers: auth, Rules: a.rules, Queries: beside{a.people, a.store}, Tokens: seal,
		PublicKeys: a.apiKeys, Delivery: a.apiDelivery, Sign: a.apiSign,
		Now: time.Now, Log: a.o.Log,
	})
	if err != nil {
		return err
	}
	if a.awsLn, err = net.Listen("tcp", a.cfg.API.Listen); err != nil {
		return fmt.Errorf("listen for the CloudTrail API: %w", err)
	}
	if a.cfg.API.Certificate == "" {
		return nil
	}
	pair := &certificate{cert: a.cfg.API.Certificate, key: a.cfg.API.Key}
	if _, err := pair.get(nil); err != nil {
		return fmt.Errorf("load the CloudTrail API's certificate: %w", err)
	}
	a.awsLn = tls.NewListener(a.awsLn, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"http/1.1"}})
	return nil
}

// apiURL is where clients reach the API; empty when it is off.
func (a *App) apiURL() string {
	if a.awsLn == nil {
		return ""
	}
	scheme, address := "http://", a.awsLn.Addr().String()
	if a.cfg.API.Certificate != "" {
		scheme = "https://"
	}
	// A certificate is for a name, not for the address that the name has here.
	if host, _, err := net.SplitHostPort(a.cfg.API.Listen); err == nil && host != "" {
		if _, port, err := net.SplitHostPort(address); err == nil && net.ParseIP(host) == nil {
			address = net.JoinHostPort(host, port)
		}
	}
	return scheme + address
}

// apiKeys are the keys that ListPublicKeys answers.
func (a *App) apiKeys(from, to time.Time) []cloudtrail.PublicKey {
	var keys []cloudtrail.PublicKey
	for _, k := range a.files.keys.Keys(from, to) {
		keys = append(keys, cloudtrail.PublicKey(k))
	}
	return keys
}

// apiDelivery is what GetTrailStatus answers.
func (a *App) apiDelivery() cloudtrail.Delivery {
	st := a.files.deliverer.Status()
	return cloudtrail.Delivery{
		Started: st.Started, Latest: st.LatestDelivery, LatestAttempt: st.LatestDeliveryAttempt, LatestError: st.LatestDeliveryError,
		Digest: st.LatestDigestDelivery, DigestAttempt: st.LatestDigestDeliveryAttempt, DigestError: st.LatestDigestDeliveryError,
	}
}

// apiSign signs the results of queries, as digests are signed.
func (a *App) apiSign(at time.Time, text []byte) (signature []byte, fingerprint string, err error) {
	k, err := a.files.keys.Key(at)
	if err != nil {
		return nil, "", err
	}
	signature, err = a.files.keys.Sign(k.Fingerprint, text)
	return signature, k.Fingerprint, err
}

// installed is when this installation was made: when its keys were.
func installed(cfg config.Config) time.Time {
	if info, err := os.Stat(filepath.Join(caDir(cfg), "user_ca")); err == nil {
		return info.ModTime().UTC().Truncate(time.Second)
	}
	return time.Time{}
}

// retentionOf is how long events are kept; 0 for ever.
func retentionOf(cfg config.Config) time.Duration {
	span, err := config.ParseSpan(cfg.Trail.Retention)
	if err != nil {
		return 0 // the settings were checked: it is empty
	}
	return span
}

// certificate is a key pair in files, read again when they change: who renews
// it need not restart the server.
type certificate struct {
	cert, key string

	mu     sync.Mutex // guards below; held over reading the files
	pair   *tls.Certificate
	loaded time.Time // when the newer of the files had changed
}

// get is for tls.Config.GetCertificate. A pair that cannot be read leaves the
// last one in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed time.Time
	for _, file := range []string{c.cert, c.key} {
		info, err := os.Stat(file)
		if err != nil {
			return c.last(err)
		}
		if info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if c.pair != nil && changed.Equal(c.loaded) {
		return c.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return c.last(err)
	}
	c.pair, c.loaded = &pair, changed
	return c.pair, nil
}

func (c *certificate) last(err error) (*tls.Certificate, error) {
	if c.pair != nil {
		return c.pair, nil
	}
	return nil, err
}
