package respond

import (
	"bytes"
	"encoding/json"
	"time"
)

// timeText is how times look in events.
const timeText = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeText) }

// texts are the members of a JSON object that are text.
func texts(object json.RawMessage) map[string]string {
	var any map[string]any
	if json.Unmarshal(object, &any) != nil {
		return nil
	}
	m := make(map[string]string, len(any))
	for k, v := range any {
		if s, ok := v.(string); ok {
			m[k] = s
		}
	}
	return m
}

// newestOf is the newest event SetAlarmState's details list.
func newestOf(details json.RawMessage) string {
	var d struct {
		Events []string `json:"events"`
	}
	if json.Unmarshal(details, &d) != nil || len(d.Events) == 0 {
		return ""
	}
	return d.Events[len(d.Events)-1]
}

func last(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}

func containsAny(b []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(b, []byte(w)) {
			return true
		}
	}
	return false
}
