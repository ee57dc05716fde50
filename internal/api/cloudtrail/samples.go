package cloudtrail

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/queries"
)

// The sample queries are the library of saved queries. Their parameters all
// have defaults, so a sample runs as it is served.

type searchSampleQueries struct {
	SearchPhrase string
	MaxResults   *int   `json:",omitempty"`
	NextToken    string `json:",omitempty"`
}

func (in *searchSampleQueries) event() event.Event {
	return event.SearchSampleQueries{Phrase: in.SearchPhrase, Max: in.MaxResults, NextToken: in.NextToken}
}

type sampleInfo struct {
	Name, Description, SQL string
	Relevance              float64
}

func (in *searchSampleQueries) serve(_ context.Context, c *call) (any, error) {
	most, err := within(in.MaxResults, 1, 50, 10, "InvalidParameterException")
	if err != nil {
		return nil, err
	}
	printable := strings.IndexFunc(in.SearchPhrase, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) < 0
	if len(in.SearchPhrase) < 2 || len(in.SearchPhrase) > 1000 || !printable {
		return nil, refuse("InvalidParameterException", "SearchPhrase is not 2 to 1000 printable characters")
	}
	bare := *in
	bare.NextToken, bare.MaxResults = "", nil
	about, from := pageOfCall(c, "SearchSampleQueries", bare), 0
	if in.NextToken != "" {
		if err := c.place(about, in.NextToken, &from); err != nil {
			return nil, err
		}
	}
	library, err := queries.All()
	if err != nil {
		return nil, err
	}
	found := search(library, in.SearchPhrase, c.s.StoreID)
	found = found[min(max(from, 0), len(found)):]
	out := map[string]any{"SearchResults": found[:min(most, len(found))]}
	if len(found) > most {
		out["NextToken"] = c.next(about, from+most)
	}
	return out, nil
}

// search are the samples that have a word of the phrase, the best first. A
// sample's relevance is the share of the words it has.
func search(library []queries.Query, phrase, store string) []sampleInfo {
	words := strings.FieldsFunc(strings.ToLower(phrase), func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9') })
	found := []sampleInfo{}
	for _, q := range library {
		text, score := strings.ToLower(q.Title+" "+q.Description+" "+q.Text), 0.0
		for _, w := range words {
			stem := strings.TrimSuffix(w, "s")
			if len(stem) > 1 && strings.Contains(text, stem) {
				score++
				if strings.Contains(strings.ToLower(q.Title), stem) {
					score++
				}
			}
		}
		if score > 0 {
			found = append(found, sampleInfo{q.Title, q.Description, strings.ReplaceAll(q.Text, "$EDS_ID", store), score / float64(2*len(words))})
		}
	}
	slices.SortStableFunc(found, func(a, b sampleInfo) int { return cmp.Compare(b.Relevance, a.Relevance) })
	return found
}
