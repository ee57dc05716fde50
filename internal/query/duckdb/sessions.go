package duckdb

import "strings"

// sessionsOf is the text of the table sessions over a relation with the trail's
// columns: whatever bounds that, the asker's own rows or a sequence number,
// bounds the sessions. A session is a StartSession that was allowed, with the
// first EndSession of its id. Only what the gate itself wrote counts.
func sessionsOf(trail string) string {
	const ours = `"eventType" = 'ActivityLog' AND "eventCategory" = 'Management' AND "errorCode" IS NULL AND "sessionId" IS NOT NULL`
	text := func(from, column, path string) string {
		return "TRY(json_extract_string(" + from + "." + quoteName(column) + ", '$." + path + "'))"
	}
	number := func(column, path string) string {
		return "TRY_CAST(" + text("e.e", column, path) + " AS BIGINT)"
	}
	var list []string
	say := func(name, x string) { list = append(list, x+" AS "+quoteName(name)) }
	for _, name := range []string{"sessionId", "userArn", "userName", "target", "login", "sourceIPAddress"} {
		say(name, "s."+quoteName(name))
	}
	say("mfaAuthenticated", `s."mfaAuthenticated" = 'true'`)
	say("startTime", `s."eventTime"`)
	say("endTime", `e.e."eventTime"`)
	say("endReason", text("e.e", "responseElements", "cause"))
	say("duration", number("serviceEventDetails", "milliseconds")+" / CAST(1000 AS DOUBLE)")
	say("exitStatus", number("responseElements", "exitStatus"))
	say("bytesReceived", number("serviceEventDetails", "bytesReceived"))
	say("bytesSent", number("serviceEventDetails", "bytesSent"))
	say("lock", text("e.e", "serviceEventDetails", "lockId"))
	say("frontDoor", text("s", "requestParameters", "frontDoor"))
	say("keyFingerprint", text("s", "requestParameters", "keyFingerprint"))
	say("recording", text("s", "serviceEventDetails", "recording"))
	say("requestID", `s."requestID"`)
	say("eventID", `s."eventID"`)
	// An end that came from elsewhere has no seq, and is the last to count.
	ends := `SELECT "sessionId", arg_min({'eventTime': "eventTime", 'responseElements': "responseElements", 'serviceEventDetails': "serviceEventDetails"}, ` +
		`coalesce("seq", 9223372036854775807)) AS e FROM ` + trail + ` AS t WHERE "eventName" = 'EndSession' AND ` + ours + ` GROUP BY "sessionId"`
	return "(SELECT " + strings.Join(list, ", ") + " FROM (SELECT * FROM " + trail + ` AS t WHERE "eventName" = 'StartSession' AND ` + ours + ") AS s " +
		"LEFT JOIN (" + ends + `) AS e ON e."sessionId" = s."sessionId")`
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
