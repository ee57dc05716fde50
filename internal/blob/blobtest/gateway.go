//go:build conformance

package blobtest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Gateway is a running versitygw: an S3 server that others wrote, which checks
// every signature.
type Gateway struct {
	Endpoint string
	t        testing.TB
	client   *s3.Client
}

// Credentials of a Gateway's owner.
const (
	AccessKey = "AKIAIOSFODNN7EXAMPLE"
	SecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// StartGateway runs a server until t ends and puts its credentials into the
// environment. scripts/tools installs it; without it t fails.
func StartGateway(t testing.TB) *Gateway {
	t.Helper()
	program := filepath.Join(os.Getenv("TRAILGATE_TOOLS"), "bin", "versitygw")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("versitygw is not there (make conformance installs it and says where in TRAILGATE_TOOLS): %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	dir := t.TempDir()
	for _, name := range []string{"iam", "data", "versions"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--port", address, "--access", AccessKey, "--secret", SecretKey, "--quiet",
		"--iam-dir", filepath.Join(dir, "iam"), "posix", "--versioning-dir", filepath.Join(dir, "versions"), filepath.Join(dir, "data"))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-gone
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			break
		}
		select {
		case <-gone:
			t.Fatal("versitygw ended")
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("versitygw does not answer: %v", err)
		}
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			t.Fatal(err)
		}
	}
	g := &Gateway{Endpoint: "http://" + address, t: t}
	g.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &g.Endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
	})
	return g
}

// Make makes a bucket; with lock it is one that can lock objects.
func (g *Gateway) Make(bucket string, lock bool) {
	g.t.Helper()
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if lock {
		in.ObjectLockEnabledForBucket = aws.Bool(true)
	}
	if _, err := g.client.CreateBucket(context.Background(), in); err != nil {
		g.t.Fatal(err)
	}
}

// Client speaks to the server as its owner.
func (g *Gateway) Client() *s3.Client { return g.client }
