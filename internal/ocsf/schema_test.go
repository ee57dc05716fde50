package ocsf

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/trailgate/trailgate/event"
)

// shape is a class or an object in testdata/ocsf-1.3.0.json: what the published
// schema says of the attributes that are used here. An attribute is its type,
// in brackets for a list, with ! when it is required, and the integers it may be.
type shape struct {
	UID, Category int32
	Profiles      []string
	Activities    []int32
	Attributes    map[string]string
	AtLeastOne    []string `json:"at_least_one"`
	JustOne       []string `json:"just_one"`
}

type schema struct {
	Version          string
	Classes, Objects map[string]shape
}

var theSchema = sync.OnceValue(func() (s schema) {
	text, err := os.ReadFile("testdata/ocsf-1.3.0.json")
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		panic(err)
	}
	return s
})

// check says what of an event's JSON the schema does not allow.
func check(text []byte) (errs []string) {
	var o map[string]any
	if err := json.Unmarshal(text, &o); err != nil {
		return []string{err.Error()}
	}
	s := theSchema()
	fail := func(format string, args ...any) { errs = append(errs, fmt.Sprintf(format, args...)) }
	for name, c := range s.Classes {
		if o["class_uid"] != float64(c.UID) {
			continue
		}
		activity, _ := o["activity_id"].(float64)
		if !slices.Contains(c.Activities, int32(activity)) {
			fail("%s has no activity %v", name, o["activity_id"])
		}
		if o["category_uid"] != float64(c.Category) {
			fail("category_uid is %v, not %d", o["category_uid"], c.Category)
		}
		if o["type_uid"] != float64(c.UID)*100+activity {
			fail("type_uid %v is not class_uid*100+activity_id", o["type_uid"])
		}
		meta, _ := o["metadata"].(map[string]any)
		if meta["version"] != s.Version {
			fail("metadata.version is %v", meta["version"])
		}
		if p := fmt.Sprint(meta["profiles"]); p != fmt.Sprint(c.Profiles) {
			fail("metadata.profiles is %s, not %v", p, c.Profiles)
		}
		return append(errs, s.fit(name, c, o)...)
	}
	return []string{fmt.Sprintf("there is no class %v", o["class_uid"])}
}

func (s schema) fit(path string, of shape, o map[string]any) (errs []string) {
	fail := func(format string, args ...any) { errs = append(errs, path+": "+fmt.Sprintf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(of.Attributes)) {
		kind, enum, _ := strings.Cut(of.Attributes[name], " ")
		kind, required := strings.CutSuffix(kind, "!")
		v, ok := o[name]
		if !ok {
			if required {
				fail("%s is required", name)
			}
			continue
		}
		if n, isNumber := v.(float64); isNumber && enum != "" && !slices.Contains(strings.Fields(enum), strconv.Itoa(int(n))) {
			fail("%s is %v, none of %s", name, v, enum)
		}
		errs = append(errs, s.value(path+"."+name, kind, v)...)
	}
	for name := range o {
		if _, ok := of.Attributes[name]; !ok {
			fail("the class has no %s", name)
		}
	}
	have := func(names []string) (n int) {
		for _, name := range names {
			if _, ok := o[name]; ok {
				n++
			}
		}
		return n
	}
	if of.AtLeastOne != nil && have(of.AtLeastOne) == 0 {
		fail("it has none of %v", of.AtLeastOne)
	}
	if of.JustOne != nil && have(of.JustOne) != 1 {
		fail("it has not exactly one of %v", of.JustOne)
	}
	return errs
}

func (s schema) value(path, kind string, v any) (errs []string) {
	if item, ok := strings.CutPrefix(kind, "["); ok {
		list, isList := v.([]any)
		if !isList || len(list) == 0 {
			return []string{path + ": not a list with something in it"}
		}
		for i, v := range list {
			errs = append(errs, s.value(fmt.Sprintf("%s[%d]", path, i), strings.TrimSuffix(item, "]"), v)...)
		}
		return errs
	}
	ok := false
	switch kind {
	case "string":
		_, ok = v.(string)
		ok = ok && v != ""
	case "bool":
		_, ok = v.(bool)
	case "int", "long":
		n, isNumber := v.(float64)
		ok = isNumber && n == math.Trunc(n) && (kind == "long" || math.Abs(n) <= math.MaxInt32)
	case "map":
		o, isObject := v.(map[string]any)
		ok = isObject
		for _, v := range o {
			_, isText := v.(string)
			ok = ok && isText
		}
	default:
		o, isObject := v.(map[string]any)
		of, known := s.Objects[kind]
		if isObject && known {
			return s.fit(path, of, o)
		}
	}
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no %s", path, v, kind)}
	}
	return nil
}

// TestEveryEventFitsItsClass: all events there are, done, refused and failed,
// with all fields and with none, inside a session and outside.
func TestEveryEventFitsItsClass(t *testing.T) {
	for _, e := range event.All() {
		for _, h := range ways {
			rec := sampleRecord(e, h)
			for _, errText := range check(Append(nil, mustMap(t, string(rec)))) {
				t.Errorf("%s, %s: %s\n%s", event.Name(e), h.name, errText, rec)
			}
		}
	}
}

// TestEveryEventIsDecided: an event nobody thought of is API Activity, Other,
// which tells its reader nothing.
func TestEveryEventIsDecided(t *testing.T) {
	for _, e := range event.All() {
		c := mustMap(t, string(sampleRecord(e, ways[1]))).Common()
		if _, ok := rules[event.Name(e)]; !ok && c.ActivityID == other {
			t.Errorf("%s is %s: give it a rule in rules.go, or a name that begins with a verb", event.Name(e), c.TypeName)
		}
	}
}

// TestTheSchemaRefuses: a schema that fits everything would prove nothing.
func TestTheSchemaRefuses(t *testing.T) {
	good := string(Append(nil, mustMap(t, string(sampleRecord(event.StartSession{}, ways[1])))))
	if errs := check([]byte(good)); errs != nil {
		t.Fatalf("the good one does not fit: %v", errs)
	}
	for name, change := range map[string][2]string{
		"a class there is not":        {`"class_uid":4007`, `"class_uid":4099`},
		"an activity there is not":    {`"activity_id":1`, `"activity_id":50`},
		"wrong arithmetic":            {`"type_uid":400701`, `"type_uid":400702`},
		"a severity there is not":     {`"severity_id":1`, `"severity_id":9`},
		"text for a number":           {`"status_id":1`, `"status_id":"1"`},
		"a column of another class":   {`"activity_name"`, `"query_info":{},"activity_name"`},
		"no dst_endpoint":             {`"dst_endpoint"`, `"proxy_endpoint"`},
		"another version":             {`"version":"1.3.0"`, `"version":"1.4.0"`},
		"an endpoint with no name":    {`"name":"web1"`, `"namespace":"web1"`},
		"a profile that is not there": {`"security_control"`, `"osint"`},
		"an empty text":               {`"vendor_name":"Trailgate"`, `"vendor_name":""`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing changed in %s", name, good)
		}
		if check([]byte(bad)) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}

// TestColumnsAreTheClass: the Go types, from which the Parquet columns come, have
// no attribute that the class has not, and every one that it requires is not
// null there.
func TestColumnsAreTheClass(t *testing.T) {
	s := theSchema()
	var walk func(path string, of shape, v reflect.Type, seen map[string]bool)
	walk = func(path string, of shape, v reflect.Type, seen map[string]bool) {
		for i := range v.NumField() {
			f := v.Field(i)
			if f.Anonymous {
				walk(path, of, f.Type, seen)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			column, options, _ := strings.Cut(f.Tag.Get("parquet"), ",")
			if name != column {
				t.Errorf("%s.%s is %s in Parquet", path, name, column)
			}
			kind, _, _ := strings.Cut(of.Attributes[name], " ")
			kind, required := strings.CutSuffix(kind, "!")
			if kind == "" {
				t.Errorf("%s has no %s", path, name)
			}
			if required && (f.Type.Kind() == reflect.Pointer || strings.Contains(options, "optional") || strings.Contains(f.Tag.Get("json"), "omitempty")) {
				t.Errorf("%s.%s is required, but may be absent", path, name)
			}
			seen[name] = true
			ft := f.Type
			for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice {
				ft = ft.Elem()
			}
			if ft.Kind() == reflect.Struct {
				inner := map[string]bool{}
				walk(path+"."+name, s.Objects[strings.Trim(kind, "[]")], ft, inner)
			}
		}
	}
	for _, e := range All() {
		c, of := e.Class(), s.Classes[e.Class().Name]
		seen := map[string]bool{}
		walk(c.Name, of, reflect.TypeOf(e).Elem(), seen)
		for name, kind := range of.Attributes {
			if strings.Contains(kind, "!") && !seen[name] {
				t.Errorf("%s lacks %s, which is required", c.Name, name)
			}
		}
	}
}
