package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/suggest"
)

// Source is where settings come from.
type Source struct {
	File  string            // name of the file, for messages; empty for none
	Data  []byte            // its text
	Env   []string          // NAME=value
	Flags map[string]string // by the setting's name
}

// Origins says where each setting came from: default, flag --x, a variable's
// name, or file:line.
type Origins map[string]string

// mistake is one thing wrong, and where.
type mistake struct {
	place, text string
}

func (m mistake) Error() string { return m.place + ": " + m.text }

// Load joins the sources. The error holds every mistake.
func Load(s Source) (Config, Origins, error) {
	c, origins := Default(), Origins{}
	keys := Keys()
	for _, k := range keys {
		origins[k.Name] = "default"
	}
	l := &loader{c: &c, origins: origins, keys: keys, file: s.File}
	if s.File != "" {
		l.readFile(s.Data)
	}
	for _, kv := range s.Env {
		name, value, _ := strings.Cut(kv, "=")
		for _, k := range keys {
			if k.Env == name {
				l.put(k, value, name, name)
			}
		}
	}
	for _, k := range keys {
		if v, ok := s.Flags[k.Name]; ok {
			l.put(k, v, "--"+k.Flag, "--"+k.Flag)
		}
	}
	if len(l.wrong) > 0 {
		return Config{}, nil, errors.Join(l.wrong...)
	}
	return c, origins, nil
}

type loader struct {
	c       *Config
	origins Origins
	keys    []Key
	file    string
	wrong   []error
}

// put sets a setting from an origin.
func (l *loader) put(k Key, value, place, origin string) {
	if err := k.set(l.c, value); err != nil {
		l.wrong = append(l.wrong, mistake{place, k.Name + ": " + err.Error()})
		return
	}
	l.origins[k.Name] = origin
}

func (l *loader) fail(n *yaml.Node, format string, args ...any) {
	l.wrong = append(l.wrong, mistake{fmt.Sprintf("%s:%d:%d", l.file, max(n.Line, 1), max(n.Column, 1)), fmt.Sprintf(format, args...)})
}

func (l *loader) readFile(data []byte) {
	var doc yaml.Node
	if len(data) > 1<<20 {
		l.fail(&doc, "larger than 1 MiB")
		return
	}
	if err := yaml.Load(data, &doc); err != nil {
		var le *yaml.LoadError
		if errors.As(err, &le) && le.Mark.Line > 0 {
			l.fail(&yaml.Node{Line: le.Mark.Line, Column: le.Mark.Column}, "not YAML: %s", le.Message)
			return
		}
		switch {
		case strings.Contains(err.Error(), "no documents"):
			return // an empty file says nothing
		case strings.Contains(err.Error(), "expected single document"):
			l.fail(&doc, "more than one YAML document: settings are one")
			return
		}
		l.fail(&doc, "not YAML: %v", err)
		return
	}
	root := &doc
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	l.mapping("", root)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// mapping reads the settings below prefix.
func (l *loader) mapping(prefix string, n *yaml.Node) {
	if isNull(n) {
		return // a section without settings says nothing
	}
	if n.Kind != yaml.MappingNode {
		l.fail(n, "%s: want a mapping of settings", cmp.Or(strings.TrimSuffix(prefix, "."), "the file"))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := prefix+n.Content[i].Value, n.Content[i+1]
		if strings.Contains(n.Content[i].Value, ".") { // else gate.listen could be set in two ways at once
			l.fail(n.Content[i], "unknown setting %q: a section is a mapping, such as gate: {listen: …}", name)
			continue
		}
		switch at := slices.IndexFunc(l.keys, func(k Key) bool { return k.Name == name }); {
		case seen[name]:
			l.fail(n.Content[i], "%s is set twice", name)
		case name == "notify":
			l.receivers(value)
		case name == "anchors":
			l.anchors(value)
		case name == "forwarders":
			l.forwarders(value)
		case at >= 0 && value.Kind == yaml.ScalarNode && !isNull(value):
			l.put(l.keys[at], value.Value, fmt.Sprintf("%s:%d:%d", l.file, value.Line, value.Column), fmt.Sprintf("%s:%d", l.file, value.Line))
		case at >= 0:
			l.fail(value, "%s: want one value", name)
		case slices.ContainsFunc(l.keys, func(k Key) bool { return strings.HasPrefix(k.Name, name+".") }):
			l.mapping(name+".", value)
		default:
			l.fail(n.Content[i], "unknown setting %q%s", name, suggest.DidYouMean(name, l.names()))
		}
		seen[name] = true
	}
}

func (l *loader) names() []string {
	names := []string{"notify", "anchors", "forwarders"}
	for _, k := range l.keys {
		names = append(names, k.Name)
		if section, _, ok := strings.Cut(k.Name, "."); ok && !slices.Contains(names, section) {
			names = append(names, section)
		}
	}
	return names
}

// receivers reads notify: {NAME: {webhook: URL, secret_file: FILE}}.
func (l *loader) receivers(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		l.fail(n, "notify: want receivers, such as {security: {webhook: https://…, secret_file: /etc/trailgate/webhook.key}}")
		return
	}
	l.c.Notify = map[string]Receiver{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, fields := n.Content[i].Value, n.Content[i+1]
		if _, again := l.c.Notify[name]; again {
			l.fail(n.Content[i], "notify.%s is set twice", name)
			continue
		}
		if fields.Kind != yaml.MappingNode {
			l.fail(fields, "notify.%s: want {webhook: URL, secret_file: FILE}", name)
			continue
		}
		var r Receiver
		for j := 0; j+1 < len(fields.Content); j += 2 {
			k, v := fields.Content[j], fields.Content[j+1]
			switch {
			case v.Kind != yaml.ScalarNode || isNull(v):
				l.fail(v, "notify.%s.%s: want one value", name, k.Value)
			case k.Value == "webhook":
				switch u, err := url.Parse(v.Value); {
				case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
					l.fail(v, "notify.%s.webhook: %q is not an http or https URL", name, v.Value)
				case u.User != nil:
					l.fail(v, "notify.%s.webhook: a password does not belong in settings: messages are signed", name)
				}
				r.Webhook = v.Value
			case k.Value == "secret_file":
				r.SecretFile = v.Value
			default:
				l.fail(k, "unknown setting %q of a receiver%s", k.Value, suggest.DidYouMean(k.Value, []string{"webhook", "secret_file"}))
			}
		}
		if r.Webhook == "" || r.SecretFile == "" {
			l.fail(fields, "notify.%s needs webhook and secret_file: a message that is not signed could come from anybody", name)
		}
		l.c.Notify[name] = r
		l.origins["notify."+name] = fmt.Sprintf("%s:%d", l.file, n.Content[i].Line)
	}
}

// lists shows the settings that are in the file only: they hold without the #
// at the left.
const lists = `
# Where events go outside, each from where it stopped. trailgate forwarder test NAME sends one through; docs/how-to/forward-events.md.
# forwarders:
#   - name: siem
#     to: https://siem.example.com/trailgate
#     secret_file: /etc/trailgate/siem.key  # its messages are signed with it
#     only: eventCategory = 'Management'  # a condition in SQL; without it all events go
#   - name: archive
#     to: s3://audit-archive/trailgate?region=eu-west-1
#     from: now  # else from the oldest event there is
#   - name: soc
#     to: syslog+tls://logs.example.com:6514
#     format: ocsf  # else cloudtrail

# Where it is kept, outside of this machine, what the trail says of itself after each digest; docs/how-to/verify-the-trail.md.
# anchors:
#   - url: s3://anchors-of-another-account/trailgate?region=eu-west-1&lock=30d
#   - url: git+ssh://git@git.example.com/anchors.git#main

# Whom runbooks may tell, by the name that their step notify uses; docs/how-to/write-a-runbook.md.
# notify:
#   security:
#     webhook: https://alerts.example.com/trailgate
#     secret_file: /etc/trailgate/webhook.key
`

// YAML is a settings file with what differs from the defaults, and the rest as
// comments.
func (c Config) YAML() string {
	var b strings.Builder
	b.WriteString("# Trailgate's settings. trailgate config show --origin says where each value comes from.\n")
	section, def := "", Default()
	for _, k := range Keys() {
		indent, name := "", k.Name
		if s, rest, ok := strings.Cut(k.Name, "."); ok {
			indent, name = "  ", rest
			if s != section {
				open := ""
				if !slices.ContainsFunc(Keys(), func(o Key) bool { return strings.HasPrefix(o.Name, s+".") && o.get(&c) != o.get(&def) }) {
					open = "# "
				}
				fmt.Fprintf(&b, "%s%s:\n", open, s)
				section = s
			}
		}
		comment := ""
		if k.get(&c) == k.get(&def) {
			comment = "# "
		}
		fmt.Fprintf(&b, "%s%s%s: %q  # %s\n", comment, indent, name, k.get(&c), k.Help)
	}
	b.WriteString(lists)
	return b.String()
}
