package sqlfront

import (
	"slices"
	"strings"
)

// pairs is an object as text: k=v joined by ", " in key order. This is what
// makes additionalEventData comparable with 'MFAAuthenticated=True'. What is
// not an object is its text.
func (r *rowStore) pairs(v string) *string {
	if kindOf(v) != '{' {
		return r.text(v)
	}
	type pair struct{ key, value string }
	var list []pair
	for m := members(v); m.next(); {
		key, v := m.key, m.value
		if kindOf(v) == '"' {
			v = unquoteJSON(v)
		}
		list = append(list, pair{key, v})
	}
	slices.SortStableFunc(list, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.key)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return r.keep(b.String())
}

// mfa says whether a second factor was proven: what the event itself says,
// else what its identity's session says.
func (r *rowStore) mfa(additional string, u *UserIdentity) *string {
	said := ""
	if kindOf(additional) == '{' {
		for m := members(additional); m.next(); {
			key, v := m.key, m.value
			if key == "MFAAuthenticated" {
				said = strings.ToLower(strings.Trim(v, `"`))
			}
		}
	}
	if said != "true" && said != "false" && u != nil && u.SessionContext != nil {
		if a := u.SessionContext.Attributes; a != nil && a.MFAAuthenticated != nil {
			said = strings.ToLower(*a.MFAAuthenticated)
		}
	}
	if said != "true" && said != "false" {
		return nil
	}
	return r.keep(said)
}
