package bench

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/importer"
)

// importRecords is how many records BenchmarkImport imports;
// TRAILGATE_IMPORT_RECORDS says otherwise.
const importRecords = 1_000_000

// BenchmarkImport is DESIGN.md 10's "AWS import": ≥ 60,000 records a second on
// two cores, from packed log files to rows that queries see. A record has about
// 1.2 KB, a file 20 to 400 records, an account three regions and thirty days.
func BenchmarkImport(b *testing.B) {
	n := importRecords
	if v, err := strconv.Atoi(os.Getenv("TRAILGATE_IMPORT_RECORDS")); err == nil {
		n = v
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(256 << 20)) // as trailgate import does
	logs := appendDir(b)
	packed, unpacked := writeLogFiles(b, logs, n)
	b.Logf("%d records, %d MiB packed, %d bytes a record", n, packed>>20, unpacked/int64(n))
	for b.Loop() {
		b.StopTimer()
		data := appendDir(b)
		src, err := importer.OpenDirectory(logs)
		if err != nil {
			b.Fatal(err)
		}
		before := cpuTime(b)
		b.StartTimer()
		began := time.Now()
		r, err := importer.Run(b.Context(), importer.Options{DataDir: data, Source: src})
		took := time.Since(began)
		b.StopTimer()
		if err != nil || r.New != int64(n) || r.Read != r.New {
			b.Fatalf("imported %+v, %v", r, err)
		}
		b.ReportMetric(float64(n)/took.Seconds(), "records/s")
		b.ReportMetric((cpuTime(b)-before).Seconds()*1e6/float64(n), "cpu-µs/record")
		b.ReportMetric(peakMemory(b), "peak-MB")
		c, err := trail.ReadImports(trail.OS(), data)
		if err != nil {
			b.Fatal(err)
		}
		size := int64(0)
		for _, f := range c.Files {
			size += f.Bytes
		}
		b.ReportMetric(float64(len(c.Files)), "files")
		b.ReportMetric(float64(size)/float64(n), "B/record")
		began = time.Now()
		r, err = importer.Run(b.Context(), importer.Options{DataDir: data, Source: src})
		if err != nil || r.Duplicate != int64(n) {
			b.Fatalf("imported again %+v, %v", r, err)
		}
		b.ReportMetric(time.Since(began).Seconds()*1e3, "again-ms")
		src.Close()
		os.RemoveAll(data)
		b.StartTimer()
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func peakMemory(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Maxrss) / 1024
}

// writeLogFiles writes n records as AWS does, and says how large they are.
func writeLogFiles(b *testing.B, dir string, n int) (packed, unpacked int64) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	regions := []string{"eu-west-1", "us-east-1", "ap-southeast-2"}
	for made, file := 0, 0; made < n; file++ {
		region := regions[file%len(regions)]
		at := start.Add(time.Duration(float64(made) / float64(n) * float64(30*24*time.Hour)))
		size := min(n-made, 20+r.IntN(380))
		name := fmt.Sprintf("AWSLogs/111122223333/CloudTrail/%s/%s/111122223333_CloudTrail_%s_%s_%016d.json.gz",
			region, at.Format("2006/01/02"), region, at.Format("20060102T1504Z"), file)
		p, u := writeLogFile(b, filepath.Join(dir, name), r, at, region, made, size)
		packed, unpacked = packed+p, unpacked+u
		made += size
	}
	return packed, unpacked
}

func writeLogFile(b *testing.B, name string, r *rand.Rand, at time.Time, region string, first, n int) (packed, unpacked int64) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	w := bufio.NewWriter(z)
	w.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		size, err := w.WriteString(logRecord(r, at.Add(time.Duration(i)*time.Second), region, first+i))
		if err != nil {
			b.Fatal(err)
		}
		unpacked += int64(size)
	}
	w.WriteString(`]}`)
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return info.Size(), unpacked
}

var logCalls = []struct{ source, name, request, response string }{
	{"ec2.amazonaws.com", "DescribeInstances", `{"instancesSet":{"items":[{"instanceId":"i-%[1]016x"}]},"filterSet":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}}`, `null`},
	{"s3.amazonaws.com", "GetBucketAcl", `{"bucketName":"logs-%[1]d","Host":"logs-%[1]d.s3.amazonaws.com","acl":""}`, `null`},
	{"sts.amazonaws.com", "AssumeRole", `{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"build-%[1]d","durationSeconds":3600}`,
		`{"credentials":{"accessKeyId":"ASIAEXAMPLE%[1]x","sessionToken":"FwoGZXIvYXdzEEXAMPLE%[1]032x","expiration":"Mar 1, 2026, 10:11:12 AM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:build-%[1]d","arn":"arn:aws:sts::111122223333:assumed-role/deploy/build-%[1]d"}}`},
	{"kms.amazonaws.com", "Decrypt", `{"encryptionContext":{"aws:lambda:FunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:orders-%[1]d"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`},
	{"ssm.amazonaws.com", "UpdateInstanceInformation", `{"instanceId":"i-%[1]016x","agentVersion":"3.3.987.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023"}`, `null`},
}

func logRecord(r *rand.Rand, at time.Time, region string, n int) string {
	c := logCalls[r.IntN(len(logCalls))]
	user, arg := r.IntN(500), r.IntN(1_000_000)
	failure := ""
	if r.IntN(50) == 0 {
		failure = fmt.Sprintf(`"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::111122223333:assumed-role/ops/user%d is not authorized to perform: %s",`, user, c.name)
	}
	response := c.response
	if response != "null" {
		response = fmt.Sprintf(response, arg)
	}
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEROLE:user%[1]d","arn":"arn:aws:sts::111122223333:assumed-role/ops/user%[1]d",`+
		`"accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%08[2]x","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEROLE","arn":"arn:aws:iam::111122223333:role/ops",`+
		`"accountId":"111122223333","userName":"ops"},"webIdFederationData":{},"attributes":{"creationDate":"%[3]s","mfaAuthenticated":"true"}}},"eventTime":"%[3]s","eventSource":"%[4]s",`+
		`"eventName":"%[5]s","awsRegion":"%[6]s","sourceIPAddress":"203.0.113.%[7]d","userAgent":"aws-cli/2.15.30 Python/3.11.8 Linux/6.1.0 exe/x86_64 prompt/off command/%[5]s",%[8]s`+
		`"requestParameters":%[9]s,"responseElements":%[10]s,"requestID":"%08[11]x-%04[12]x-4%03[13]x-9%03[13]x-%012[14]x","eventID":"%08[14]x-%04[12]x-4%03[13]x-a%03[13]x-%012[11]x",`+
		`"readOnly":true,"eventType":"AwsApiCall","managementEvent":true,`+
		`"recipientAccountId":"111122223333","eventCategory":"Management"}`,
		user, r.Uint32(), at.Format(time.RFC3339), c.source, c.name, region, user%250, failure, fmt.Sprintf(c.request, arg), response, r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), n)
}
