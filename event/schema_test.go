package event

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestEveryRecordFitsTheSchema: each event with every field set and with none,
// allowed and refused, inside a session and outside.
func TestEveryRecordFitsTheSchema(t *testing.T) {
	s := readSchema(t)
	for _, e := range All() {
		for _, full := range []bool{true, false} {
			for _, session := range []*Session{nil, inSession(true)} {
				for _, code := range []string{"", AccessDenied} {
					m := meta()
					m.Session, m.ErrorCode, m.ErrorMessage = session, code, code
					if full {
						e = sample(e)
					}
					rec := origin.Record(m, e)
					if errs := s.check(rec.AppendJSON(nil)); len(errs) > 0 {
						t.Errorf("%s (full %t, session %t, code %q) does not fit:\n%s",
							Name(e), full, session != nil, code, strings.Join(errs, "\n"))
					}
				}
			}
		}
	}
	large := origin.Record(meta(), ExecuteCommand{Command: strings.Repeat("x", maxObject)})
	if errs := s.check(large.AppendJSON(nil)); len(errs) > 0 {
		t.Errorf("a record with a large object does not fit:\n%s", strings.Join(errs, "\n"))
	}
}

// TestSchemaRefuses: a schema that fits everything would prove nothing.
func TestSchemaRefuses(t *testing.T) {
	s := readSchema(t)
	rec := origin.Record(meta(), StartShell{Channel: 1})
	good := string(rec.AppendJSON(nil))
	for name, change := range map[string][2]string{
		"an unknown event":             {`"eventName":"StartShell"`, `"eventName":"StartShel"`},
		"an unknown key":               {`"eventName":`, `"extra":1,"eventName":`},
		"a field of another event":     {`"channel":1`, `"channel":1,"command":"id"`},
		"text for a number":            {`"channel":1`, `"channel":"1"`},
		"a time with a fraction":       {`:01Z"`, `:01.5Z"`},
		"an error code nobody defined": {`"requestParameters"`, `"errorCode":"Oops","requestParameters"`},
		"another category":             {`"eventCategory":"Management"`, `"eventCategory":"Data"`},
		"no userIdentity":              {`"userIdentity"`, `"responseElement"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing changed in %s", name, good)
		}
		if len(s.check([]byte(bad))) == 0 {
			t.Errorf("the schema accepts %s: %s", name, bad)
		}
	}
}

// checker is JSON Schema 2020-12, as far as ours uses it; a keyword it does
// not know fails the test.
type checker struct{ root map[string]any }

func readSchema(t *testing.T) *checker {
	t.Helper()
	text, err := os.ReadFile("../docs/reference/event.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{}
	if err := json.Unmarshal(text, &c.root); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *checker) check(text []byte) []string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return []string{err.Error()}
	}
	return c.fit("record", c.root, v)
}

// fit returns what of v, found at path, does not fit schema.
func (c *checker) fit(path string, schema map[string]any, v any) (errs []string) {
	fail := func(format string, args ...any) { errs = append(errs, path+": "+fmt.Sprintf(format, args...)) }
	object, isObject := v.(map[string]any)
	text, isText := v.(string)
	for keyword, arg := range schema {
		switch keyword {
		case "$schema", "$id", "$defs", "title", "description", "then":
		case "$ref":
			name := strings.TrimPrefix(arg.(string), "#/$defs/")
			def, ok := c.root["$defs"].(map[string]any)[name].(map[string]any)
			if !ok {
				fail("no definition %s", name)
				continue
			}
			errs = append(errs, c.fit(path, def, v)...)
		case "type":
			if names, ok := arg.([]any); ok {
				if !slices.ContainsFunc(names, func(n any) bool { return is(n, v) }) {
					fail("%v is none of %v", v, names)
				}
			} else if !is(arg, v) {
				fail("%v is no %v", v, arg)
			}
		case "const":
			if !reflect.DeepEqual(v, arg) {
				fail("%v is not %v", v, arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				fail("%v is not in the list", v)
			}
		case "pattern":
			if isText && !regexp.MustCompile(arg.(string)).MatchString(text) {
				fail("%q does not match %s", text, arg)
			}
		case "maxLength":
			if isText && utf8.RuneCountInString(text) > int(arg.(float64)) {
				fail("longer than %v", arg)
			}
		case "items":
			if list, ok := v.([]any); ok {
				for i, item := range list {
					errs = append(errs, c.fit(fmt.Sprintf("%s[%d]", path, i), arg.(map[string]any), item)...)
				}
			}
		case "properties":
			for name, s := range arg.(map[string]any) {
				if item, ok := object[name]; ok {
					errs = append(errs, c.fit(path+"."+name, s.(map[string]any), item)...)
				}
			}
		case "required":
			for _, name := range arg.([]any) {
				if _, ok := object[name.(string)]; isObject && !ok {
					fail("%s is missing", name)
				}
			}
		case "additionalProperties":
			known, _ := schema["properties"].(map[string]any)
			for name, item := range object {
				if _, ok := known[name]; ok {
					continue
				}
				if s, ok := arg.(map[string]any); ok {
					errs = append(errs, c.fit(path+"."+name, s, item)...)
				} else {
					fail("%s is not known", name)
				}
			}
		case "allOf":
			for _, s := range arg.([]any) {
				errs = append(errs, c.fit(path, s.(map[string]any), v)...)
			}
		case "if":
			if len(c.fit(path, arg.(map[string]any), v)) == 0 {
				errs = append(errs, c.fit(path, schema["then"].(map[string]any), v)...)
			}
		default:
			fail("the schema uses %s, which this checker does not know", keyword)
		}
	}
	return errs
}

func is(name, v any) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == float64(int64(v))
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}
