package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/suggest"
)

// Forwarder is somewhere outside that events go to.
type Forwarder struct {
	Name              string
	To                string // URL
	Only              string // a SQL condition on one event; "" sends all
	Format            string // cloudtrail or ocsf
	From              string // beginning or now: where a new forwarder starts
	SecretFile        string // what a webhook's messages are signed with
	CAFile            string // PEM of the authorities that sign the server
	ClientCertificate string // PEM
	ClientKey         string // PEM
}

// URL is To, taken apart. Load has checked it.
func (f Forwarder) URL() *url.URL {
	u, err := url.Parse(f.To)
	if err != nil {
		panic("config: a forwarder's URL was not checked: " + err.Error())
	}
	return u
}

// Formats of a forwarder's messages.
const (
	FormatCloudTrail = "cloudtrail"
	FormatOCSF       = "ocsf"
)

// Scheme is a kind of sink: what a forwarder's URL may look like.
type Scheme struct {
	Name    string
	Example string
	Params  []string // of the query
	Needs   []string // those of Params without which it cannot be
	Secret  bool     // takes, and needs, secret_file
	TLS     bool     // takes ca_file, client_certificate and client_key
	Formats []string
	check   func(*url.URL) error
}

var bothFormats = []string{FormatCloudTrail, FormatOCSF}

// Schemes are the kinds of sinks there are.
func Schemes() []Scheme {
	return []Scheme{
		{Name: "file", Example: "file:///var/log/trailgate/events.jsonl", Formats: bothFormats, check: func(u *url.URL) error {
			if u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasSuffix(u.Path, "/") {
				return fmt.Errorf("is not the absolute path of a file")
			}
			return nil
		}},
		{Name: "https", Example: "https://siem.example.com/trailgate", Secret: true, TLS: true, Formats: bothFormats, check: hasHost},
		{Name: "http", Example: "http://127.0.0.1:9000/trailgate", Secret: true, Formats: bothFormats, check: onlyLoopback},
		{Name: "syslog+tls", Example: "syslog+tls://logs.example.com:6514", TLS: true, Formats: bothFormats, check: hostAndPort},
		{Name: "syslog+tcp", Example: "syslog+tcp://127.0.0.1:601", Formats: bothFormats, check: func(u *url.URL) error {
			if err := hostAndPort(u); err != nil {
				return err
			}
			return onlyLoopback(u)
		}},
		{Name: "s3", Example: "s3://bucket/prefix?region=eu-west-1", Params: []string{"region", "endpoint", "lock"}, Formats: []string{FormatCloudTrail}, check: func(u *url.URL) error {
			_, err := ParsePlace(u.String())
			return err
		}},
		{Name: "cloudwatch", Example: "cloudwatch://CloudTrail/trailgate?region=eu-west-1", Params: []string{"region", "endpoint", "stream"}, Formats: bothFormats, check: logGroup},
		{Name: "eventbridge", Example: "eventbridge://bus?region=eu-west-1", Params: []string{"region", "endpoint"}, Formats: bothFormats, check: eventBus},
		{Name: "lake", Example: "lake:arn:aws:cloudtrail:eu-west-1:111122223333:channel/01234567-89ab-cdef-0123-456789abcdef", Params: []string{"endpoint", "external_id"},
			Formats: []string{FormatCloudTrail}, check: func(u *url.URL) error {
				if !strings.HasPrefix(u.Opaque, "arn:") || !strings.Contains(u.Opaque, ":channel/") {
					return fmt.Errorf("is not the ARN of a channel")
				}
				return endpoint(u)
			}},
		{Name: "securitylake", Example: "securitylake://aws-security-data-lake-eu-west-1-example?region=eu-west-1&account=111122223333",
			Params: []string{"region", "endpoint", "account", "source"}, Formats: []string{FormatOCSF}, check: securityLake},
	}
}

func hasHost(u *url.URL) error {
	if u.Host == "" {
		return fmt.Errorf("names nothing after ://")
	}
	return nil
}

// endpoint holds for where a service of AWS's is called.
func endpoint(u *url.URL) error {
	text := u.Query().Get("endpoint")
	if text == "" {
		return nil
	}
	to, err := url.Parse(text)
	switch {
	case err != nil || to.Host == "" || to.User != nil || to.RawQuery != "" || to.Scheme != "https" && to.Scheme != "http":
		return fmt.Errorf("has an endpoint that is not an http or https URL")
	case to.Scheme == "http" && !Loopback(to.Host):
		return fmt.Errorf("would go out in the clear: an http endpoint is for loopback")
	}
	return nil
}

// eventBus holds for the names of event buses.
func eventBus(u *url.URL) error {
	if !eventBusName.MatchString(u.Host + u.Path) {
		return fmt.Errorf("does not name an event bus: letters, digits and . - _ /, at most 256")
	}
	return endpoint(u)
}

var eventBusName = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,256}$`)

// logGroup holds for the names CloudWatch Logs gives groups and streams, which
// may begin with a slash: cloudwatch:///aws/trailgate.
func logGroup(u *url.URL) error {
	if !logGroupName.MatchString(u.Host + u.Path) {
		return fmt.Errorf("does not name a log group: letters, digits and . - _ / #, at most 512")
	}
	if stream := u.Query().Get("stream"); len(stream) > 512 || strings.ContainsAny(stream, ":*") {
		return fmt.Errorf("names a log stream with : or *, or of more than 512 characters")
	}
	return endpoint(u)
}

var logGroupName = regexp.MustCompile(`^[A-Za-z0-9._/#-]{1,512}$`)

// securityLake holds for what becomes part of every key.
func securityLake(u *url.URL) error {
	q := u.Query()
	switch {
	case u.Host == "":
		return fmt.Errorf("names no bucket")
	case !regexp.MustCompile(`^(external(_[0-9A-Za-z]+)?|[0-9]{12})?$`).MatchString(q.Get("account")):
		return fmt.Errorf("has an account that is neither 12 digits nor external_ID")
	case !regexp.MustCompile(`^[A-Za-z0-9_-]{0,20}$`).MatchString(q.Get("source")):
		return fmt.Errorf("has a source's prefix that is not of letters, digits, - and _")
	case strings.Contains(u.Path, "//") || strings.Contains(u.Path, "/.."):
		return fmt.Errorf("has a path with an empty part or ..")
	}
	return endpoint(u)
}

func hostAndPort(u *url.URL) error {
	if u.Hostname() == "" || u.Port() == "" || u.Path != "" && u.Path != "/" {
		return fmt.Errorf("is not a host and a port")
	}
	return nil
}

// onlyLoopback holds for what goes out in the clear.
func onlyLoopback(u *url.URL) error {
	if !Loopback(u.Host) {
		return fmt.Errorf("would go out in the clear: %s is for loopback", u.Scheme)
	}
	return nil
}

// Loopback says whether HOST or HOST:PORT stays on this machine.
func Loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

var forwarderName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// forwarderFields in the order of the reference.
var forwarderFields = []string{"name", "to", "only", "format", "from", "secret_file", "ca_file", "client_certificate", "client_key"}

// forwarders reads forwarders: [{name: NAME, to: URL, …}].
func (l *loader) forwarders(n *yaml.Node) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		l.fail(n, "forwarders: want a list, such as [{name: siem, to: %q}]", Schemes()[3].Example)
		return
	}
	for _, fields := range n.Content {
		if fields.Kind != yaml.MappingNode {
			l.fail(fields, "forwarders: want {name: NAME, to: URL}")
			continue
		}
		l.forwarder(fields)
	}
}

func (l *loader) forwarder(n *yaml.Node) {
	f := Forwarder{}
	places := map[string]*yaml.Node{}
	values := map[string]*string{
		"name": &f.Name, "to": &f.To, "only": &f.Only, "format": &f.Format, "from": &f.From, "secret_file": &f.SecretFile,
		"ca_file": &f.CAFile, "client_certificate": &f.ClientCertificate, "client_key": &f.ClientKey,
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch at := values[k.Value]; {
		case at == nil:
			l.fail(k, "unknown setting %q of a forwarder%s", k.Value, suggest.DidYouMean(k.Value, forwarderFields))
		case places[k.Value] != nil:
			l.fail(k, "%s of a forwarder is set twice", k.Value)
		case v.Kind != yaml.ScalarNode || isNull(v) || v.Value == "":
			l.fail(v, "forwarders.%s: want one value", k.Value)
			places[k.Value] = v
		default:
			*at, places[k.Value] = v.Value, v
		}
	}
	if places["name"] == nil || places["to"] == nil {
		l.fail(n, "a forwarder needs name and to")
		return
	}
	if !forwarderName.MatchString(f.Name) {
		l.fail(places["name"], "forwarders.name: %q is not a name: small letters, digits and -, at most 63", f.Name)
	}
	if slices.ContainsFunc(l.c.Forwarders, func(o Forwarder) bool { return o.Name == f.Name }) {
		l.fail(places["name"], "forwarder %s is set twice", f.Name)
	}
	if f.From != "" && f.From != "beginning" && f.From != "now" {
		l.fail(places["from"], "forwarders.from: %q is neither beginning nor now", f.From)
	}
	if f.Only != "" {
		if _, err := sqlfront.ParsePredicate(f.Only); err != nil {
			l.fail(places["only"], "forwarders.only: %v", err)
		}
	}
	l.destination(&f, places)
	l.c.Forwarders = append(l.c.Forwarders, f)
	l.origins["forwarders."+f.Name] = fmt.Sprintf("%s:%d", l.file, n.Line)
}

// destination checks the URL and what its scheme takes beside it.
func (l *loader) destination(f *Forwarder, places map[string]*yaml.Node) {
	to := places["to"]
	u, err := url.Parse(f.To)
	if err != nil || u.Scheme == "" {
		l.fail(to, "forwarders.to: %q is not a URL, such as %s", f.To, Schemes()[0].Example)
		return
	}
	schemes := Schemes()
	var names []string
	for _, s := range schemes {
		names = append(names, s.Name)
	}
	at := slices.Index(names, u.Scheme)
	if at < 0 {
		l.fail(to, "forwarders.to: unknown scheme %q%s: one of %s", u.Scheme, suggest.DidYouMean(u.Scheme, names), strings.Join(names, ", "))
		return
	}
	s := schemes[at]
	if u.User != nil {
		l.fail(to, "forwarders.to: a password does not belong in settings")
	} else if err := s.check(u); err != nil {
		l.fail(to, "forwarders.to: %q %v, such as %s", f.To, err, s.Example)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if s.Params != nil || u.Opaque != "" { // the query of a webhook is the receiver's
		for name := range query {
			if !slices.Contains(s.Params, name) {
				l.fail(to, "forwarders.to: unknown parameter %q of %s%s", name, s.Name, suggest.DidYouMean(name, s.Params))
			}
		}
		if err != nil {
			l.fail(to, "forwarders.to: %v", err)
		}
	}
	for _, name := range s.Needs {
		if query.Get(name) == "" {
			l.fail(to, "forwarders.to: %s needs the parameter %s, such as %s", s.Name, name, s.Example)
		}
	}
	if f.Format == "" {
		f.Format = s.Formats[0]
	} else if !slices.Contains(s.Formats, f.Format) {
		l.fail(places["format"], "forwarders.format: %s takes %s%s", s.Name, strings.Join(s.Formats, " or "), suggest.DidYouMean(f.Format, s.Formats))
	}
	if s.Secret && f.SecretFile == "" {
		l.fail(to, "forwarder %s needs secret_file: a message that is not signed could come from anybody", f.Name)
	}
	for _, name := range []string{"secret_file", "ca_file", "client_certificate", "client_key"} {
		takes := s.TLS
		if name == "secret_file" {
			takes = s.Secret
		}
		if places[name] != nil && !takes {
			l.fail(places[name], "forwarders.%s: %s takes none", name, s.Name)
		}
	}
	if (f.ClientCertificate == "") != (f.ClientKey == "") {
		l.fail(to, "forwarder %s: client_certificate and client_key go together", f.Name)
	}
}
