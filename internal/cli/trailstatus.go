package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/query"
)

// A fact is a line of trail status: for people under its label, for programs
// one row of all facts by their keys.
type fact struct {
	column string // "name" or "name:type"; "" is for people alone
	value  any    // for programs
	label  string // "" is for programs alone
	said   any    // for people
}

// trailFacts are those of the trail and its log files.
func trailFacts(st rest.Status, l rest.LogFiles) []fact {
	same := func(column, label string, value any) fact { return fact{column, value, label, value} }
	facts := []fact{
		same("events:bigint", "events", int64(st.TrailSeq)),
		same("head", "head", st.TrailHash),
		same("queriedSeq:bigint", "in queries up to", int64(st.QueriedSeq)),
		same("detectedSeq:bigint", "in detection up to", int64(st.DetectedSeq)),
		same("sealedSeq:bigint", "sealed up to", int64(st.SealedSeq)),
		{"trailFault", orNull(st.TrailFault), "fault", st.TrailFault},
	}
	return append(append(facts, keepFacts(st.Keep)...), deliveryFacts(l)...)
}

// keepFacts say what is kept.
func keepFacts(k rest.Keep) []fact {
	facts := []fact{
		{"first:bigint", int64(k.First), "kept from", k.First},
		{"retention", orNull(k.Retention), "retention", cmp.Or(k.Retention, "all is kept")},
		{"holds:bigint", int64(k.Holds), "legal holds", k.Holds},
		{column: "prunedSeq:bigint", value: int64(k.PrunedSeq)},
		{column: "pruneUnfinished:boolean", value: k.PruneUnfinished},
		{column: "retentionFault", value: orNull(k.Error)},
	}
	if k.PrunedSeq > 0 {
		removed := fmt.Sprint(k.PrunedSeq)
		if k.PruneUnfinished {
			removed += ", not finished"
		}
		facts = append(facts, fact{label: "removed up to", said: removed})
	}
	if k.Error != "" {
		facts = append(facts, fact{label: "retention fault", said: k.Error})
	}
	return facts
}

// deliveryFacts are about log files, digests and anchors.
func deliveryFacts(l rest.LogFiles) []fact {
	when := func(column, label string, t time.Time) fact {
		if t.IsZero() {
			return fact{column, nil, label, "never"}
		}
		return fact{column, t, label, t}
	}
	fault := func(column, label, text string) fact { return fact{column, orNull(text), label, text} }
	facts := []fact{
		{"deliveredSeq:bigint", int64(l.Delivered), "in log files up to", l.Delivered},
		when("latestDelivery:timestamp", "latest log file", l.LatestDelivery),
		fault("latestDeliveryError", "log file fault", l.LatestDeliveryError),
		when("latestDigestDelivery:timestamp", "latest digest", l.LatestDigestDelivery),
		fault("latestDigestDeliveryError", "digest fault", l.LatestDigestDeliveryError),
	}
	latest, failed := when("latestAnchor:timestamp", "latest anchor", l.LatestAnchor), fault("latestAnchorError", "anchor fault", l.LatestAnchorError)
	if len(l.Anchors) == 0 {
		latest.said, failed.label = "none is kept outside: the setting anchors names places", ""
	}
	facts = append(facts, latest, failed, fact{column: "anchors:json", value: list(l.Anchors)})
	for _, a := range l.Anchors { // since the node started
		state := "nothing new yet"
		switch {
		case a.Error != "":
			state = a.Error
		case !a.Kept.IsZero():
			state = "event " + strconv.FormatUint(a.Seq, 10) + " at " + a.Kept.UTC().Format(time.RFC3339)
		}
		facts = append(facts, fact{label: "anchor " + a.Place, said: state})
	}
	return facts
}

// printFacts is a line for each to people, and one row to programs.
func (sh *shell) printFacts(facts []fact) error {
	var columns []query.Column
	var row []any
	var lines [][]any
	for _, f := range facts {
		if f.column != "" {
			columns, row = append(columns, cols(f.column)...), append(row, f.value)
		}
		if f.label != "" {
			lines = append(lines, []any{f.label, f.said})
		}
	}
	if f := sh.format(); f == "table" || f == "tsv" {
		return sh.print(cols("what", "value"), lines, "")
	}
	return sh.print(columns, [][]any{row}, "")
}
