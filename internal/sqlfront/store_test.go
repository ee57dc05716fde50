package sqlfront

import "testing"

// The event data store's name is CloudTrail Lake's: a UUID without quotes.
func TestEventDataStoreIsATable(t *testing.T) {
	const id = "8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10"
	c := CloudTrailCatalog().WithStore(id)
	for _, text := range []string{
		"SELECT * FROM 8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10",
		"SELECT * FROM 8D4FB6BB-1b2c-4b39-8a3e-0f5d8f7c9a10 AS a WHERE a.eventName = 'x'",
		`select count(*) from "8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10";`,
		"SELECT 2-1, 12345678-1234-1234-1234-123456789012 FROM $EDS_ID",
		"SELECT eventName FROM\n<EDS ID>\nWHERE readOnly",
		"SELECT eventName FROM <event_data_store_id>",
		"SELECT eventName FROM eds-id",
	} {
		s, err := Parse(text)
		if err == nil {
			err = s.Check(c)
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"SELECT * FROM 11111111-1111-1111-1111-111111111111":  `line 1, column 15: there is no such event data store, found "11111111-1111-1111-1111-111111111111" (the one here is ` + id + `)`,
		"SELECT * FROM 8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10a": `line 1, column 15: expected a number or a name, found "8d4fb6bb" (a name that starts with a digit goes in double quotes)`,
		"SELECT evntName FROM $EDS_ID":                        `line 1, column 8: there is no such column in ` + id + `, found "evntName" (did you mean "eventname"?)`,
		"SELECT userName FROM $EDS_ID":                        `line 1, column 8: there is no such column in ` + id + `, found "userName" (did you mean "useridentity.username"?)`,
		"SELECT userName FROM cloudtrail_logs":                `line 1, column 8: there is no such column in cloudtrail_logs, found "userName" (did you mean "useridentity.username"?)`,
		"SELECT e.eventNam FROM <EDS ID> e":                   `line 1, column 8: there is no such column in ` + id + `, found "e.eventNam" (did you mean "eventname"?)`,
		"SELECT useridentity.usrname FROM eds-id":             `line 1, column 8: "useridentity" has no such field, found "useridentity.usrname" (did you mean "username"?)`,
		"SELECT banana FROM $EDS_ID":                          `line 1, column 8: there is no such column in ` + id + `, found "banana" (text goes between single quotes)`,
	} {
		s, err := Parse(text)
		if err == nil {
			err = s.Check(c)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}
