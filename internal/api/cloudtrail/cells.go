package cloudtrail

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Cells as CloudTrail Lake prints them: always text, nested values in Presto's
// row text with names in small letters, {type=IAMUser, username=alice}.

// null is SQL's NULL inside a nested value.
const null = "null"

// cellText is a cell of a type; false is NULL.
func cellText(v any, t *sqlfront.Type) (string, bool) {
	if v == nil {
		return "", false
	}
	return text(v, t), true
}

func text(v any, t *sqlfront.Type) string {
	switch v := v.(type) {
	case nil:
		return null
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return doubleText(v)
	case time.Time:
		return timeText(v)
	case []any:
		var elem *sqlfront.Type
		if t != nil {
			elem = t.Elem
		}
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = text(e, elem)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		if t != nil && len(t.Fields) > 0 {
			for _, f := range t.Fields {
				parts = append(parts, strings.ToLower(f.Name)+"="+text(v[f.Name], f.Type))
			}
		} else { // a map, whose keys are data
			var elem *sqlfront.Type
			if t != nil {
				elem = t.Elem
			}
			for _, k := range slices.Sorted(maps.Keys(v)) {
				parts = append(parts, k+"="+text(v[k], elem))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
}

// timeText has milliseconds, as Lake's timestamps have; microseconds only where
// there are any, as in appendTime.
func timeText(t time.Time) string {
	t = t.UTC()
	if t.Nanosecond()%int(time.Millisecond) == 0 {
		return t.Format("2006-01-02 15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05.000000")
}

// doubleText is Java's text of a double, as Presto's clients print it.
func doubleText(f float64) string {
	if name, ok := query.NotFinite(f); ok {
		return name
	}
	switch {
	case f == 0 || math.Abs(f) >= 1e-3 && math.Abs(f) < 1e7:
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	n, _ := strconv.Atoi(exponent) // FormatFloat made it
	return digits + "E" + strconv.Itoa(n)
}

// rowJSON is a row as GetQueryResults sends it: a list of maps with one key
// each, in the order of the SELECT list, because names may repeat.
func rowJSON(b []byte, names []string, types []*sqlfront.Type, row []any) ([]byte, error) {
	b = append(b, '[')
	for i, v := range row {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(names[i])
		if err != nil {
			return nil, fmt.Errorf("write a column's name: %w", err)
		}
		b = append(append(append(b, '{'), name...), ':')
		var t *sqlfront.Type
		if i < len(types) {
			t = types[i]
		}
		s, ok := cellText(v, t)
		if !ok {
			b = append(b, "null}"...)
			continue
		}
		cell, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("write a cell: %w", err)
		}
		b = append(append(b, cell...), '}')
	}
	return append(b, ']'), nil
}
