package sqlfront

import (
	"regexp"
	"strings"
)

// The name of an event data store is a UUID that people write without quotes,
// as in CloudTrail Lake, and that no SQL has a token for. Where a table's name
// may stand it is one token; so are the place-holders that AWS's samples write
// in its stead.

// DefaultStore is the place-holder $EDS_ID: the event data store there is.
const DefaultStore = "$EDS_ID"

var (
	storeID = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`)
	// placeholderName are $EDS_ID, <EDS ID>, <event_data_store_id>, eds-id and
	// config_event_data_store_ID, however they are spelled.
	placeholderName = regexp.MustCompile(`(?i)^(?:<(?:config[ _-])?(?:eds|event[ _-]?data[ _-]?store)[ _-]?id>|\$(?:config_)?eds_id\b|\$\{(?:config_)?eds_id\}|eds-id\b|(?:config_)?event_data_store_id\b)`)
)

// lexStore reads the name of an event data store after FROM, JOIN or a comma.
func lexStore(src source, at int, before token) (token, bool) {
	if !before.is("FROM", "JOIN", ",") {
		return token{}, false
	}
	rest := string(src[at:min(len(src), at+64)])
	end := len(storeID.FindString(rest))
	if end > 0 {
		// After a comma, digits alone are a subtraction.
		if before.is(",") && !strings.ContainsAny(rest[:end], "abcdefABCDEF") || end < len(rest) && (isLetter(rest[end]) || isDigit(rest[end]) || rest[end] == '_') {
			return token{}, false
		}
		return token{quotedToken, at, at + end, strings.ToLower(rest[:end])}, true
	}
	if end = len(placeholderName.FindString(rest)); end > 0 && !before.is(",") {
		return token{quotedToken, at, at + end, DefaultStore}, true
	}
	return token{}, false
}

// isStore says whether a table's name is that of an event data store.
func isStore(name string) bool {
	return name == DefaultStore || len(name) == 36 && storeID.MatchString(name)
}
