package policy

import (
	"fmt"
	"net/netip"
	"testing"
)

// hundred is a set of 100 policies of which the last permits alice.
func hundred(b *testing.B) *Set {
	var docs []Document
	for i := range 98 {
		docs = append(docs, Document{fmt.Sprintf("team%02d", i), fmt.Sprintf(
			`permit (principal in Role::"team%02d", action, resource) when { resource has env && resource.env == "prod" && context.login == "deploy" && context.mfa };`, i)})
	}
	docs = append(docs,
		Document{"weekend", `forbid (principal, action, resource) when { context.weekday == "Sunday" } unless { context.source.isInRange(ip("10.0.0.0/8")) };`},
		Document{"ops", `permit (principal in Role::"ops", action, resource) when { context.login == "deploy" };`})
	s, err := Compile(docs)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkDecide(b *testing.B) {
	book := Book{Policies: hundred(b), Locks: make([]Lock, 100)}
	for i := range book.Locks {
		book.Locks[i] = Lock{ID: fmt.Sprint(i), Effect: Deny, Match: Match{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32)}}
	}
	allowed, denied := request(), request()
	denied.Subject.Roles = []string{"team01"}
	for _, c := range []struct {
		name    string
		request Request
		allow   bool
	}{{"allowed", allowed, true}, {"denied", denied, false}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Decide(book, c.request).Allowed != c.allow {
					b.Fatal("wrong answer")
				}
			}
		})
	}
}
