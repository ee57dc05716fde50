package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/trailgate/trailgate/internal/suggest"
)

// Place is where objects are kept: a directory or a bucket in S3.
type Place struct {
	Dir      string        // of file:///dir; "" for S3
	Bucket   string        // of s3://bucket/prefix
	Prefix   string        // without slashes around it
	Region   string        // "" is what the SDK finds
	Endpoint string        // of a server that is not AWS's
	Lock     time.Duration // object lock; 0 is none
}

// String is the place without its particulars.
func (p Place) String() string {
	if p.Dir != "" {
		return "file://" + p.Dir
	}
	return strings.TrimSuffix("s3://"+p.Bucket+"/"+p.Prefix, "/")
}

// ParsePlace reads file:///DIR or s3://BUCKET/PREFIX?region=…&endpoint=…&lock=30d.
func ParsePlace(text string) (Place, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return Place{}, fmt.Errorf("%q is not a URL", text)
	case u.User != nil:
		return Place{}, errors.New("a password does not belong into a URL: credentials come from AWS's own places")
	case u.Fragment != "":
		return Place{}, fmt.Errorf("%q ends in #%s, which means nothing here", text, u.Fragment)
	case u.Scheme == "file":
		if u.Host != "" || !path.IsAbs(u.Path) || u.Path == "/" || u.RawQuery != "" {
			return Place{}, fmt.Errorf("%q is not file:///DIR", text)
		}
		return Place{Dir: path.Clean(u.Path)}, nil
	case u.Scheme == "s3":
		return bucket(u, text)
	}
	return Place{}, fmt.Errorf("%q is neither file:///DIR nor s3://BUCKET", text)
}

func bucket(u *url.URL, text string) (Place, error) {
	p := Place{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if p.Bucket == "" || strings.Contains(p.Bucket, ":") {
		return p, fmt.Errorf("%q names no bucket: s3://BUCKET/PREFIX", text)
	}
	if p.Prefix != "" && (path.Clean(p.Prefix) != p.Prefix || strings.HasPrefix(p.Prefix, "..") || strings.ContainsFunc(p.Prefix, unicode.IsControl)) {
		return p, fmt.Errorf("the prefix %q has an empty part, . or ..", p.Prefix)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return p, fmt.Errorf("%q: %w", text, err)
	}
	for name, values := range query {
		value := values[0]
		switch {
		case len(values) > 1:
			return p, fmt.Errorf("%s= is there twice", name)
		case name == "region" && value != "":
			p.Region = value
		case name == "endpoint":
			e, err := url.Parse(value)
			if err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" || e.User != nil {
				return p, fmt.Errorf("endpoint=%s is not an http or https URL", value)
			}
			p.Endpoint = value
		case name == "lock":
			if p.Lock, err = ParseSpan(value); err != nil {
				return p, fmt.Errorf("lock=: %w", err)
			}
		default:
			return p, fmt.Errorf("%s=%s means nothing in the URL of a bucket%s", name, value, suggest.DidYouMean(name, []string{"region", "endpoint", "lock"}))
		}
	}
	return p, nil
}

// ParseSpan reads a time span as people write it, in days too: 400d, 36h, 10m.
func ParseSpan(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a time span such as 30d or 36h", text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 64)
		if err != nil || n == 0 || n > 36500 {
			return 0, wrong
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, wrong
	}
	return d, nil
}

// SpanText writes a span as people set it: in days where it has only those.
func SpanText(d time.Duration) string {
	if d > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// place is a setting that may be empty.
func place(v string) error {
	if v == "" {
		return nil
	}
	_, err := ParsePlace(v)
	return err
}

// Anchor is a place outside where it is kept what the trail says of itself.
type Anchor struct {
	URL        string // file:///DIR, s3://BUCKET/PREFIX, git+ssh://HOST/REPO#BRANCH, git+file:///REPO, https://…
	SecretFile string // of https: the key messages are signed with; of git+ssh: the private key
}

// Check says what is wrong with an anchor.
func (a Anchor) Check() error {
	u, err := url.Parse(a.URL)
	if err != nil {
		return fmt.Errorf("%q is not a URL", a.URL)
	}
	switch u.Scheme {
	case "file", "s3":
		if a.SecretFile != "" {
			return fmt.Errorf("secret_file means nothing for %s", u.Scheme)
		}
		_, err := ParsePlace(a.URL)
		return err
	case "git+file":
		if u.Host != "" || !path.IsAbs(u.Path) || u.RawQuery != "" || a.SecretFile != "" {
			return fmt.Errorf("%q is not git+file:///REPOSITORY#BRANCH without a secret_file", a.URL)
		}
		return branch(u.Fragment)
	case "git+ssh":
		_, password := u.User.Password()
		if u.Hostname() == "" || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-") || password || len(u.Path) < 2 || u.RawQuery != "" {
			return fmt.Errorf("%q is not git+ssh://USER@HOST/REPOSITORY#BRANCH", a.URL)
		}
		return branch(u.Fragment)
	case "https", "http":
		switch {
		case u.Host == "" || u.User != nil:
			return errors.New("a webhook must be a URL without a password: messages are signed")
		case u.Scheme == "http" && !Loopback(u.Host):
			return errors.New("a webhook beyond this machine must be https")
		case a.SecretFile == "":
			return errors.New("a webhook needs secret_file: a message that is not signed could come from anybody")
		}
		return nil
	}
	return fmt.Errorf("%q is none of file:///DIR, s3://BUCKET, git+ssh://HOST/REPOSITORY, git+file:///REPOSITORY, https://…", a.URL)
}

// branch checks the name of a git branch; "" is the default one.
func branch(name string) error {
	ok := !strings.HasPrefix(name, "-") && !strings.Contains(name, "..") && !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, "/")
	for _, c := range []byte(name) {
		ok = ok && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("._-/", c) >= 0)
	}
	if !ok || strings.HasPrefix(name, "/") || strings.Contains(name, "//") || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
		return fmt.Errorf("%q is not the name of a branch", name)
	}
	return nil
}
