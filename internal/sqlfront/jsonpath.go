package sqlfront

import (
	"math"
	"strconv"
	"strings"
)

// jsonPath is a path into JSON: Trino's `$.a.b[0]["c d"]`, keys and positions
// only.
type jsonPath []pathStep

type pathStep struct {
	key   string
	index int // -1 for a key
}

func readPath(s string) (jsonPath, bool) {
	if !strings.HasPrefix(s, "$") {
		return nil, false
	}
	path := jsonPath{}
	for s = s[1:]; s != ""; {
		switch {
		case strings.HasPrefix(s, `["`):
			end := strings.Index(s, `"]`)
			if end < 2 || !plainKey(s[2:end]) {
				return nil, false
			}
			path = append(path, pathStep{s[2:end], -1})
			s = s[end+2:]
		case s[0] == '[':
			end := strings.IndexByte(s, ']')
			if end < 2 || end > 8 || strings.Trim(s[1:end], "0123456789") != "" {
				return nil, false
			}
			n, _ := strconv.Atoi(s[1:end])
			path = append(path, pathStep{"", n})
			s = s[end+1:]
		case s[0] == '.':
			s = s[1:]
			end := strings.IndexAny(s, ".[")
			if end < 0 {
				end = len(s)
			}
			if !bareKey(s[:end]) {
				return nil, false
			}
			path = append(path, pathStep{s[:end], -1})
			s = s[end:]
		default:
			return nil, false
		}
	}
	return path, len(path) <= 50
}

// plainKey keys need no escapes in any engine's path.
func plainKey(s string) bool { return s != "" && s != "*" && !strings.ContainsAny(s, "\"\\\n\r\t") }

func bareKey(s string) bool {
	for _, c := range []byte(s) {
		if !isLetter(c) && !isDigit(c) && c != '_' && c != ':' && c < 0x80 {
			return false
		}
	}
	return s != ""
}

// duckText is the path as DuckDB writes it.
func (p jsonPath) duckText() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range p {
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			b.WriteString(`."` + s.key + `"`)
		}
	}
	return b.String()
}

// find is the value the path leads to in a checked text.
func (p jsonPath) find(v string) (string, bool) {
	v = strings.Trim(v, " \r\n\t")
steps:
	for _, s := range p {
		if s.index >= 0 {
			if kindOf(v) != '[' {
				return "", false
			}
			i := 0
			for m := elements(v); m.next(); {
				e := m.value
				if i == s.index {
					v = e
					continue steps
				}
				i++
			}
			return "", false
		}
		if kindOf(v) != '{' {
			return "", false
		}
		for m := members(v); m.next(); {
			key, e := m.key, m.value
			if key == s.key { // the first of twins, as engines do
				v = e
				continue steps
			}
		}
		return "", false
	}
	return v, true
}

// duckJSON says whether an engine takes s for JSON; unlike a record's text it
// may not hold half a surrogate pair.
func duckJSON(s string) bool {
	if checkJSON(s) != nil {
		return false
	}
	for i := strings.Index(s, `\`); i >= 0 && i < len(s); {
		if s[i] != '\\' {
			i++
			continue
		}
		if s[i+1] != 'u' {
			i += 2
			continue
		}
		r, _ := hex4(s, i+2)
		i += 6
		switch {
		case r >= 0xD800 && r < 0xDC00:
			low := rune(0)
			if strings.HasPrefix(s[i:], `\u`) {
				low, _ = hex4(s, i+2)
			}
			if low < 0xDC00 || low > 0xDFFF {
				return false
			}
			i += 6
		case r >= 0xDC00 && r < 0xE000:
			return false
		}
	}
	return true
}

// jsonScalar is a JSON scalar as text, as DuckDB writes it; NULL for null,
// objects and lists.
func jsonScalar(v string) Value {
	switch kindOf(v) {
	case 'n', '{', '[':
		return Null
	case '"':
		return VarcharValue(unquoteJSON(v))
	case 't', 'f':
		return VarcharValue(v)
	}
	if !strings.ContainsAny(v, ".eE") {
		if v == "-0" {
			v = "0"
		}
		return VarcharValue(v)
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return VarcharValue(v) // too large for a double: as it is written
	}
	return VarcharValue(duckDouble(f))
}

// duckDouble is a double as DuckDB's JSON writes it: the shortest digits that
// read back the same, plain between 1e-6 and 1e21.
func duckDouble(f float64) string {
	if a := math.Abs(f); a == 0 || a >= 1e-6 && a < 1e21 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	sign := strings.Trim(exponent[:1], "+")
	return mantissa + "e" + sign + strings.TrimLeft(exponent[1:], "0")
}
