package runbook

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// reader walks a file's nodes and collects every mistake it meets. It follows
// the format, so its depth is the format's; aliases, tags and second documents
// are mistakes.
type reader struct {
	file     string
	lines    []string // of the file, to place mistakes inside block scalars
	mistakes Mistakes
}

// root parses the file into its one mapping, or nil.
func (r *reader) root(data []byte) *yaml.Node {
	if len(data) > maxBytes {
		r.mistakes = append(r.mistakes, Mistake{File: r.file, Text: fmt.Sprintf("larger than %d KiB", maxBytes>>10)})
		return nil
	}
	r.lines = strings.Split(string(data), "\n")
	if line, col, ok := tooDeep(data); ok {
		r.mistakes = append(r.mistakes, Mistake{r.file, line, col, "nested too deeply"})
		return nil
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		r.mistakes = append(r.mistakes, r.syntax(err))
		return nil
	}
	n := &doc
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if n.Kind != yaml.MappingNode {
		r.mistakes = append(r.mistakes, Mistake{r.file, max(n.Line, 1), max(n.Column, 1), "a runbook is a mapping of fields such as id and query"})
		return nil
	}
	return n
}

func (r *reader) syntax(err error) Mistake {
	m := Mistake{File: r.file, Line: 1, Column: 1, Text: "not YAML: " + err.Error()}
	var le *yaml.LoadError
	if errors.As(err, &le) && le.Message != "" {
		m.Text = "not YAML: " + le.Message
		if le.Mark.Line > 0 {
			m.Line, m.Column = le.Mark.Line, max(le.Mark.Column, 1)
		}
	}
	return m
}

// maxFlow and maxIndent bound nesting before the parser sees it: the format
// needs five levels.
const (
	maxFlow   = 32
	maxIndent = 200
)

// tooDeep finds brackets or indentation no runbook has. It counts brackets in
// text too, which is why the bound is generous.
func tooDeep(data []byte) (line, col int, deep bool) {
	line = 1
	for text := range bytes.Lines(data) {
		depth := 0
		for i, c := range text {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			case ' ', '-', '?', ':', '\t':
				if i > maxIndent && len(bytes.TrimLeft(text[:i], " -?:\t")) == 0 {
					return line, i + 1, true
				}
			}
			if depth > maxFlow {
				return line, i + 1, true
			}
		}
		line++
	}
	return 0, 0, false
}

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{r.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// plain refuses what the format does not use.
func (r *reader) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.wrong(n, "aliases are not allowed in a runbook: write the value out")
	case n.Anchor != "":
		r.wrong(n, "anchors are not allowed in a runbook")
	case n.Style&yaml.TaggedStyle != 0:
		r.wrong(n, "the tag %s is not allowed in a runbook", quote(n.Tag))
	default:
		return true
	}
	return false
}

// field is a field of a mapping and what reads it.
type field struct {
	name string
	read func(n *yaml.Node)
}

// mapping reads n's fields. where names the place in mistakes ("step", …).
func (r *reader) mapping(n *yaml.Node, where string, fields ...field) bool {
	if !r.plain(n) {
		return false
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s must be a mapping", where)
		return false
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	r.each(n, where, func(key, value *yaml.Node) {
		i := slices.Index(names, key.Value)
		if i < 0 {
			r.wrong(key, "unknown field %s in %s%s", quote(key.Value), where, didYouMean(key.Value, names))
			return
		}
		fields[i].read(value)
	})
	return true
}

// each calls fn with each key and value of a mapping whose keys are plain text
// and differ.
func (r *reader) each(n *yaml.Node, where string, fn func(key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !r.plain(key) {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			r.wrong(key, "a field of %s must be a name", where)
			continue
		}
		if line, twice := seen[key.Value]; twice {
			r.wrong(key, "field %s of %s is given twice (first in line %d)", quote(key.Value), where, line)
			continue
		}
		seen[key.Value] = key.Line
		fn(key, value)
	}
}

// list reads the elements of a sequence.
func (r *reader) list(n *yaml.Node, where string, fn func(n *yaml.Node)) {
	if !r.plain(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "%s must be a list", where)
		return
	}
	for _, e := range n.Content {
		fn(e)
	}
}

// scalar is the text of a value that is not null.
func (r *reader) scalar(n *yaml.Node, where string) (string, bool) {
	if !r.plain(n) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode {
		r.wrong(n, "%s must be text", where)
		return "", false
	}
	if n.Tag == "!!null" || n.Value == "" {
		r.wrong(n, "%s is empty", where)
		return "", false
	}
	return n.Value, true
}

// text is one line of text, or, with lines, several.
func (r *reader) text(to *string, where string, most int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := r.scalar(n, where)
		if !ok {
			return
		}
		if len(s) > most {
			r.wrong(n, "%s is longer than %d characters", where, most)
			return
		}
		if i := strings.IndexFunc(s, func(c rune) bool { return c < ' ' && c != '\n' || c == 0x7f }); i >= 0 {
			r.wrong(n, "%s has a control character in it", where)
			return
		}
		*to = strings.TrimRight(s, "\n")
	}
}

func (r *reader) texts(to *[]string, where string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		r.list(n, where, func(n *yaml.Node) {
			var s string
			if r.text(&s, where, 200)(n); s != "" {
				*to = append(*to, s)
			}
		})
	}
}

// oneOf is a word from a closed list.
func oneOf[T ~string](r *reader, to *T, where string, words []T) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := r.scalar(n, where)
		if !ok {
			return
		}
		if !slices.Contains(words, T(s)) {
			names := make([]string, len(words))
			for i, w := range words {
				names[i] = string(w)
			}
			r.wrong(n, "unknown %s %s%s", where, quote(s), didYouMean(s, names))
			return
		}
		*to = T(s)
	}
}

func (r *reader) integer(to *int, where string, least, most int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := r.scalar(n, where)
		if !ok {
			return
		}
		i, err := strconv.Atoi(s)
		if err != nil || i < least || i > most {
			r.wrong(n, "%s must be a whole number from %d to %d, not %s", where, least, most, quote(s))
			return
		}
		*to = i
	}
}

func (r *reader) duration(to *time.Duration, where string, least, most time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s, ok := r.scalar(n, where)
		if !ok {
			return
		}
		d, err := ParseDuration(s)
		if err != nil {
			r.wrong(n, "%s must be a duration such as 30s, 15m, 1h or 1d, not %s", where, quote(s))
			return
		}
		if d < least || d > most {
			r.wrong(n, "%s must be between %s and %s, not %s", where, FormatDuration(least), FormatDuration(most), s)
			return
		}
		*to = d
	}
}

// units are the units of a duration, the largest first.
var units = []struct {
	name string
	size time.Duration
}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}

// ParseDuration reads whole numbers with the units w, d, h, m, s and ms, the
// largest first, as in 1h30m.
func ParseDuration(s string) (time.Duration, error) {
	var d time.Duration
	rest, unit := s, 0
	for rest != "" {
		i := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
		if i <= 0 || i > 9 {
			return 0, fmt.Errorf("%s is not a duration", quote(s))
		}
		n, err := strconv.Atoi(rest[:i])
		if err != nil {
			return 0, fmt.Errorf("%s is not a duration: %w", quote(s), err)
		}
		rest = rest[i:]
		j := strings.IndexFunc(rest, func(c rune) bool { return c >= '0' && c <= '9' })
		if j < 0 {
			j = len(rest)
		}
		at := slices.IndexFunc(units[unit:], func(u struct {
			name string
			size time.Duration
		}) bool {
			return u.name == rest[:j]
		})
		if at < 0 {
			return 0, fmt.Errorf("%s is not a duration", quote(s))
		}
		u := units[unit+at]
		if n > int(maxDuration/u.size) {
			return 0, fmt.Errorf("%s is too long a duration", quote(s))
		}
		d += time.Duration(n) * u.size
		unit += at + 1
		rest = rest[j:]
	}
	if s == "" {
		return 0, errors.New("an empty text is not a duration")
	}
	return d, nil
}

// FormatDuration is the shortest text ParseDuration reads as d, in whole
// milliseconds.
func FormatDuration(d time.Duration) string {
	if d < time.Millisecond {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units[1:] {
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.size
		}
	}
	return b.String()
}
