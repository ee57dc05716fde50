package ocsf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is a CloudTrail record being read: what is taken leaves it, and what
// is left in the end is unmapped.
type record map[string]any

func parse(text []byte) (record, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a 64-bit id stays what it is
	var r record
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("read record: something follows it")
	}
	if r == nil {
		return nil, errors.New("read record: it is null")
	}
	return r, nil
}

// parent is the object that holds the last name of path, or nil.
func (r record) parent(path []string) map[string]any {
	o := map[string]any(r)
	for _, name := range path[:len(path)-1] {
		o, _ = o[name].(map[string]any)
	}
	return o
}

func split(path string) []string { return strings.Split(path, ".") }

// peek is the text at path, which stays; "" when there is none.
func (r record) peek(path string) string {
	p := split(path)
	s, _ := r.parent(p)[p[len(p)-1]].(string)
	return s
}

// take removes the value at path when it is a T.
func take[T any](r record, path string) (v T, ok bool) {
	p := split(path)
	o, name := r.parent(p), p[len(p)-1]
	if v, ok = o[name].(T); ok {
		delete(o, name)
	}
	return v, ok
}

// text takes the text at path; "" when there is none.
func (r record) text(path string) string {
	s, _ := take[string](r, path)
	return s
}

// boolean takes what is true or false at path, or nil.
func (r record) boolean(path string) *bool {
	if b, ok := take[bool](r, path); ok {
		return &b
	}
	return nil
}

// truth takes the text True, true, Yes, False … at path, as CloudTrail spells
// booleans in some places, or nil.
func (r record) truth(path string) *bool {
	var b bool
	switch strings.ToLower(r.peek(path)) {
	case "true", "yes":
		b = true
	case "false", "no":
	default:
		return nil
	}
	r.text(path)
	return &b
}

// long takes the whole number at path, or nil.
func (r record) long(path string) *int64 {
	p := split(path)
	if n, ok := r.parent(p)[p[len(p)-1]].(json.Number); ok {
		if v, err := n.Int64(); err == nil {
			take[json.Number](r, path)
			return &v
		}
	}
	return nil
}

// number takes a whole number of 32 bits.
func (r record) number(path string) *int32 {
	p := split(path)
	if n, ok := r.parent(p)[p[len(p)-1]].(json.Number); ok {
		if v, err := strconv.ParseInt(string(n), 10, 32); err == nil {
			take[json.Number](r, path)
			return ptr(int32(v))
		}
	}
	return nil
}

// texts takes a list of texts at path; nil when it holds anything else, or one
// that is empty.
func (r record) texts(path string) []string {
	p := split(path)
	list, _ := r.parent(p)[p[len(p)-1]].([]any)
	all := make([]string, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok || s == "" {
			return nil
		}
		all[i] = s
	}
	if len(all) == 0 {
		return nil
	}
	take[[]any](r, path)
	return all
}

// moment takes a time at path, as ms since 1970, or nil.
func (r record) moment(path string) *int64 {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "20060102T150405Z"} {
		if t, err := time.Parse(layout, r.peek(path)); err == nil {
			r.text(path)
			return ptr(t.UnixMilli())
		}
	}
	return nil
}

// How far objects are taken apart: beyond it the rest is JSON text, or a few
// long names around many members would make a record a thousand times larger.
const (
	maxDepth = 12
	maxPath  = 256
)

// left is what nobody took: texts, numbers and booleans by their path, a list
// as its JSON text. A dot within a name is written "\.".
func (r record) left() map[string]string {
	all := map[string]string{}
	flatten(all, "", r, 0)
	if len(all) == 0 {
		return nil
	}
	return all
}

var escape = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

func flatten(to map[string]string, path string, o map[string]any, depth int) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		at := escape.Replace(name)
		if path != "" {
			at = path + "." + at
		}
		switch v := o[name].(type) {
		case nil:
		case string:
			to[at] = v
		case json.Number:
			to[at] = string(v)
		case bool:
			to[at] = strconv.FormatBool(v)
		case map[string]any:
			if depth < maxDepth && len(at) < maxPath {
				flatten(to, at, v, depth+1)
			} else {
				to[at] = jsonText(v)
			}
		default:
			to[at] = jsonText(v)
		}
	}
}

// jsonText is v as it stood in the record, its members in order of name.
func jsonText(v any) string {
	return string(encode(v))
}

// encode writes JSON as the trail does: <, > and & as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("ocsf: encode %T: %v", v, err)) // only types that always encode come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func ptr[T any](v T) *T { return &v }
