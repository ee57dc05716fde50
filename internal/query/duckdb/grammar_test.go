package duckdb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

const storeID = "8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10"

// Statements of every kind pass the worker's own gate and are answered over
// what is sealed and what is not, in the columns of each of the three worlds.
func TestGrammarThroughTheWorker(t *testing.T) {
	s := querytest.NewTrail(t)
	for i, name := range []string{"StartSession", "GetFile", "GetFile", "EndSession"} {
		s.Append(fmt.Sprintf(`{"eventVersion":"1.11","eventTime":"2026-11-20T08:00:0%dZ","eventName":%q,"eventSource":"ssh-proxy-service.yourdomain.com","readOnly":%t,`+
			`"userIdentity":{"type":"IAMUser","userName":"ana","accountId":"123456789012","sessionContext":{"attributes":{"creationDate":"2026-11-20T07:00:00Z"}}},"requestParameters":{"target":"web1","n":%d,"o":{"k":[1,"x"]}},`+
			`"additionalEventData":{"MFAAuthenticated":"True"},"tlsDetails":{"tlsVersion":"TLSv1.3"},"resources":[{"ARN":"arn:%d","type":"T"}]}`, i, name, i%2 == 0, i, i))
	}
	s.Seal(2)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"WITH w(n, c) AS (SELECT eventName, count(*) FROM CloudTrailLogs GROUP BY 1) SELECT n, c FROM w WHERE c = (SELECT max(c) FROM w)":                                                                                                                                 "GetFile 2",
		"SELECT a.seq, b.seq FROM CloudTrailLogs a JOIN CloudTrailHistory b ON a.seq + 2 = b.seq ORDER BY 1":                                                                                                                                                              "1 3;2 4",
		"SELECT seq, r.arn FROM CloudTrailLogs CROSS JOIN UNNEST(resources) AS t(r) ORDER BY seq LIMIT 2":                                                                                                                                                                 "1 arn:0;2 arn:1",
		"SELECT seq, rank() OVER (PARTITION BY eventName ORDER BY seq) FROM CloudTrailLogs ORDER BY seq":                                                                                                                                                                  "1 1;2 1;3 2;4 1",
		"SELECT seq FROM CloudTrailLogs WHERE any_match(resources, r -> r.arn = 'arn:3') UNION ALL SELECT 7 ORDER BY 1":                                                                                                                                                   "4;7",
		"SELECT l.s FROM (SELECT seq AS s FROM CloudTrailLogs) l WHERE EXISTS (SELECT 1 FROM CloudTrailLogs h WHERE h.seq = l.s + 3)":                                                                                                                                     "1",
		"SELECT eventName, element_at(requestParameters, 'target'), element_at(requestparameters, 'o'), tlsDetails.tlsVersion FROM $EDS_ID WHERE eventtime > '2026-11-20 08:00:02'":                                                                                       `EndSession web1 {"k":[1,"x"]} TLSv1.3`,
		"SELECT count(*), element_at(requestParameters, 'n') FROM " + storeID + " GROUP BY requestParameters ORDER BY 2 LIMIT 1":                                                                                                                                          "1 0",
		"SELECT requestParameters FROM $EDS_ID WHERE eventName = 'EndSession'":                                                                                                                                                                                            `map[n:3 o:{"k":[1,"x"]} target:web1]`,
		"SELECT userIdentity.sessionContext.attributes.creationDate, element_at(additionalEventData, 'MFAAuthenticated'), element_at(resources, 1).arn FROM $EDS_ID WHERE readOnly = 'false' ORDER BY 3 LIMIT 1":                                                          "2026-11-20 07:00:00 +0000 UTC True arn:1",
		`SELECT json_extract_scalar(requestparameters, '$.target'), json_extract_scalar(additionaleventdata, '$.MFAAuthenticated'), useridentity.username, readonly, "timestamp" FROM default.cloudtrail_logs WHERE eventtime = '2026-11-20T08:00:03Z' AND year = '2026'`: "web1 True ana false 2026/11/20",
	} {
		st, err := sqlfront.Parse(text)
		if err == nil {
			err = st.Check(sqlfront.CloudTrailCatalog().WithStore(storeID))
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for name, r := range map[string]query.Request{"all": {Statement: st}, "up to the last": {Statement: st, MaxSeq: 4}} {
			res, err := e.Query(t.Context(), r)
			if err != nil {
				t.Errorf("%s (%s): %v\n%s", text, name, err, statementText(r))
				continue
			}
			var rows []string
			for _, row := range res.Rows {
				rows = append(rows, strings.TrimSuffix(fmt.Sprintln(row...), "\n"))
			}
			if d := cmp.Diff(want, strings.Join(rows, ";")); d != "" {
				t.Errorf("%s (%s) (-want +got):\n%s\n%s", text, name, d, statementText(r))
			}
		}
	}
}
