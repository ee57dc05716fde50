// Package config is the settings of an installation: flag over environment over
// file over default, and for each where it came from.
//
// The file is strict YAML: an unknown key, a second one or a value of the wrong
// kind is a mistake, and every mistake is reported at once with its place.
// Secrets are never settings: a setting names the file that holds one.
package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Config is the settings.
type Config struct {
	DataDir     string
	AccountID   string
	Region      string
	EventSource string
	Gate        Gate
	Runbooks    Runbooks
	Limits      Limits
	Blob        Blob
	Trail       Trail
	Anchors     []Anchor            // where it is kept outside what the trail says of itself
	Notify      map[string]Receiver // by the name that a runbook's notify step uses
	Forwarders  []Forwarder
	Metrics     Metrics
	API         API
}

// Metrics is where Prometheus asks.
type Metrics struct {
	Listen string // host:port on this machine; empty for nowhere
}

// Gate is where people connect.
type Gate struct {
	Listen string // host:port
	Domain string // targets are NAME.DOMAIN behind a jump
}

// Blob is where log files and digests are kept.
type Blob struct {
	URL string // a Place; "" is the data directory
}

// Trail is how the trail is kept.
type Trail struct {
	Name         string        // in its ARN and the names of its digests
	LogFileEvery time.Duration // how often a log file is delivered
	DigestEvery  time.Duration // how often the log files are signed for
	SealEvery    time.Duration // how often events go into Parquet
	MergeEvery   time.Duration // how often the seals of a day are merged at most
	Retention    string        // a span; "" keeps all
}

// Runbooks is where runbooks of one's own are.
type Runbooks struct {
	Dir string // empty for none; the shipped ones are always there
}

// Limits bound what people and strangers can use up.
type Limits struct {
	MFARemember      time.Duration
	LoginGrace       time.Duration
	ThrottleInterval time.Duration
	Unproven         int
	UnprovenSource   int
}

// Receiver is somebody a runbook tells.
type Receiver struct {
	Webhook    string // URL
	SecretFile string // the key its messages are signed with (Standard Webhooks)
}

// Key is one setting.
type Key struct {
	Name string // dotted, as config show prints it: gate.listen
	Flag string // gate-listen
	Env  string // TRAILGATE_GATE_LISTEN
	Help string
	get  func(*Config) string
	set  func(*Config, string) error
}

// Default is the settings when nobody says anything.
func Default() Config {
	return Config{
		DataDir:     "/var/lib/trailgate",
		AccountID:   "000000000000",
		Region:      "us-east-1",
		EventSource: "ssh-proxy-service.yourdomain.com",
		Gate:        Gate{Listen: ":2222", Domain: "tg"},
		Limits: Limits{MFARemember: 10 * time.Minute, LoginGrace: 30 * time.Second, ThrottleInterval: 10 * time.Second,
			Unproven: 1000, UnprovenSource: 100},
		Trail: Trail{Name: "trailgate", LogFileEvery: 5 * time.Minute, DigestEvery: time.Hour, SealEvery: 5 * time.Minute, MergeEvery: time.Hour},
	}
}

// Keys lists all settings but notify, anchors and forwarders, which are in the file only.
func Keys() []Key {
	text := func(name, help string, at func(*Config) *string, check func(string) error) Key {
		return key(name, help, func(c *Config) string { return *at(c) }, func(c *Config, v string) error {
			*at(c) = v
			return check(v)
		})
	}
	span := func(name, help string, at func(*Config) *time.Duration) Key {
		return key(name, help, func(c *Config) string { return at(c).String() }, func(c *Config, v string) (err error) {
			if *at(c), err = time.ParseDuration(v); err != nil || *at(c) <= 0 {
				return fmt.Errorf("%q is not a duration such as 10m or 30s", v)
			}
			return nil
		})
	}
	seconds := func(name, help string, at func(*Config) *time.Duration) Key {
		return key(name, help, func(c *Config) string { return at(c).String() }, func(c *Config, v string) (err error) {
			if *at(c), err = time.ParseDuration(v); err != nil || *at(c) < time.Second || *at(c)%time.Second != 0 {
				return fmt.Errorf("%q is not a duration of whole seconds, such as 5m", v)
			}
			return nil
		})
	}
	count := func(name, help string, at func(*Config) *int) Key {
		return key(name, help, func(c *Config) string { return strconv.Itoa(*at(c)) }, func(c *Config, v string) (err error) {
			if *at(c), err = strconv.Atoi(v); err != nil || *at(c) < 1 {
				return fmt.Errorf("%q is not a number above zero", v)
			}
			return nil
		})
	}
	return []Key{
		text("data_dir", "where everything is kept", func(c *Config) *string { return &c.DataDir }, notEmpty),
		text("account_id", "the AWS account in ARNs and records", func(c *Config) *string { return &c.AccountID }, account),
		text("region", "the awsRegion of records", func(c *Config) *string { return &c.Region }, region),
		text("event_source", "the eventSource of records", func(c *Config) *string { return &c.EventSource }, hostName),
		text("gate.listen", "where the gate listens, HOST:PORT", func(c *Config) *string { return &c.Gate.Listen }, address),
		text("gate.domain", "targets are NAME.DOMAIN behind a jump", func(c *Config) *string { return &c.Gate.Domain }, hostName),
		text("api.listen", "where the CloudTrail API listens, HOST:PORT; none for nowhere", func(c *Config) *string { return &c.API.Listen }, optionalAddress),
		text("api.certificate", "the CloudTrail API's certificate, a PEM file", func(c *Config) *string { return &c.API.Certificate }, func(string) error { return nil }),
		text("api.key", "the certificate's key, a PEM file", func(c *Config) *string { return &c.API.Key }, func(string) error { return nil }),
		text("runbooks.dir", "runbooks of your own, beside the shipped ones", func(c *Config) *string { return &c.Runbooks.Dir }, func(string) error { return nil }),
		text("metrics.listen", "where Prometheus may ask for /metrics, HOST:PORT on loopback", func(c *Config) *string { return &c.Metrics.Listen }, loopbackAddress),
		text("blob.url", "where log files and digests are kept: file:///DIR or s3://BUCKET/PREFIX?region=…&endpoint=…&lock=30d; none is data_dir/trail", func(c *Config) *string { return &c.Blob.URL }, place),
		text("trail.name", "the trail's name in its ARN and its digests", func(c *Config) *string { return &c.Trail.Name }, trailName),
		seconds("trail.log_file_every", "how often a log file is delivered", func(c *Config) *time.Duration { return &c.Trail.LogFileEvery }),
		seconds("trail.digest_every", "how often a digest signs for the log files; CloudTrail does every hour", func(c *Config) *time.Duration { return &c.Trail.DigestEvery }),
		seconds("trail.seal_every", "how often events are sealed into the Parquet files that queries read; 100,000 events are at any time", func(c *Config) *time.Duration { return &c.Trail.SealEvery }),
		seconds("trail.merge_every", "how often the sealed files of a day are merged into fewer at most; when the day is over they become one", func(c *Config) *time.Duration { return &c.Trail.MergeEvery }),
		text("trail.retention", "how long events are kept, such as 400d; none keeps all of them", func(c *Config) *string { return &c.Trail.Retention }, retention),
		span("limits.mfa_remember", "how long a second factor counts for its key and address", func(c *Config) *time.Duration { return &c.Limits.MFARemember }),
		span("limits.login_grace", "how long a login may take", func(c *Config) *time.Duration { return &c.Limits.LoginGrace }),
		span("limits.throttle_interval", "a throttled source gets one new connection each", func(c *Config) *time.Duration { return &c.Limits.ThrottleInterval }),
		count("limits.unproven", "connections that have not logged in yet", func(c *Config) *int { return &c.Limits.Unproven }),
		count("limits.unproven_source", "the same from one source", func(c *Config) *int { return &c.Limits.UnprovenSource }),
	}
}

func key(name, help string, get func(*Config) string, set func(*Config, string) error) Key {
	flag := strings.NewReplacer(".", "-", "_", "-").Replace(name)
	return Key{Name: name, Flag: flag, Env: "TRAILGATE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), Help: help, get: get, set: set}
}

// Value is a setting as text; "" for a name that is none.
func (c Config) Value(name string) string {
	for _, k := range Keys() {
		if k.Name == name {
			return k.get(&c)
		}
	}
	return ""
}

func notEmpty(v string) error {
	if v == "" {
		return fmt.Errorf("may not be empty")
	}
	return nil
}

func account(v string) error {
	if _, err := strconv.ParseUint(v, 10, 64); err != nil || len(v) != 12 {
		return fmt.Errorf("%q is not an AWS account ID: 12 digits", v)
	}
	return nil
}

func hostName(v string) error {
	ok := v != "" && len(v) <= 253 && v[0] != '.' && v[len(v)-1] != '.' && !strings.Contains(v, "..")
	for _, c := range []byte(v) {
		ok = ok && ('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-')
	}
	if !ok {
		return fmt.Errorf("%q is not a host name in small letters", v)
	}
	return nil
}

func address(v string) error {
	_, port, err := net.SplitHostPort(v)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not HOST:PORT, such as :2222", v)
	}
	return nil
}

func loopbackAddress(v string) error {
	if v == "" {
		return nil
	}
	if err := address(v); err != nil {
		return err
	}
	if !Loopback(v) {
		return fmt.Errorf("%q is not on loopback: metrics are not protected", v)
	}
	return nil
}
