package queries

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

// The fixture is a few days of a small place: ana, who does things well, bob,
// who does not, and eve, who guesses; and what the same people did in AWS.

// monday is 2026-11-16, a Monday, at midnight.
var monday = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

// scene makes records, at times that each event gives as day and clock.
type scene struct {
	t       *testing.T
	records []string
}

func (s *scene) add(record string) { s.records = append(s.records, record) }

func at(day int, clock string) time.Time {
	d, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return monday.AddDate(0, 0, day).Add(time.Duration(d.Hour())*time.Hour + time.Duration(d.Minute())*time.Minute)
}

// actor is who does it, and from where.
type actor struct{ name, source string }

func (a actor) identity() event.UserIdentity {
	if a.name == "" {
		return event.UserIdentity{Type: "Unknown", UserName: event.Hidden}
	}
	return event.UserIdentity{Type: "IAMUser", PrincipalID: "AIDA" + a.name, ARN: "arn:aws:iam::111122223333:user/" + a.name, AccountID: "111122223333", UserName: a.name}
}

// ours adds an event of Trailgate's own.
func (s *scene) ours(day int, clock string, by actor, session *event.Session, failed string, e event.Event) {
	s.t.Helper()
	m := event.Meta{Time: at(day, clock), Identity: by.identity(), SourceIP: by.source, UserAgent: "SSH-2.0-OpenSSH_10.0", Session: session, ErrorCode: failed}
	if failed != "" {
		m.ErrorMessage = failed + " for a reason"
	}
	r := event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "eu-central-1", AccountID: "111122223333"}.Record(m, e)
	r.EventID = fmt.Sprintf("ours-%04d", len(s.records)+1)
	if call, ok := e.(event.LookupEvents); ok && call.Start == "" { // one that came over the API
		r.UserIdentity.AccessKeyID, r.UserAgent = "AKIAEXAMPLEANA", "aws-cli/2.31"
	}
	b, err := json.Marshal(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.add(string(b))
}

// principals of AWS, as userIdentity.
const (
	anaUser  = `{"type":"IAMUser","principalId":"AIDAana","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","accessKeyId":"AKIAANA","userName":"ana"}`
	bobUser  = `{"type":"IAMUser","principalId":"AIDAbob","arn":"arn:aws:iam::111122223333:user/bob","accountId":"111122223333","accessKeyId":"AKIABOB","userName":"bob"}`
	deploy   = `{"type":"AssumedRole","principalId":"AROADEPLOY:ci","arn":"arn:aws:sts::111122223333:assumed-role/deploy/ci","accountId":"111122223333","accessKeyId":"ASIACI","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::111122223333:role/deploy","accountId":"111122223333","userName":"deploy"},"attributes":{"creationDate":"2026-11-17T08:00:00Z","mfaAuthenticated":"false"}}}`
	ssoCleo  = `{"type":"AssumedRole","principalId":"AROASSO:cleo@example.com","arn":"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a1b/cleo@example.com","accountId":"111122223333","accessKeyId":"ASIASSO","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROASSO","arn":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a1b","accountId":"111122223333","userName":"AWSReservedSSO_Admin_0a1b"}}}`
	stranger = `{"type":"AWSAccount","principalId":"AIDASTRANGER","accountId":"999988887777"}`
	support  = `{"type":"AWSService","invokedBy":"support.amazonaws.com"}`
)

// aws adds a record as AWS's log files have it; more is members of JSON that
// follow, with a comma before them.
func (s *scene) aws(day int, clock, source, name, identity, address, more string) {
	s.add(fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":%q,"eventSource":%q,"eventName":%q,"awsRegion":"eu-central-1","sourceIPAddress":%q,`+
		`"userAgent":"aws-cli/2.31","eventID":"aws-%04d","eventType":"AwsApiCall","recipientAccountId":"111122223333"%s}`,
		identity, at(day, clock).Format(time.RFC3339), source+".amazonaws.com", name, address, len(s.records)+1, more))
}

func fixture(t *testing.T) []string {
	s := &scene{t: t}
	s.amazon()
	s.access()
	s.work()
	s.administration()
	s.response()
	return s.records
}

var (
	ana    = actor{"ana", "198.51.100.10"}
	anaOut = actor{"ana", "203.0.113.77"} // away from the office
	bob    = actor{"bob", "198.51.100.10"}
	eve    = actor{"", "192.0.2.66"}
	gate   = actor{"trailgate", "ssh-proxy-service.yourdomain.com"}
)

// access is logins, decisions and sessions.
func (s *scene) access() {
	login := event.Login{Method: "publickey", KeyType: "ssh-ed25519"}
	for i, name := range []string{"root", "admin", "bob"} {
		s.ours(0, fmt.Sprintf("03:1%d", i), eve, nil, event.AuthenticationFailed, event.Login{UserName: name, Method: "none"})
	}
	s.ours(0, "03:40", actor{"bob", "192.0.2.66"}, nil, "", login)
	s.ours(1, "09:00", ana, nil, "", login)
	s.ours(1, "09:01", bob, nil, "", login)
	s.ours(3, "22:00", anaOut, nil, "", login)
	denied := event.AuthorizeSecurityGroupIngress{Target: "db1", Login: "root", Protocol: "tcp", Port: 22, FrontDoor: "gate", Reason: "no policy lets bob reach db1"}
	s.ours(1, "09:05", bob, nil, event.AccessDenied, denied)
	s.ours(1, "09:06", bob, nil, event.AccessDenied, denied)
	s.ours(1, "09:10", bob, nil, event.TargetUnreachable, event.ConnectTarget{Target: "web3", Login: "ubuntu", Address: "10.0.0.3:22"})
	s.ours(1, "09:11", bob, nil, event.HostKeyMismatch, event.ConnectTarget{Target: "web2", Login: "ubuntu", Address: "10.0.0.2:22"})
	for _, v := range []struct {
		day    int
		clock  string
		who    actor
		id     string
		login  string
		target string
		mfa    bool
	}{
		{1, "09:12", ana, "s-1", "ec2-user", "web1", true},
		{1, "09:15", ana, "s-2", "ec2-user", "web2", true},
		{1, "09:20", ana, "s-3", "postgres", "db1", true},
		{2, "02:30", bob, "s-4", "root", "db1", false},
		{3, "22:05", anaOut, "s-5", "ec2-user", "web1", true},
	} {
		s.ours(v.day, v.clock, v.who, &event.Session{ID: v.id, Login: v.login, Target: v.target, MFA: v.mfa}, "", event.StartSession{FrontDoor: "gate", Recording: "terminal"})
	}
}

// work is what happened inside the sessions.
func (s *scene) work() {
	first := &event.Session{ID: "s-1", Login: "ec2-user", Target: "web1", MFA: true}
	s.ours(1, "09:13", ana, first, "", event.StartShell{Channel: 0, Terminal: true, Term: "xterm-256color"})
	s.ours(1, "09:30", ana, first, "", event.EndSession{Cause: "the client closed the connection", ExitStatus: new(int), Millis: 1080000})
	second := &event.Session{ID: "s-2", Login: "ec2-user", Target: "web2", MFA: true}
	s.ours(1, "09:16", ana, second, "", event.ExecuteCommand{Channel: 0, Command: "sudo systemctl restart app"})
	s.ours(1, "09:17", ana, second, "", event.CloseChannel{Channel: 0, Kind: "exec", ExitStatus: new(int)})
	s.ours(1, "09:18", ana, second, "", event.ForwardAgent{Channel: 1})
	s.ours(1, "09:19", ana, second, "", event.EndSession{Cause: "the client closed the connection", Millis: 240000})
	third := &event.Session{ID: "s-3", Login: "postgres", Target: "db1", MFA: true}
	s.ours(1, "09:21", ana, third, "", event.ExecuteCommand{Channel: 0, Command: "scp -r -f /var/backups"})
	s.ours(1, "09:22", ana, third, "", event.StartSubsystem{Channel: 1, Subsystem: "sftp"})
	s.ours(1, "09:23", ana, third, "", event.ExecuteCommand{Channel: 2, Command: "rsync --server -logDtpre.iLsfxC . /srv"})
	s.ours(1, "09:40", ana, third, "", event.EndSession{Cause: "the client closed the connection", Millis: 1200000})
	fourth := &event.Session{ID: "s-4", Login: "root", Target: "db1"}
	s.ours(2, "02:31", bob, fourth, "", event.ExecuteCommand{Channel: 0, Command: "cat /etc/shadow"})
	s.ours(2, "02:32", bob, fourth, "", event.OpenTunnel{Channel: 1, Host: "10.0.0.9", Port: 5432})
	s.ours(2, "02:33", bob, fourth, event.AccessDenied, event.OpenTunnel{Channel: 2, Host: "169.254.169.254", Port: 80})
	s.ours(2, "02:34", bob, fourth, "", event.LoseRecording{Reason: "no space left on device"})
	s.ours(2, "02:36", bob, fourth, "", event.EndSession{Cause: "MFA is required", Lock: "lock-1", Millis: 360000})
}

// administration is who changed and who read what.
func (s *scene) administration() {
	admin := actor{"ada", "198.51.100.2"}
	s.ours(1, "10:00", admin, nil, "", event.CreateUser{UserName: "cleo", ARN: "arn:aws:iam::111122223333:user/cleo"})
	s.ours(1, "10:01", admin, nil, "", event.UploadSSHPublicKey{UserName: "cleo", Fingerprint: "SHA256:cleo"})
	s.ours(1, "10:02", admin, nil, "", event.EnableMFADevice{UserName: "cleo", Type: "totp"})
	s.ours(1, "10:03", admin, nil, "", event.CreateAccessKey{UserName: "ana", AccessKeyID: "AKIAEXAMPLEANA"})
	s.ours(1, "23:00", admin, nil, "", event.PutPolicy{Policy: "operators", SHA256: "0f1e"})
	s.ours(1, "23:05", bob, nil, event.AccessDenied, event.DeleteTarget{Target: "db1"})
	s.ours(2, "08:00", admin, nil, "", event.GetRecording{SessionID: "s-4", Format: "terminal"})
	s.ours(2, "08:05", admin, nil, "", event.StartQuery{Statement: "SELECT count(*) FROM CloudTrailLogs"})
	s.ours(2, "08:10", ana, nil, "", event.LookupEvents{})
	s.ours(2, "08:11", ana, nil, event.AccessDenied, event.LookupEvents{})
	s.ours(2, "08:30", gate, nil, "", event.DetectGap{What: "journal", From: "2026-11-18T08:00:00Z", To: "2026-11-18T08:00:02Z", Reason: "no space left on device"})
}

// response is an alarm and what was done about it.
func (s *scene) response() {
	s.ours(2, "02:35", gate, nil, "", event.SetAlarmState{Alarm: "alarm-1", Runbook: "session-without-mfa", Key: "s-4", State: "ALARM", Previous: "OK", Severity: "high", Reason: "a session without MFA"})
	s.ours(2, "02:35", gate, nil, "", event.StartRun{Run: "run-1", Runbook: "session-without-mfa", Alarm: "alarm-1", Mode: "enforce"})
	s.ours(2, "02:35", gate, nil, "", event.CreateLock{Effect: "require_mfa", Identity: "bob", Reason: "MFA is required", Run: "run-1", ID: "lock-1"})
	s.ours(2, "02:35", gate, nil, "", event.ExecuteStep{Run: "run-1", Step: "require", Action: "require_mfa", Result: "done", Detail: "bob needs MFA"})
	s.ours(2, "02:35", gate, nil, "", event.TerminateSession{SessionID: "s-4", Message: "MFA is required", Run: "run-1"})
	s.ours(2, "02:36", gate, nil, "", event.ExecuteStep{Run: "run-1", Step: "stop", Action: "terminate_session", Result: "done", Detail: "session s-4 ended"})
	s.ours(2, "09:00", actor{"ada", "198.51.100.2"}, nil, "", event.DeleteLock{ID: "lock-1", Cause: "deleted"})
}

// amazon is what AWS's log files have of the same days.
func (s *scene) amazon() {
	const (
		reads  = `,"readOnly":true,"managementEvent":true,"eventCategory":"Management"`
		writes = `,"readOnly":false,"managementEvent":true,"eventCategory":"Management"`
		data   = `,"readOnly":true,"managementEvent":false,"eventCategory":"Data"`
		office = "198.51.100.10"
	)
	s.aws(1, "09:14", "s3", "ListBuckets", anaUser, office, reads+`,"tlsDetails":{"tlsVersion":"TLSv1.2","cipherSuite":"ECDHE-RSA-AES128-GCM-SHA256"}`)
	s.aws(2, "02:50", "iam", "CreateAccessKey", bobUser, "192.0.2.66", writes+`,"requestParameters":{"userName":"bob"}`)
	s.aws(2, "02:52", "sts", "AssumeRole", bobUser, "192.0.2.66", reads+`,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"bob"}`)
	s.aws(1, "08:00", "sts", "AssumeRole", deploy, office, reads+`,"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"ci"}`)
	s.aws(1, "08:01", "sts", "AssumeRole", support, "support.amazonaws.com", reads+`,"resources":[{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"}]`)
	s.aws(0, "07:00", "signin", "ConsoleLogin", bobUser, "192.0.2.66", reads+`,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No","MobileVersion":"No"}`)
	s.aws(0, "07:30", "signin", "ConsoleLogin", anaUser, office, reads+`,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"}`)
	s.aws(0, "07:40", "iam", "AddUserToGroup", bobUser, "192.0.2.66", writes+`,"requestParameters":{"userName":"bob","groupName":"CloudAdmins"},"sessionCredentialFromConsole":"true"`)
	s.aws(0, "07:45", "cloudtrail", "StopLogging", bobUser, "192.0.2.66", writes+`,"errorCode":"AccessDenied","errorMessage":"not authorized to perform: cloudtrail:StopLogging","requestParameters":{"name":"main"}`)
	s.aws(0, "08:00", "sso", "Federate", `{"type":"Unknown","userName":"cleo","accountId":"111122223333"}`, office, reads+`,"serviceEventDetails":{"role_name":"Admin","account_id":"111122223333"}`)
	s.aws(0, "08:10", "iam", "PutRolePolicy", ssoCleo, office, writes+`,"requestParameters":{"roleName":"deploy","policyName":"more"}`)
	s.aws(0, "08:20", "ec2", "AuthorizeSecurityGroupIngress", ssoCleo, office, writes+`,"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}`)
	s.aws(0, "08:21", "ec2", "ModifySecurityGroupRules", ssoCleo, office, writes+`,"requestParameters":{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-2","SecurityGroupRule":{"SecurityGroupRule":{"CidrIpv6":"::/0"}}}}`)
	s.aws(0, "08:22", "ec2", "RevokeSecurityGroupIngress", anaUser, office, writes+`,"requestParameters":{"groupId":"sg-1"}`)
	s.aws(0, "08:30", "ec2", "RunInstances", deploy, office, writes+`,"responseElements":{"instancesSet":{"items":[{"instanceId":"i-0aaa","instanceType":"t4g.small"},{"instanceId":"i-0bbb","instanceType":"t4g.small"}]}}`)
	s.aws(0, "08:31", "ec2", "CreateTags", deploy, office, writes+`,"requestParameters":{"resourcesSet":{"items":[{"resourceId":"i-0aaa"}]},"tagSet":{"items":[{"key":"Name","value":"web1"}]}}`)
	s.aws(0, "08:32", "ec2", "CreateSnapshot", deploy, office, writes+`,"responseElements":{"snapshotId":"snap-1","volumeId":"vol-1","encrypted":false}`)
	s.aws(0, "08:40", "rds", "CreateDBInstance", deploy, office, writes+`,"requestParameters":{"dBInstanceIdentifier":"orders","engine":"aurora-postgresql","engineVersion":"17.4","dBInstanceClass":"db.r8g.large","availabilityZone":"eu-central-1a","enablePerformanceInsights":true},"responseElements":{"publiclyAccessible":true}`)
	s.aws(0, "08:41", "rds", "FailoverDBCluster", deploy, office, writes+`,"requestParameters":{"dBClusterIdentifier":"orders-cluster"}`)
	s.aws(0, "08:42", "rds", "RestoreDBClusterToPointInTime", anaUser, office, writes+`,"requestParameters":{"dBClusterIdentifier":"orders-again","sourceDBClusterIdentifier":"orders-cluster"}`)
	s.aws(0, "08:43", "rds", "DeleteDBInstance", bobUser, office, writes+`,"requestParameters":{"dBInstanceIdentifier":"old","skipFinalSnapshot":true}`)
	s.aws(0, "09:00", "s3", "GetObject", anaUser, office, data+`,"requestParameters":{"bucketName":"reports","key":"2026/q3.pdf"},"additionalEventData":{"aclRequired":"Yes"}`)
	s.aws(0, "09:01", "s3", "GetObject", deploy, office, data+`,"requestParameters":{"bucketName":"reports","key":"2026/q3.pdf"}`)
	s.aws(5, "09:02", "s3", "GetObject", stranger, "192.0.2.99", data+`,"errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"reports","key":"2026/q3.pdf"}`)
	s.aws(0, "09:03", "s3", "PutObject", deploy, office, `,"readOnly":false,"managementEvent":false,"eventCategory":"Data","requestParameters":{"bucketName":"reports","key":"new.pdf"},"additionalEventData":{"SSEApplied":"Default_SSE_S3"}`)
	s.aws(0, "09:04", "s3", "PutBucketPublicAccessBlock", ssoCleo, office, writes+`,"requestParameters":{"bucketName":"reports","PublicAccessBlockConfiguration":{"BlockPublicAcls":false}}`)
	s.aws(0, "09:05", "dynamodb", "Scan", deploy, office, data+`,"requestParameters":{"tableName":"orders"}`)
	s.aws(0, "09:06", "s3", "PutObject", stranger, "10.1.2.3", `,"readOnly":false,"managementEvent":false,"eventCategory":"NetworkActivity","errorCode":"VpceAccessDenied","errorMessage":"denied by the endpoint","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333"`)
	s.add(`{"eventVersion":"1.11","userIdentity":` + deploy + `,"eventTime":"2026-11-16T09:07:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"ap-south-1",` +
		`"sourceIPAddress":"198.51.100.10","userAgent":"terraform","eventID":"aws-9001","eventType":"AwsApiCall","recipientAccountId":"111122223333","errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized"` + reads + `}`)
}
