package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/queries"
)

// maxDescription bounds what a saved query says of itself: a line.
const maxDescription = 500

// savedQuery plans a saved query. What is kept can be asked: it is checked as
// it will be then, but for the values of its parameters.
func (p *plan) savedQuery(r manifest.Resource) {
	if shipped(r.Name) {
		p.wrong = append(p.wrong, &Conflict{r.Label() + " comes with Trailgate and stays as it is", "choose another name; trailgate saved-query show " + r.Name + " prints it, to begin with"})
		return
	}
	if len(r.Description) > maxDescription || strings.ContainsFunc(r.Description, func(c rune) bool { return !unicode.IsGraphic(c) }) {
		p.fail(r, "the description must be one line of at most %d characters", maxDescription)
		return
	}
	q, err := sqlfront.Parse(r.Text)
	if err == nil {
		err = q.Open().Check(sqlfront.CloudTrailCatalog().WithStore(p.store).WithBeside())
	}
	if err != nil {
		p.fail(r, "%w", err)
		return
	}
	row := state.SavedQuery{Name: r.Name, Text: r.Text, Description: r.Description, Updated: p.now}
	sum := sha256.Sum256([]byte(r.Text))
	e := event.PutSavedQuery{Query: r.Name, SHA256: hex.EncodeToString(sum[:])}
	settle(p, r, p.tx.SavedQueries(), r.Name, row, func(old state.SavedQuery) []string {
		return diff("text", old.Text != row.Text, "description", old.Description != row.Description)
	}, e, e)
}

func removeSavedQuery(tx state.Tx, name string) ([]event.Event, error) {
	if shipped(name) {
		return nil, &Conflict{fmt.Sprintf("saved-query %s comes with Trailgate and cannot be deleted", name), "trailgate saved-query list tells them apart"}
	}
	return []event.Event{event.DeleteSavedQuery{Query: name}}, tx.SavedQueries().Delete(name)
}

// shipped says whether a saved query of that name comes with Trailgate.
func shipped(name string) bool {
	all, err := queries.All()
	if err != nil {
		panic(fmt.Sprintf("admin: the embedded queries: %v", err))
	}
	return slices.ContainsFunc(all, func(q queries.Query) bool { return q.Name == name })
}
