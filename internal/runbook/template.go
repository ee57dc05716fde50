package runbook

import (
	"strings"
	"unicode"
)

// Template is text with ${column} references, replaced by values of an alarm's
// newest match. That is all it can do: values are never looked at again, so an
// event cannot smuggle a reference in.
type Template struct {
	text  string
	parts []part
}

type part struct {
	text string // literal, or the path of a reference
	ref  bool
}

// String is the template as written.
func (t Template) String() string { return t.text }

// Refs are the paths the template refers to, in order.
func (t Template) Refs() []string {
	var refs []string
	for _, p := range t.parts {
		if p.ref {
			refs = append(refs, p.text)
		}
	}
	return refs
}

// Render fills the template in from fields, and names the references that have
// no value there. Control characters in values become spaces: they end up on
// people's terminals.
func (t Template) Render(fields map[string]string) (text string, missing []string) {
	var b strings.Builder
	for _, p := range t.parts {
		if !p.ref {
			b.WriteString(p.text)
			continue
		}
		v := fields[p.text]
		if v == "" {
			missing = append(missing, p.text)
		}
		b.WriteString(strings.Map(printable, v))
	}
	return b.String(), missing
}

func printable(r rune) rune {
	if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
		return ' '
	}
	return r
}

// parseTemplate splits text at its references. A reference that is not closed
// or is not a path is returned in bad, with the byte offset where it begins.
func parseTemplate(text string) (t Template, bad string, offset int) {
	t.text = text
	rest, at := text, 0
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			if rest != "" {
				t.parts = append(t.parts, part{text: rest})
			}
			return t, "", 0
		}
		if i > 0 {
			t.parts = append(t.parts, part{text: rest[:i]})
		}
		end := strings.IndexByte(rest[i:], '}')
		if end < 0 {
			return t, rest[i:], at + i
		}
		path := rest[i+2 : i+end]
		if !isPath(path) {
			return t, rest[i : i+end+1], at + i
		}
		t.parts = append(t.parts, part{text: path, ref: true})
		rest, at = rest[i+end+1:], at+i+end+1
	}
}

// isPath says whether s is column or column.field….
func isPath(s string) bool {
	for name := range strings.SplitSeq(s, ".") {
		if name == "" {
			return false
		}
		for i, r := range name {
			if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
				return false
			}
		}
	}
	return true
}
