package querytest

// The article's queries, verbatim: what they return is the product's first
// promise.
const (
	ArticleDenied = `SELECT *
FROM CloudTrailLogs
WHERE eventName = 'AuthorizeSecurityGroupIngress'
AND errorCode = 'AccessDenied'
AND eventSource = 'ssh-proxy-service.yourdomain.com'
LIMIT 50`
	ArticleMFA = `SELECT *
FROM CloudTrailLogs
WHERE additionalEventData != 'MFAAuthenticated=True'
AND eventSource LIKE '%ssh%'
LIMIT 100`
)

// cases are statements over Samples and what they must return.
var cases = []struct {
	text string
	want [][]any
}{
	// NULL is neither equal nor unequal to anything.
	{"SELECT seq FROM CloudTrailLogs WHERE additionalEventData != 'MFAAuthenticated=True' ORDER BY seq", seqs(3, 7, 8, 10)},
	{"SELECT seq FROM CloudTrailLogs WHERE additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%' ORDER BY seq", seqs(3, 8)},
	{"SELECT seq FROM CloudTrailLogs WHERE additionalEventData IS DISTINCT FROM 'MFAAuthenticated=True' ORDER BY seq", seqs(1, 2, 3, 5, 6, 7, 8, 9, 10)},
	{"SELECT seq FROM CloudTrailLogs WHERE NOT (errorCode = 'AccessDenied') ORDER BY seq", nil},
	{"SELECT seq FROM CloudTrailLogs WHERE errorCode IS NULL AND eventSource IS NOT NULL ORDER BY seq", seqs(3, 4, 6, 7, 8)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventName NOT IN ('StartSession', 'OpenConnection') ORDER BY seq", seqs(1, 2, 5, 7)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventName NOT LIKE '%Session%' ORDER BY seq", seqs(1, 2, 5, 6, 7)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventName LIKE 'start%'", nil}, // LIKE knows letter case
	{"SELECT seq FROM CloudTrailLogs WHERE eventName = 'startsession'", nil},
	{"SELECT SEQ FROM cloudtraillogs WHERE EVENTNAME = 'StartSession' ORDER BY seq", seqs(3, 4, 8)}, // names do not

	// eventTime against text.
	{"SELECT seq FROM CloudTrailLogs WHERE eventTime >= '2026-11-20 12:00:06' ORDER BY seq", seqs(7, 8)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventTime > '2026-11-20T12:00:06Z' ORDER BY seq", seqs(8)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventTime BETWEEN '2026-11-20 12:00:01' AND '2026-11-20T12:00:03Z' ORDER BY seq", seqs(2, 3, 4)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventTime = '2026-11-20 12:00:04'", seqs(5)},
	{"SELECT seq FROM CloudTrailLogs WHERE eventTime < '2026-11-20'", nil},

	// Structs and the columns made from them.
	{"SELECT seq FROM CloudTrailLogs WHERE userIdentity.userName = 'bob' ORDER BY seq", seqs(3, 5, 7)},
	{"SELECT seq FROM CloudTrailLogs WHERE userIdentity.sessionContext.attributes.mfaAuthenticated = 'false' ORDER BY seq", seqs(3, 8)},
	{"SELECT userIdentity.sessionContext.sessionIssuer.userName AS issuer, count(*) AS n FROM CloudTrailLogs WHERE userName = 'eve' GROUP BY userIdentity.sessionContext.sessionIssuer.userName",
		[][]any{{"ops", int64(1)}}},
	{"SELECT sessionId, target, login, mfaAuthenticated, additionalEventData FROM CloudTrailLogs WHERE seq = 4",
		[][]any{{"s2", "web1", "ec2-user", "true", "MFAAuthenticated=True"}}},
	{"SELECT additionalEventData AS a FROM CloudTrailLogs WHERE seq = 7",
		[][]any{{"LoginTo=https://console.aws.amazon.com, MFAUsed=No"}}},
	{"SELECT requestParameters AS p FROM CloudTrailLogs WHERE seq IN (1, 6) ORDER BY seq",
		[][]any{{`{"target":"web1","login":"root"}`}, {nil}}},

	// Aggregates.
	{`SELECT sourceIPAddress, count(*) AS denials, count(DISTINCT userName) AS people, min(seq) AS first FROM CloudTrailLogs
		WHERE errorCode = 'AccessDenied' GROUP BY sourceIPAddress ORDER BY denials DESC`,
		[][]any{{"198.51.100.7", int64(2), int64(1), int64(1)}, {"198.51.100.8", int64(1), int64(1), int64(5)}}},
	{"SELECT sourceIPAddress FROM CloudTrailLogs GROUP BY sourceIPAddress HAVING count(*) > 1 ORDER BY sourceIPAddress",
		[][]any{{"10.0.0.9"}, {"198.51.100.7"}, {nil}}},
	{"SELECT count(*) AS n, count(errorCode) AS errors, sum(seq) AS total FROM CloudTrailLogs", [][]any{{int64(10), int64(3), int64(55)}}},
	{"SELECT count(*) AS n, sum(seq) AS total FROM CloudTrailLogs WHERE seq > 100", [][]any{{int64(0), nil}}},
	{"SELECT DISTINCT errorCode FROM CloudTrailLogs ORDER BY errorCode", [][]any{{"AccessDenied"}, {nil}}},

	// NULL comes last both ways, and LIMIT after ORDER BY.
	{"SELECT readOnly FROM CloudTrailLogs WHERE seq IN (5, 6, 9) ORDER BY readOnly", [][]any{{false}, {true}, {nil}}},
	{"SELECT readOnly FROM CloudTrailLogs WHERE seq IN (5, 6, 9) ORDER BY readOnly DESC", [][]any{{true}, {false}, {nil}}},
	{"SELECT seq FROM CloudTrailLogs WHERE eventName IS NOT NULL ORDER BY eventName, seq DESC LIMIT 4", seqs(5, 2, 1, 7)},
	{"SELECT seq FROM CloudTrailLogs WHERE readOnly AND managementEvent", seqs(6)},

	// Integers stay integers.
	{"SELECT seq / 2 AS half FROM CloudTrailLogs WHERE seq = 7", [][]any{{int64(3)}}},
	{"SELECT seq FROM CloudTrailLogs WHERE seq % 4 = 3 ORDER BY seq", seqs(3, 7)},
	{"SELECT lower(eventName) AS name, length(eventName) AS size FROM CloudTrailLogs WHERE seq = 3", [][]any{{"startsession", int64(12)}}},
	{"SELECT coalesce(errorCode, 'none') AS code FROM CloudTrailLogs WHERE seq IN (2, 3) ORDER BY seq", [][]any{{"AccessDenied"}, {"none"}}},
}
