//go:build conformance

package app

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/anchor"
)

// TestConformanceAnchorsUnderLock: anchors in S3 with object lock are read although
// somebody with the credentials put delete marks and other texts over them; and a
// trail whose log files are in S3 verifies, as a whole and as a copy.
func TestConformanceAnchorsUnderLock(t *testing.T) {
	g := blobtest.StartGateway(t)
	g.Make("anchors", true)
	g.Make("logs", true)
	endpoint := "&endpoint=" + url.QueryEscape(g.Endpoint)
	l := newLineage(t)
	l.cfg.Blob.URL = "s3://logs/company/trail?lock=1h" + endpoint
	l.cfg.Trail.LogFileEvery, l.cfg.Trail.DigestEvery = 200*time.Millisecond, time.Second
	l.anchors = []config.Anchor{{URL: "s3://anchors/here?lock=1h" + endpoint}}
	n := l.start(t, true)
	for deadline := time.Now().Add(60 * time.Second); ; {
		n.commands(2, "ls")
		r, err := VerifyTrail(t.Context(), l.cfg, l.options())
		if err != nil || !r.Intact {
			t.Fatalf("beside a node: %+v, %v", r, err)
		}
		if r.Anchors >= 2 && r.Digests >= 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no two anchors in a minute: %+v", r)
		}
	}
	n.stop()
	keys, err := DigestKeys(l.cfg)
	if err != nil {
		t.Fatal(err)
	}
	place, err := config.ParsePlace(l.cfg.Blob.URL)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		o := l.options()
		if r, err := VerifyTrail(t.Context(), l.cfg, o); err != nil || !r.Intact || r.Anchors < 2 {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		o.Bucket, o.Keys = &place, keys
		if r, err := VerifyTrail(t.Context(), config.Default(), o); err != nil || !r.Intact || r.Digests < 2 {
			t.Errorf("%s, the bucket alone: %+v, %v", what, r, err)
		}
	}
	check("as it is")
	hide(t, g)
	check("with every anchor hidden")

	// Another text over an anchor is a finding, and the anchor is still read.
	b, _, err := openPlace(t.Context(), config.Place{Bucket: "anchors", Endpoint: g.Endpoint}, "")
	if err != nil {
		t.Fatal(err)
	}
	var key string
	for v, err := range b.(blob.Historian).Versions(t.Context(), "here/") {
		if err != nil {
			t.Fatal(err)
		}
		key = v.Key
	}
	if err := b.Put(t.Context(), key, []byte("{}"), nil); err != nil {
		t.Fatal(err)
	}
	r, err := VerifyTrail(t.Context(), l.cfg, l.options())
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Where != "s3://anchors/here" || !strings.Contains(r.Findings[0].Problem, key) || r.Anchors < 2 {
		t.Errorf("with another text over an anchor: %+v, %v; want it named and the anchors read", r, err)
	}
	own := anchor.NewBucket(b, "here", "s3://anchors/here", "")
	all, err := own.Anchors(t.Context())
	if !errors.Is(err, anchor.ErrDamaged) || len(all) < 2 {
		t.Errorf("%d anchors are read, %v", len(all), err)
	}
}

// hide puts a delete mark over every anchor, which is all that its writer may do.
func hide(t *testing.T, g *blobtest.Gateway) {
	t.Helper()
	list, err := g.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("anchors")})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		if _, err := g.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("anchors"), Key: o.Key}); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := g.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("anchors")}); err != nil || len(left.Contents) != 0 {
		t.Fatalf("%d anchors are still in sight, %v", len(left.Contents), err)
	}
}
