package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
)

// renewBefore is when a certificate that ends is worth a word.
const renewBefore = 14 * 24 * time.Hour

// apiChecks look at what the CloudTrail API needs.
func apiChecks(cfg config.Config) []Check {
	var checks []Check
	say := func(err error, ok, hint string) {
		if err != nil {
			checks = append(checks, Check{false, err.Error(), hint})
		} else if ok != "" {
			checks = append(checks, Check{true, ok, ""})
		}
	}
	if _, err := os.Stat(filepath.Join(caDir(cfg), ca.SealFile)); err == nil {
		_, err = ca.OpenSealer(caDir(cfg))
		say(err, "the key that seals secrets", "without it access keys and second factors work no more: restore ca/"+ca.SealFile)
	} else if !errors.Is(err, os.ErrNotExist) { // the first start makes it
		say(err, "", "the server must be able to read it")
	}
	if cfg.API.Listen == "" {
		return checks
	}
	if err := cfg.API.Check(); err != nil {
		say(err, "", "api.certificate and api.key name the PEM files of a certificate; or let it listen on 127.0.0.1 alone")
		return checks
	}
	what := "the CloudTrail API listens on " + cfg.API.Listen
	if cfg.API.Certificate == "" {
		say(nil, what+", for this machine alone", "")
		return checks
	}
	pair, err := tls.LoadX509KeyPair(cfg.API.Certificate, cfg.API.Key)
	if err == nil {
		if left := time.Until(pair.Leaf.NotAfter); left < renewBefore {
			err = fmt.Errorf("the CloudTrail API's certificate ends at %s", pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	say(err, what+", with a certificate", "renew the files of api.certificate and api.key: the server reads them again by itself")
	return checks
}
