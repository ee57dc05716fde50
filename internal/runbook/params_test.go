package runbook

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

const parametric = `id: p
params:
  login: {type: varchar, default: root, description: which account}
  names: {type: array(varchar), default: [ana, "o'neill"]}
  least: {type: bigint, default: 3}
  code: {type: varchar, default: ""}
query: SELECT * FROM CloudTrailLogs WHERE eventName = 'StartSession' AND login = :login AND userName NOT IN (:names) AND seq >= :least
trigger: {event: "eventName = 'StartSession' AND login = :login AND errorCode <> :code", every: 5m}
key: [userName]
alarm: {resolve: {event: "eventName = 'EndSession' AND login = :login"}}
`

func TestParametersAreBoundInQueryTriggerAndResolve(t *testing.T) {
	rb, err := Load("p.yaml", []byte(parametric))
	if err != nil {
		t.Fatal(err)
	}
	if live, why := rb.Live(); !live {
		t.Errorf("it is not live: it %s", why)
	}
	var got []string
	for _, p := range rb.Params {
		got = append(got, p.Name+" "+p.TypeName()+" "+p.Default+" "+p.About)
	}
	if want := []string{"login varchar root which account", `names array(varchar) ["ana","o'neill"] `, "least bigint 3 ", "code varchar  "}; !slices.Equal(got, want) {
		t.Errorf("parameters %q, want %q", got, want)
	}
	text := rb.Detection().Print(sqlfront.Trino, sqlfront.PrintOptions{})
	for _, want := range []string{"'root'", "'o''neill'", ">= 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	other, err := rb.With(map[string]string{"login": "x' OR TRUE --", "names": "bob", "least": " 7 "})
	if err != nil {
		t.Fatal(err)
	}
	text = other.Detection().Print(sqlfront.Trino, sqlfront.PrintOptions{})
	for _, want := range []string{"'x'' OR TRUE --'", "'bob'", ">= 7"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if other.SHA256 != rb.SHA256 || other.Params[0].Default != "root" || other.Params[0].Here != "x' OR TRUE --" {
		t.Errorf("with other values: %+v", other.Params)
	}
	for values, want := range map[*map[string]string]string{
		{"lest": "1"}:     `runbook p has no parameter "lest" (did you mean "least"?)`,
		{"least": "many"}: "runbook p: the parameter least needs a whole number, not 'many'",
	} {
		if _, err := rb.With(*values); err == nil || err.Error() != want {
			t.Errorf("with %v: %v, want %s", *values, err, want)
		}
	}
	if got := rb.Changed(map[string]string{"least": "7", "gone": "1", "login": "root"}, map[string]string{"code": "x", "least": "3"}); len(got) != 1 || got["code"] != "x" {
		t.Errorf("changed values %v", got)
	}
}

func TestMistakesInParametersHaveAPlace(t *testing.T) {
	const query = "query: SELECT * FROM CloudTrailLogs WHERE login = :login\n"
	for _, c := range []struct{ name, text, want string }{
		{"not declared", query, `p.yaml:2:51: query: this parameter is not declared, found ":login" (declare it under params)`},
		{"mistyped", "params: {logn: {type: varchar, default: a}}\n" + query, `p.yaml:3:51: query: this parameter is not declared, found ":login" (did you mean "logn"?)`},
		{"not declared in a trigger", "params: {login: {type: varchar, default: a}}\n" + query + "trigger: {event: \"target = :targt\"}\n", `p.yaml:4:28: trigger.event: this parameter is not declared, found ":targt"`},
		{"unknown field", "params: {login: {type: varchar, defalt: a}}\n" + query, `p.yaml:2:33: unknown field "defalt" in parameter "login" (did you mean "default"?)`},
		{"unknown type", "params: {login: {type: text, default: a}}\n" + query, `p.yaml:2:24: unknown type "text" (one of varchar, bigint, double, boolean, timestamp, date), or array(…) of one`},
		{"no type", "params: {login: {default: a}}\n" + query, `p.yaml:2:10: parameter "login" has no type`},
		{"no default", "params: {login: {type: varchar}}\n" + query, `p.yaml:2:10: parameter "login" has no default: a runbook means one thing by itself`},
		{"ill-typed default", "params: {login: {type: bigint, default: a}}\n" + query, `p.yaml:2:41: the parameter login needs a whole number, not 'a'`},
		{"not used", "params: {login: {type: varchar, default: a}, x: {type: bigint, default: 1}}\n" + query, `p.yaml:2:46: parameter "x" is used nowhere: :x in query, trigger.event or alarm.resolve.event`},
		{"no mapping", "params: [login]\n" + query, `p.yaml:2:9: params must be a mapping of names`},
		{"of another type than its column", "params: {login: {type: bigint, default: 1}}\n" + query, `p.yaml:3:51: query: the comparison needs a varchar, this is a bigint (put it between single quotes)`},
		{"a name that is none", "params: {\"1\": {type: bigint, default: 1}}\n" + query, `a parameter's name has letters`},
	} {
		_, err := Load("p.yaml", []byte("id: p\n"+c.text))
		var wrong Mistakes
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	long, err := Load("p.yaml", []byte(parametric))
	if err != nil {
		t.Fatal(err)
	}
	notes := Lint(long, "")
	if !slices.ContainsFunc(notes, func(n Note) bool { return n.Text == "parameter login is root unless set (varchar): which account" }) {
		t.Errorf("lint says %v", notes)
	}
}
