package importer

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

func TestContentIsWhatARecordSays(t *testing.T) {
	const seed = 4711
	const record = `{"a":"x<y","b":{"c":[1,2,{"d":"long enough for several words"}],"e":true},"n":null}`
	want := contentOf(seed, record)
	for name, same := range map[string]string{
		"a space here and there": `{ "a": "x<y", "b": {"c": [1, 2, {"d": "long enough for several words"}], "e": true}, "n": null}`,
		"lines":                  "{\n\t\"a\" : \"x<y\",\n\t\"b\":{\"c\":[ 1 , 2,{\"d\":\"long enough for several words\" }\r],\"e\":true},\"n\":null\n}",
		"a space before }":       `{"a":"x<y","b":{"c":[1,2,{"d":"long enough for several words"}],"e":true },"n":null}`,
		"a space after a number": `{"a":"x<y","b":{"c":[1 ,2,{"d":"long enough for several words"}],"e":true},"n":null}`,
	} {
		if got := contentOf(seed, same); got != want {
			t.Errorf("%s: content %x, want %x", name, got, want)
		}
	}
	for name, other := range map[string]string{
		"another seed":              record,
		"another value":             strings.Replace(record, "x<y", "x<z", 1),
		"another space in a text":   strings.Replace(record, "long enough", "long  enough", 1),
		"text for a number":         strings.Replace(record, "[1,", `["1",`, 1),
		"elements in another order": strings.Replace(record, "1,2", "2,1", 1),
		"values changed places":     `{"b":"x<y","a":{"c":[1,2,{"d":"long enough for several words"}],"e":true},"n":null}`,
		"a member more":             strings.Replace(record, `"n":null`, `"n":null,"m":0`, 1),
	} {
		s := uint64(seed)
		if name == "another seed" {
			s++
		}
		if contentOf(s, other) == want {
			t.Errorf("%s makes no difference", name)
		}
	}
}

// FuzzContent: all that is a JSON object has a content, and its layout changes
// nothing.
func FuzzContent(f *testing.F) {
	for _, text := range []string{awsRecord(1), `{}`, `{"a":[[],{}],"":"\u0000\""}`, ` {"a":-1.5e3,"a":null} `, `{"a":"\ud800"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.TrimSpace(text)
		end, err := sqlfront.ScanJSON(text, 0)
		if err != nil || end != len(text) || text[0] != '{' || !utf8.ValidString(text) {
			return
		}
		want := contentOf(1, text)
		var laidOut bytes.Buffer
		if err := json.Indent(&laidOut, []byte(text), "", "\t"); err != nil {
			return
		}
		if got := contentOf(1, laidOut.String()); got != want {
			t.Errorf("%q has the content %x, and %x laid out", text, want, got)
		}
	})
}

// TestNobodyTakesAnEventID: who writes what is imported first cannot make the
// record of another account count as imported.
func TestNobodyTakesAnEventID(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	forged := strings.NewReplacer("111122223333", "999988887777", "DescribeInstances", "ListBuckets").Replace(awsRecord(1))
	import1 := func(text string) Report {
		dir := t.TempDir()
		put(t, dir, "a.json", []byte(text))
		return importDir(t, data, dir)
	}
	if r := import1(forged); r.New != 1 {
		t.Fatalf("the forged record: %+v", r)
	}
	if r := import1(`{"Records":[` + awsRecord(1) + `,` + awsRecord(2) + `,` + forged + `]}`); r.New != 1 || r.Duplicate != 1 || r.Quarantined != 1 || r.Conflict != 1 || r.Read != 3 {
		t.Errorf("beside the true ones: %+v, want one new, one duplicate and one conflict", r)
	}
	// Within one batch it is the same.
	if r := import1(awsRecord(3) + "\n" + strings.Replace(awsRecord(3), "true", "false", 1) + "\n" + awsRecord(3)); r.New != 1 || r.Duplicate != 1 || r.Conflict != 1 {
		t.Errorf("in one batch: %+v", r)
	}
	lines := quarantineLines(t, data)
	if len(lines) != 2 || !strings.Contains(lines[0], `"reason":"conflict: `) || !strings.Contains(lines[0], `\"recipientAccountId\":\"111122223333\"`) {
		t.Errorf("in quarantine are %q, want the true record and why", lines)
	}
	if r := import1(awsRecord(1)); r.Conflict != 1 || r.Totals.Conflict != 3 {
		t.Errorf("once more from elsewhere: %+v", r)
	}
}

// TestIndexTakesOnData: runs from before eventIDs had a content are read, and
// merged with those that have one.
func TestIndexTakesOnData(t *testing.T) {
	dir := t.TempDir()
	open := func(size int, infos []runInfo) *index {
		x, err := openIndex(trail.OS(), dir, "ids", size, infos)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.close() })
		return x
	}
	x := open(keySize, nil)
	next, err := x.grow(1, []entry{{key: keyOf("old")}})
	if err != nil {
		t.Fatal(err)
	}
	x.adopt(next)
	x = open(keySize+contentSize, infos(x.runs))
	for n := range uint64(fanOut) {
		if next, err = x.grow(n+2, []entry{{keyOf("new", string(rune('a'+n))), content(n + 1).data()}}); err != nil {
			t.Fatal(err)
		}
		x.adopt(next)
		for k, want := range map[key]content{keyOf("old"): 0, keyOf("new", "a"): 1, keyOf("new", string(rune('a'+n))): content(n + 1)} {
			if d, ok, err := x.find(k); err != nil || !ok || contentIn(d) != want {
				t.Errorf("with %d runs: %x, %t, %v; want %x", len(x.runs), contentIn(d), ok, err, want)
			}
		}
	}
	if len(x.runs) >= fanOut {
		t.Errorf("%d runs are not merged", len(x.runs))
	}
	again := open(keySize+contentSize, infos(x.runs))
	if d, ok, err := again.find(keyOf("new", "b")); err != nil || !ok || contentIn(d) != 2 {
		t.Errorf("opened again: %x, %t, %v", contentIn(d), ok, err)
	}
}
