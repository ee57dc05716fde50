//go:build trino

package duckdb

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// The tables that stand for ours in Trino, where a name may not be a UUID.
const (
	trinoLogs   = `"CloudTrailLogs"`
	trinoAthena = `"cloudtrail_logs"`
	trinoLake   = `"lake"`
)

// TestTrinoAnswersAsRecorded asks the Trino that TRAILGATE_TRINO names every
// statement: as it is written, and as we print it for Trino. Both must be what
// is recorded; with TRAILGATE_RECORD=1 they are recorded.
func TestTrinoAnswersAsRecorded(t *testing.T) {
	server := trinoServer{url: os.Getenv("TRAILGATE_TRINO")}
	if server.url == "" {
		t.Fatal("TRAILGATE_TRINO is not set: make test-trino starts a Trino and says where it is")
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	version, err := server.load(t.Context(), oracleRecords())
	if err != nil {
		t.Fatal(err)
	}
	recording := os.Getenv("TRAILGATE_RECORD") != ""
	cases := oracleCases(t)
	answers := make([]oracleAnswer, len(cases))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 3 { // Trino waits on itself for most of a small statement
		wg.Go(func() {
			for i := range next {
				answers[i] = server.answer(t, cases[i])
			}
		})
	}
	for i := range cases {
		next <- i
	}
	close(next)
	wg.Wait()
	if recording {
		writeOracleAnswers(t, version, cases, answers)
		return
	}
	recorded := readOracleAnswers(t)
	for i, c := range cases {
		if c.rows != nil {
			continue
		}
		want := recorded[c.name]
		if want.failure != answers[i].failure {
			t.Errorf("%s: Trino %s says %q, recorded is %q", c.name, version, answers[i].failure, want.failure)
		} else if d := differences(c, want, answers[i]); d != "" {
			t.Errorf("%s: Trino %s, ours being what is new, and Trino's what is recorded: %s", c.name, version, d)
		}
	}
}

// answer is Trino's to a statement, as written or as printed.
func (s trinoServer) answer(t *testing.T, c oracleCase) oracleAnswer {
	if c.rows != nil {
		return oracleAnswer{}
	}
	st, refused := checked(c.text)
	printed := ""
	if refused == nil {
		printed = st.Print(sqlfront.Trino, sqlfront.PrintOptions{Table: func(name string) []string {
			switch name {
			case storeID:
				return []string{trinoLake}
			case sqlfront.AthenaLogs:
				return []string{trinoAthena}
			}
			return []string{trinoLogs}
		}})
	}
	if c.lake != "" && !c.fails {
		if printed == "" {
			t.Errorf("%s: %v", c.name, refused)
			return oracleAnswer{}
		}
		return s.read(t, c, printed)
	}
	a := s.read(t, c, strings.NewReplacer("$EDS_ID", "lake", storeID, "lake", "CloudTrailHistory", "CloudTrailLogs").Replace(strings.TrimSuffix(c.text, ";")))
	switch {
	case c.fails && a.failure != "":
		t.Errorf("%s: Trino refuses it, too: %s", c.name, a.failure)
	case a.failure != "":
		// How it fails is compared with ours by who holds DuckDB to it.
	case refused != nil:
		if !c.fails {
			t.Errorf("%s: Trino answers, we refuse it: %v", c.name, refused)
		}
	default:
		if d := differences(c, a, s.read(t, c, printed)); d != "" {
			t.Errorf("%s: what we print for Trino means something else: %s\n%s", c.name, d, printed)
		}
	}
	return a
}

func (s trinoServer) read(t *testing.T, c oracleCase, text string) oracleAnswer {
	a, err := s.run(t.Context(), text)
	if err != nil {
		t.Errorf("%s: %v", c.name, err)
	}
	if !c.ordered {
		slices.Sort(a.rows)
	}
	if c.lake != "" && !c.fails && a.failure != "" {
		t.Errorf("%s: what we print for Trino fails: %s\n%s", c.name, a.failure, text)
	}
	return a
}

func writeOracleAnswers(t *testing.T, version string, cases []oracleCase, answers []oracleAnswer) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `# What Trino %s answers to the statements of statements.sql, over the rows of
# oracleRecords. Recorded by make test-trino RECORD=1; not written by hand.
#
# Below a statement's name: its columns with their types, and its rows, or the
# name of its error. Types are Trino's as query.Column has them: integers are
# bigint, decimals double, rows, maps and arrays json. A row is an object
# without the members that are NULL. Doubles agree to 12 digits.
`, version)
	for i, c := range cases {
		if c.rows != nil {
			continue
		}
		b.WriteString("\n== " + c.name + "\n")
		a := answers[i]
		if a.failure != "" {
			b.WriteString("! " + a.failure + "\n")
			continue
		}
		for j := range a.types {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(a.names[j] + "|" + a.types[j])
		}
		b.WriteByte('\n')
		for _, row := range a.rows {
			b.WriteString(row + "\n")
		}
	}
	if err := os.WriteFile(oracleAnswers, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// trinoServer speaks to Trino over its REST protocol.
type trinoServer struct{ url string }

type trinoType struct {
	RawType   string `json:"rawType"`
	Arguments []struct {
		Kind  string          `json:"kind"`
		Value json.RawMessage `json:"value"`
	} `json:"arguments"`
}

type trinoPage struct {
	NextURI string `json:"nextUri"`
	Columns []struct {
		Name          string    `json:"name"`
		TypeSignature trinoType `json:"typeSignature"`
	} `json:"columns"`
	Data  [][]any `json:"data"`
	Error *struct {
		Message   string `json:"message"`
		ErrorName string `json:"errorName"`
	} `json:"error"`
}

// run is the answer to one statement; an error is one of the connection.
func (s trinoServer) run(ctx context.Context, text string) (a oracleAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	page, err := s.page(ctx, http.MethodPost, s.url+"/v1/statement", text)
	for err == nil {
		if page.Error != nil {
			return oracleAnswer{failure: page.Error.ErrorName}, nil
		}
		if a.types == nil {
			for _, c := range page.Columns {
				a.types, a.names = append(a.types, c.TypeSignature.resultType()), append(a.names, c.Name)
			}
		}
		for _, row := range page.Data {
			for i := range row {
				row[i] = page.Columns[i].TypeSignature.cell(row[i])
			}
			a.rows = append(a.rows, compactJSON(row))
		}
		if page.NextURI == "" {
			return a, nil
		}
		page, err = s.page(ctx, http.MethodGet, page.NextURI, "")
	}
	return a, err
}

func (s trinoServer) page(ctx context.Context, method, url, body string) (p trinoPage, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return p, err
	}
	for name, value := range map[string]string{"X-Trino-User": "trailgate", "X-Trino-Catalog": "memory", "X-Trino-Schema": "default", "X-Trino-Time-Zone": "UTC",
		"X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME"} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return p, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return p, fmt.Errorf("trino says %s", res.Status)
	}
	d := json.NewDecoder(res.Body)
	d.UseNumber()
	return p, d.Decode(&p)
}

// resultType is the type as query.Column has it.
func (t trinoType) resultType() string {
	switch t.RawType {
	case "tinyint", "smallint", "integer", "bigint":
		return "bigint"
	case "real", "double", "decimal":
		return "double"
	case "array", "map", "row", "json":
		return "json"
	case "boolean", "date", "timestamp", "unknown", "timestamp with time zone":
		return t.RawType
	}
	return "varchar"
}

// argument is the type that argument i is, and its name where it has one.
func (t trinoType) argument(i int) (trinoType, string) {
	var named struct {
		FieldName *struct {
			Name string `json:"name"`
		} `json:"fieldName"`
		TypeSignature json.RawMessage `json:"typeSignature"`
	}
	text, name := t.Arguments[i].Value, "field"+strconv.Itoa(i)
	if t.Arguments[i].Kind == "NAMED_TYPE" && json.Unmarshal(text, &named) == nil {
		text = named.TypeSignature
		if named.FieldName != nil {
			name = named.FieldName.Name
		}
	}
	var out trinoType
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out, name
}

// cell is a value of type t as the recorded answers have it.
func (t trinoType) cell(v any) any {
	if v == nil {
		return nil
	}
	switch t.RawType {
	case "decimal":
		return json.Number(v.(string))
	case "varbinary":
		b, err := base64.StdEncoding.DecodeString(v.(string))
		if err != nil {
			panic(err)
		}
		return hex.EncodeToString(b)
	case "timestamp", "timestamp with time zone":
		day, rest, _ := strings.Cut(v.(string), " ")
		clock, zone, _ := strings.Cut(rest, " ")
		whole, fraction, _ := strings.Cut(clock, ".")
		return strings.TrimSuffix(day+" "+whole+"."+(fraction + "000000")[:6]+" "+strings.TrimSuffix(zone, "UTC"), " ")
	case "json":
		var x any
		if err := decodeNumbers(v.(string), &x); err != nil {
			return v // json_array_get makes text without its quotes
		}
		return plainForm(x)
	case "array":
		of, _ := t.argument(0)
		list := v.([]any)
		for i := range list {
			list[i] = of.cell(list[i])
		}
	case "map":
		of, _ := t.argument(1)
		m := v.(map[string]any)
		for k := range m {
			m[k] = of.cell(m[k])
			if m[k] == nil {
				delete(m, k)
			}
		}
	case "row":
		o := map[string]any{}
		for i, e := range v.([]any) {
			of, name := t.argument(i)
			if c := of.cell(e); c != nil {
				o[name] = c
			}
		}
		return o
	}
	return v
}

// load makes the three tables of records and returns Trino's version. Trino
// shapes them itself.
func (s trinoServer) load(ctx context.Context, records []string) (string, error) {
	statements := []string{"DROP TABLE IF EXISTS raw", "DROP TABLE IF EXISTS " + trinoLogs, "DROP TABLE IF EXISTS " + trinoAthena, "DROP TABLE IF EXISTS " + trinoLake,
		"CREATE TABLE raw (n bigint, t varchar)"}
	for start := 0; start < len(records); start += 100 {
		var rows []string
		for i, r := range records[start:min(start+100, len(records))] {
			rows = append(rows, fmt.Sprintf("(%d, %s)", start+i+1, sqlfront.QuoteText(r)))
		}
		statements = append(statements, "INSERT INTO raw VALUES "+strings.Join(rows, ", "))
	}
	for table, columns := range map[string][]string{trinoLogs: trinoLogsColumns(), trinoAthena: trinoAthenaColumns(), trinoLake: trinoLakeColumns()} {
		statements = append(statements, "CREATE TABLE "+table+" AS SELECT "+strings.Join(columns, ", ")+" FROM raw")
	}
	for _, text := range statements {
		if a, err := s.run(ctx, text); err != nil || a.failure != "" {
			return "", fmt.Errorf("load rows into trino: %s %w: %.3000s", a.failure, err, text)
		}
	}
	a, err := s.run(ctx, "SELECT version()")
	if err != nil {
		return "", err
	}
	return strings.Trim(a.rows[0], `[]"`), nil
}

// Expressions that make a member of the record t. A path is a.b.c.

func memberJSON(path string) string { return "json_query(t, 'lax $." + path + "')" }

// memberText is a string without quotes, and anything else as JSON.
func memberText(path string) string {
	return "coalesce(json_extract_scalar(t, '$." + path + "'), nullif(" + memberJSON(path) + ", 'null'))"
}

func memberTime(path string) string {
	return "try(CAST(from_iso8601_timestamp(" + memberText(path) + ") AT TIME ZONE 'UTC' AS timestamp(6)))"
}

// memberMap has the members of members that are objects or lists as JSON.
func memberMap(path string) string {
	return "if(" + memberJSON(path) + " LIKE '{%', transform_values(CAST(json_extract(t, '$." + path + "') AS map(varchar, json)), (k, v) -> coalesce(json_extract_scalar(v, '$'), nullif(json_format(v), 'null'))))"
}

type trinoField struct{ name, typ, value string }

// member is a field that has the text of the record's member of its name.
func members(prefix string, lower bool, names ...string) (list []trinoField) {
	for _, n := range names {
		shown := n
		if lower {
			shown = strings.ToLower(n)
		}
		list = append(list, trinoField{shown, "varchar", memberText(prefix + n)})
	}
	return list
}

// memberRow is a row where the record has an object.
func memberRow(name, path string, fields ...trinoField) trinoField {
	var types, values []string
	for _, f := range fields {
		types, values = append(types, sqlfront.Quote(f.name)+" "+f.typ), append(values, f.value)
	}
	typ := "row(" + strings.Join(types, ", ") + ")"
	return trinoField{name, typ, "if(" + memberJSON(path) + " LIKE '{%', CAST(row(" + strings.Join(values, ", ") + ") AS " + typ + "))"}
}

func (f trinoField) column() string { return f.value + " AS " + sqlfront.Quote(f.name) }

func trinoColumns(fields []trinoField) (list []string) {
	for _, f := range fields {
		list = append(list, f.column())
	}
	return list
}

// resourceRows is the list of resources with the given members, by their names.
func resourceRows(names ...string) trinoField {
	var types, values []string
	for _, n := range names {
		shown, value, _ := strings.Cut(n, "=")
		types, values = append(types, sqlfront.Quote(shown)+" varchar"), append(values, value)
	}
	return trinoField{"resources", "", "if(" + memberJSON("resources") + " LIKE '[%', transform(CAST(json_extract(t, '$.resources') AS array(json)), r -> CAST(row(" + strings.Join(values, ", ") + ") AS row(" + strings.Join(types, ", ") + "))))"}
}

func column(name, value string) trinoField { return trinoField{name, "varchar", value} }

func trinoLogsColumns() []string {
	const session = "userIdentity.sessionContext"
	identity := append(members("userIdentity.", false, "type", "principalId", "arn", "accountId", "accessKeyId", "userName"),
		memberRow("sessionContext", session,
			memberRow("sessionIssuer", session+".sessionIssuer", members(session+".sessionIssuer.", false, "type", "principalId", "arn", "accountId", "userName")...),
			memberRow("attributes", session+".attributes", members(session+".attributes.", false, "creationDate", "mfaAuthenticated")...)),
		members("userIdentity.", false, "invokedBy")[0])
	said := "lower(" + memberText("additionalEventData.MFAAuthenticated") + ")"
	proven := "lower(" + memberText("userIdentity.sessionContext.attributes.mfaAuthenticated") + ")"
	list := append(members("", false, "eventVersion"), memberRow("userIdentity", "userIdentity", identity...), column("eventTime", memberTime("eventTime")))
	list = append(list, members("", false, "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestParameters", "responseElements")...)
	list = append(list, column("additionalEventData", "if("+memberJSON("additionalEventData")+" LIKE '{%', array_join(array_sort(transform(map_entries(CAST(json_extract(t, '$.additionalEventData') AS map(varchar, json))),"+
		" e -> e[1] || '=' || coalesce(json_extract_scalar(e[2], '$'), json_format(e[2])))), ', '), "+memberText("additionalEventData")+")"))
	list = append(list, members("", false, "requestID", "eventID")...)
	list = append(list, column("readOnly", "try(CAST("+memberText("readOnly")+" AS boolean))"),
		resourceRows("ARN=json_extract_scalar(r, '$.ARN')", "accountId=json_extract_scalar(r, '$.accountId')", "type=json_extract_scalar(r, '$.type')"))
	list = append(list, members("", false, "eventType")...)
	list = append(list, column("managementEvent", "try(CAST("+memberText("managementEvent")+" AS boolean))"))
	list = append(list, members("", false, "recipientAccountId", "serviceEventDetails", "eventCategory")...)
	list = append(list, column("userName", memberText("userIdentity.userName")), column("userArn", memberText("userIdentity.arn")),
		column("sessionId", memberText("requestParameters.sessionId")), column("target", memberText("requestParameters.target")), column("login", memberText("requestParameters.login")),
		column("mfaAuthenticated", "coalesce(if("+said+" IN ('true', 'false'), "+said+"), if("+proven+" IN ('true', 'false'), "+proven+"))"),
		column("eventJson", "t"), column("appendTime", "TIMESTAMP "+sqlfront.QuoteText(querytest.Start.Format("2006-01-02 15:04:05.000000"))+" + (n - 1) * INTERVAL '1' SECOND"), column("seq", "n"))
	return trinoColumns(list)
}

func issuerRow() trinoField {
	const path = "userIdentity.sessionContext.sessionIssuer"
	return memberRow("sessionissuer", path, members(path+".", true, "type", "principalId", "arn", "accountId", "userName")...)
}

func federationRow() trinoField {
	const path = "userIdentity.sessionContext.webIdFederationData"
	return memberRow("webidfederationdata", path, members(path+".", true, "federatedProvider")[0], trinoField{"attributes", "map(varchar, varchar)", memberMap(path + ".attributes")})
}

func tlsRow() trinoField {
	return memberRow("tlsdetails", "tlsDetails", members("tlsDetails.", true, "tlsVersion", "cipherSuite", "clientProvidedHostHeader")...)
}

func trinoAthenaColumns() []string {
	const session = "userIdentity.sessionContext"
	identity := append(members("userIdentity.", true, "type", "principalId", "arn", "accountId", "invokedBy", "accessKeyId", "userName"),
		memberRow("onbehalfof", "userIdentity.onBehalfOf", members("userIdentity.onBehalfOf.", true, "userId", "identityStoreArn")...),
		memberRow("sessioncontext", session, memberRow("attributes", session+".attributes", members(session+".attributes.", true, "mfaAuthenticated", "creationDate")...),
			issuerRow(), members(session+".", true, "ec2RoleDelivery")[0], federationRow()))
	list := append(members("", true, "eventVersion"), memberRow("useridentity", "userIdentity", identity...), column("eventtime", "if("+memberTime("eventTime")+" IS NOT NULL, "+memberText("eventTime")+")"))
	list = append(list, members("", true, "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "requestParameters", "responseElements", "additionalEventData",
		"requestID", "eventID", "readOnly")...)
	list = append(list, resourceRows("arn=json_extract_scalar(r, '$.ARN')", "accountid=json_extract_scalar(r, '$.accountId')", "type=json_extract_scalar(r, '$.type')"))
	list = append(list, members("", true, "eventType", "apiVersion", "recipientAccountId", "serviceEventDetails", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory")...)
	list = append(list, memberRow("addendum", "addendum", members("addendum.", true, "reason", "updatedFields", "originalRequestID", "originalEventID")...))
	list = append(list, members("", true, "sessionCredentialFromConsole", "edgeDeviceDetails")...)
	list = append(list, tlsRow(), column("timestamp", "format_datetime("+memberTime("eventTime")+", 'yyyy/MM/dd')"))
	return trinoColumns(list)
}

func trinoLakeColumns() []string {
	const session = "userIdentity.sessionContext"
	identity := append(members("userIdentity.", true, "type", "principalId", "arn", "accountId", "accessKeyId", "userName"),
		memberRow("sessioncontext", session, append([]trinoField{
			memberRow("attributes", session+".attributes", trinoField{"creationdate", "timestamp(6)", memberTime(session + ".attributes.creationDate")}, members(session+".attributes.", true, "mfaAuthenticated")[0]),
			issuerRow(), federationRow()}, members(session+".", true, "sourceIdentity", "ec2RoleDelivery", "ec2IssuedInVpc")...)...))
	identity = append(identity, members("userIdentity.", true, "invokedBy", "identityProvider", "credentialId")...)
	identity = append(identity, memberRow("onbehalfof", "userIdentity.onBehalfOf", members("userIdentity.onBehalfOf.", true, "userId", "identityStoreArn")...),
		memberRow("inscopeof", "userIdentity.inScopeOf", members("userIdentity.inScopeOf.", true, "sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo")...))
	list := append(members("", true, "eventVersion"), memberRow("useridentity", "userIdentity", identity...), column("eventtime", memberTime("eventTime")))
	list = append(list, members("", true, "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage")...)
	for _, n := range []string{"requestParameters", "responseElements", "additionalEventData"} {
		list = append(list, column(strings.ToLower(n), memberMap(n)))
	}
	list = append(list, members("", true, "requestID", "eventID")...)
	list = append(list, column("readonly", "try(CAST("+memberText("readOnly")+" AS boolean))"),
		resourceRows("accountid=json_extract_scalar(r, '$.accountId')", "type=json_extract_scalar(r, '$.type')", "arn=json_extract_scalar(r, '$.ARN')", "arnprefix=NULL"))
	list = append(list, members("", true, "eventType", "apiVersion")...)
	list = append(list, column("managementevent", "try(CAST("+memberText("managementEvent")+" AS boolean))"))
	list = append(list, members("", true, "recipientAccountId", "sharedEventID", "annotation", "vpcEndpointId", "vpcEndpointAccountId")...)
	for _, n := range []string{"serviceEventDetails", "addendum", "edgeDeviceDetails", "insightDetails"} {
		list = append(list, column(strings.ToLower(n), memberMap(n)))
	}
	list = append(list, members("", true, "eventCategory")...)
	list = append(list, tlsRow(), members("", true, "sessionCredentialFromConsole")[0], column("eventjson", "t"), column("eventjsonchecksum", "CAST(NULL AS varchar)"),
		column("eventcontext", "CAST(NULL AS row(requestcontext map(varchar, varchar), tagcontext row(resourcetags array(row(arn varchar, tags map(varchar, varchar))), principaltags map(varchar, varchar))))"))
	return trinoColumns(list)
}
