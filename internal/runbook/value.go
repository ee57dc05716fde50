package runbook

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// timeText is how a time looks in a key or a template.
const timeText = "2006-01-02T15:04:05.999999Z"

func is(p *sqlfront.Predicate, ev Event) bool { return p.Eval(ev.Row) == sqlfront.True }

// cellText is a cell of an answer as text; NULL is empty. An event's column
// and the same column in an engine's answer give the same text.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return v.UTC().Format(timeText)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
