package duckdb

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/query/querytest"
)

// oracleRecords are what the statements of testdata/trino are asked of: the
// records of querytest, and 290 in CloudTrail's shape that are the same in
// every run. Their times cross midnights, months, a year and a leap day.
func oracleRecords() []string {
	d := dice{rand.New(rand.NewPCG(476, 1))}
	list := querytest.Samples()
	for i := range 290 {
		list = append(list, d.record(i))
	}
	return list
}

type dice struct{ *rand.Rand }

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

type object = map[string]any

var oracleServices = []struct {
	source string
	names  []string
	read   []bool
}{
	{"ssh-proxy-service.yourdomain.com", []string{"StartSession", "EndSession", "GetFile", "PutFile", "AuthorizeSecurityGroupIngress"}, []bool{false, false, true, false, false}},
	{"ec2.amazonaws.com", []string{"RunInstances", "DescribeInstances", "AuthorizeSecurityGroupIngress", "TerminateInstances"}, []bool{false, true, false, false}},
	{"s3.amazonaws.com", []string{"GetObject", "PutObject", "ListBuckets", "PutBucketAcl"}, []bool{true, false, true, false}},
	{"iam.amazonaws.com", []string{"CreateUser", "AttachUserPolicy", "ListUsers", "GetUser"}, []bool{false, false, true, true}},
	{"sts.amazonaws.com", []string{"AssumeRole", "GetCallerIdentity"}, []bool{true, true}},
	{"signin.amazonaws.com", []string{"ConsoleLogin"}, []bool{false}},
	{"kms.amazonaws.com", []string{"Decrypt", "GenerateDataKey"}, []bool{true, true}},
}

func (d dice) record(i int) string {
	svc := pick(d, oracleServices...)
	n := d.IntN(len(svc.names))
	user := pick(d, "ana", "bob", "eve", "mallory", "Zoë", "李雷", "o'neil", "_svc%")
	at := pick(d, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 21, 23, 30, 0, 0, time.UTC), time.Date(2025, 12, 31, 22, 0, 0, 0, time.UTC),
		time.Date(2024, 2, 28, 12, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)).Add(time.Duration(d.IntN(36*3600)) * time.Second)
	account := pick(d, "111122223333", "444455556666", "123456789012")
	r := object{
		"eventVersion": pick(d, "1.08", "1.09", "1.11"), "eventTime": at.Format(time.RFC3339), "eventSource": svc.source, "eventName": svc.names[n],
		"awsRegion": pick(d, "us-east-1", "eu-west-1", "ap-northeast-1", "us-east-1"), "sourceIPAddress": pick(d, "198.51.100.7", "203.0.113.9", "10.0.0.9", "192.168.10.20", "AWS Internal", "2001:db8::7"),
		"userAgent": pick(d, "aws-cli/2.15.0 Python/3.11.6", "Mozilla/5.0 (X11; Linux x86_64)", "SSH-2.0-OpenSSH_9.2", "Boto3/1.34.0", "console.amazonaws.com"),
		"eventID":   fmt.Sprintf("%08x-0000-4000-8000-%012d", d.Uint32(), i), "requestID": fmt.Sprintf("R%05d", i), "readOnly": svc.read[n], "managementEvent": svc.source != "s3.amazonaws.com",
		"eventType": pick(d, "AwsApiCall", "AwsApiCall", "AwsServiceEvent"), "eventCategory": "Management", "recipientAccountId": account,
		"userIdentity": d.identity(user, account, at), "requestParameters": d.parameters(svc.names[n]), "responseElements": nil,
	}
	switch d.IntN(6) {
	case 0:
		r["errorCode"], r["errorMessage"] = "AccessDenied", "User: "+user+" is not authorized to perform: "+svc.names[n]
	case 1:
		r["errorCode"] = pick(d, "ThrottlingException", "Client.UnauthorizedOperation", "NoSuchBucket")
	case 2:
		r["responseElements"] = object{"_return": true, "instancesSet": object{"items": []any{object{"instanceId": fmt.Sprintf("i-%08x", d.Uint32()), "instanceState": object{"code": 0, "name": "pending"}}}}}
	}
	if list := d.resources(account); list != nil {
		r["resources"] = list
	}
	switch d.IntN(3) {
	case 0:
		r["additionalEventData"] = object{"MFAAuthenticated": pick(d, "True", "False"), "bytesTransferredOut": d.IntN(5000)}
	case 1:
		r["additionalEventData"] = object{"MFAUsed": pick(d, "Yes", "No"), "LoginTo": "https://console.aws.amazon.com/console/home?state=hash&isauthcode=true"}
	}
	if d.IntN(2) == 0 {
		r["tlsDetails"] = object{"tlsVersion": pick(d, "TLSv1.2", "TLSv1.3"), "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": svc.source}
	}
	if d.IntN(5) == 0 {
		r["sessionCredentialFromConsole"] = "true"
		r["vpcEndpointId"] = fmt.Sprintf("vpce-%d", d.IntN(3))
		r["serviceEventDetails"] = object{"policy": pick(d, "ops", "dev"), "attempt": d.IntN(4)}
		r["sharedEventID"] = fmt.Sprintf("S%d", d.IntN(9))
		r["apiVersion"] = "2016-11-15"
	}
	if d.IntN(9) == 0 {
		r["addendum"] = object{"reason": "UPDATED_DATA", "updatedFields": "requestParameters", "originalRequestID": "o1", "originalEventID": "o2"}
	}
	return compactJSON(r)
}

func (d dice) identity(user, account string, at time.Time) object {
	switch d.IntN(4) {
	case 0:
		return object{"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}
	case 1:
		role := pick(d, "ops", "admin", "build")
		return object{"type": "AssumedRole", "principalId": "AROA" + strings.ToUpper(role) + ":" + user, "arn": "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + user, "accountId": account,
			"accessKeyId": fmt.Sprintf("ASIA%04d", d.IntN(6)),
			"sessionContext": object{"sessionIssuer": object{"type": "Role", "principalId": "AROA" + strings.ToUpper(role), "arn": "arn:aws:iam::" + account + ":role/" + role, "accountId": account, "userName": role},
				"attributes": object{"creationDate": at.Add(-time.Duration(d.IntN(7200)) * time.Second).Format(time.RFC3339), "mfaAuthenticated": pick(d, "true", "false")}}}
	case 2:
		return object{"type": "Root", "principalId": account, "arn": "arn:aws:iam::" + account + ":root", "accountId": account}
	}
	return object{"type": "IAMUser", "principalId": "AIDA" + strings.ToUpper(user), "arn": "arn:aws:iam::" + account + ":user/" + user, "accountId": account,
		"accessKeyId": fmt.Sprintf("AKIA%04d", d.IntN(6)), "userName": user}
}

func (d dice) parameters(name string) any {
	switch {
	case strings.Contains(name, "Session") || strings.HasSuffix(name, "File"):
		return object{"login": pick(d, "root", "ec2-user", "deploy"), "sessionId": fmt.Sprintf("s%d", d.IntN(30)), "target": pick(d, "web1", "web2", "db1", "дб-2"), "bytes": d.IntN(100_000)}
	case strings.Contains(name, "Object") || strings.Contains(name, "Bucket"):
		return object{"bucketName": pick(d, "logs-bucket", "Data.Bucket", "tmp"), "key": pick(d, "a/b.txt", "a/ü.txt", "c d.bin"), "x-amz-acl": []any{pick(d, "private", "public-read")}}
	case name == "AuthorizeSecurityGroupIngress":
		return object{"groupId": fmt.Sprintf("sg-%d", d.IntN(4)), "ipPermissions": object{"items": []any{
			object{"fromPort": pick(d, 22, 443, 3389), "ipProtocol": "tcp", "ipRanges": object{"items": []any{object{"cidrIp": pick(d, "0.0.0.0/0", "10.0.0.0/8")}, object{"cidrIp": "192.0.2.0/24"}}}},
		}}}
	case strings.HasSuffix(name, "Instances"):
		return object{"instancesSet": object{"items": []any{object{"imageId": "ami-1", "maxCount": 1 + d.IntN(3), "minCount": 1}}}, "instanceType": pick(d, "t3.micro", "m5.large"), "dryRun": d.IntN(2) == 0}
	case strings.Contains(name, "User"):
		return object{"userName": pick(d, "new1", "new2"), "policyArn": pick(d, "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess")}
	}
	return nil
}

func (d dice) resources(account string) []any {
	if d.IntN(3) == 0 {
		return nil
	}
	list := []any{}
	for i := range d.IntN(4) {
		r := object{"ARN": fmt.Sprintf("arn:aws:s3:::bucket-%d/%d", d.IntN(3), i), "type": pick(d, "AWS::S3::Object", "AWS::S3::Bucket", "AWS::IAM::Role")}
		if d.IntN(3) > 0 {
			r["accountId"] = account
		}
		list = append(list, r)
	}
	return list
}

func compactJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
