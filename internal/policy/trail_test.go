package policy

import (
	"net/netip"
	"strings"
	"testing"
)

// onTrail is a request of alice for an action on the trail.
func onTrail(a Action, roles ...string) Request {
	r := request()
	r.Subject.Name, r.Subject.Roles = "alice", roles
	r.Action, r.Login, r.Object = a, "", Object{Name: "trailgate"}
	return r
}

func decideText(t *testing.T, text string, r Request, locks ...Lock) Decision {
	t.Helper()
	s, err := Compile([]Document{{"p", text}})
	if err != nil {
		t.Fatalf("Compile %s: %v", text, err)
	}
	return Decide(Book{Policies: s, Locks: locks}, r)
}

func TestTrailIsPermittedByNameOnly(t *testing.T) {
	for _, c := range []struct {
		name, text string
		action     Action
		allowed    bool
	}{
		{"nothing", `permit (principal, action == Action::"Connect", resource);`, ReadTrail, false},
		{"everything on targets", `permit (principal in Role::"ops", action, resource);`, ReadTrail, false},
		{"everything on targets, with labels and logins", `permit (principal, action, resource) when { resource has env && resource.env == "prod" || context.login == "" };`, ReadTrail, false},
		{"another action", `permit (principal, action == Action::"ReadOwnEvents", resource);`, ReadTrail, false},
		{"the action", `permit (principal, action == Action::"ReadTrail", resource);`, ReadTrail, true},
		{"one of the actions", `permit (principal, action in [Action::"Exec", Action::"ReadLogFiles"], resource);`, ReadLogFiles, true},
		{"the type", `permit (principal in Role::"ops", action, resource is Trail);`, PutAuditEvents, true},
		{"the trail", `permit (principal, action, resource == Trail::"trailgate");`, ReadOwnEvents, true},
		{"another trail", `permit (principal, action, resource == Trail::"other");`, ReadOwnEvents, false},
		{"a target of its name", `permit (principal, action, resource == Target::"trailgate");`, ReadTrail, false},
		{"a forbid of everything", `permit (principal, action, resource is Trail); forbid (principal, action, resource);`, ReadTrail, false},
		{"a forbid of a label", `permit (principal, action, resource is Trail); forbid (principal, action, resource) when { resource has env };`, ReadTrail, true},
	} {
		r := onTrail(c.action, "ops")
		r.Object.Labels = map[string]string{"env": "prod"} // it has none, whoever says so
		d := decideText(t, c.text, r)
		if d.Allowed != c.allowed || d.Failed != "" {
			t.Errorf("%s: %s = %v, %q (failed %q), want allowed %v", c.name, c.action, d.Allowed, d.Reason, d.Failed, c.allowed)
		}
	}
}

func TestOpenPermitsOfTargetsStayAsTheyAre(t *testing.T) {
	if d := decideText(t, `permit (principal in Role::"ops", action, resource);`, func() Request { r := request(); r.Subject.Roles = []string{"ops"}; return r }()); !d.Allowed {
		t.Errorf("a permit of everything on a target = %q", d.Reason)
	}
}

func TestDenialOfTheTrailSaysWhatIsMissing(t *testing.T) {
	d := decideText(t, `permit (principal in Role::"ops", action, resource);`, onTrail(ReadTrail, "ops"))
	if d.Reason != "no policy permits alice to read the trail trailgate" {
		t.Errorf("reason = %q", d.Reason)
	}
	if text := strings.Join(d.Explain, "\n"); !strings.Contains(text, "permit p (p:1:1): speaks of targets") {
		t.Errorf("explanation:\n%s", text)
	}
}

func TestLocksHoldForTheTrail(t *testing.T) {
	const all = `permit (principal, action, resource is Trail);`
	for name, c := range map[string]struct {
		lock    Lock
		allowed bool
	}{
		"identity":          {Lock{Effect: Deny, Match: Match{Identity: "alice"}}, false},
		"role":              {Lock{Effect: Deny, Match: Match{Role: "ops"}}, false},
		"source":            {Lock{Effect: Deny, Match: Match{Source: netip.PrefixFrom(request().Source, request().Source.BitLen())}}, false},
		"access key":        {Lock{Effect: Deny, Match: Match{Fingerprint: request().Subject.Fingerprint}}, false},
		"a target":          {Lock{Effect: Deny, Match: Match{Target: "trailgate"}}, true},
		"another identity":  {Lock{Effect: Deny, Match: Match{Identity: "bob"}}, true},
		"a second factor":   {Lock{Effect: RequireMFA, Match: Match{Identity: "alice"}}, false},
		"a login elsewhere": {Lock{Effect: Deny, Match: Match{Identity: "alice", Login: "root"}}, true},
	} {
		r := onTrail(ReadTrail, "ops")
		r.MFA = false
		if d := decideText(t, all, r, c.lock); d.Allowed != c.allowed {
			t.Errorf("a lock on %s: allowed %v (%s), want %v", name, d.Allowed, d.Reason, c.allowed)
		}
	}
}
