package cli

import (
	"cmp"
	"fmt"

	"github.com/trailgate/trailgate/internal/api/rest"
)

// trailRows are the lines of trail status.
func trailRows(st rest.Status) [][]any {
	rows := [][]any{
		{"events", st.TrailSeq}, {"head", st.TrailHash}, {"in queries up to", st.QueriedSeq}, {"in detection up to", st.DetectedSeq},
		{"sealed up to", st.SealedSeq}, {"fault", st.TrailFault},
	}
	return append(rows, keepRows(st.Keep)...)
}

// keepRows say what is kept.
func keepRows(k rest.Keep) [][]any {
	rows := [][]any{{"kept from", k.First}, {"retention", cmp.Or(k.Retention, "all is kept")}, {"legal holds", k.Holds}}
	if k.PrunedSeq > 0 {
		removed := fmt.Sprint(k.PrunedSeq)
		if k.PruneUnfinished {
			removed += ", not finished"
		}
		rows = append(rows, []any{"removed up to", removed})
	}
	if k.Error != "" {
		rows = append(rows, []any{"retention fault", k.Error})
	}
	return rows
}
