// Package blobtest holds every driver of the blob seam to the same promises, and
// has a bucket in memory for tests of what stands on it.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/blob"
)

// Exercise runs the suite. open opens a bucket that is empty and no other test's;
// called again with the same t it opens the same one.
func Exercise(t *testing.T, open func(t *testing.T) blob.Bucket) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, func(*testing.T) blob.Bucket)
	}{
		{"what is read is what was put", testRoundTrip},
		{"errors a caller decides on", testErrors},
		{"a listing is in byte order", testOrder},
		{"a listing begins after a key and ends when told to", testListing},
		{"a long listing is whole", testLong},
		{"create replaces nothing", testCreate},
		{"one of many creates wins", testRace},
		{"a body is whole while it is replaced", testWhole},
		{"bad keys and metadata are refused", testRefused},
		{"a context that has ended changes nothing", testCancelled},
		{"what was put is there after opening again", testReopen},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

func put(t *testing.T, b blob.Bucket, key, body string) {
	t.Helper()
	if err := b.Put(t.Context(), key, []byte(body), nil); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, b blob.Bucket, key string) string {
	t.Helper()
	body, _, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// keys are those a listing yields.
func keys(t *testing.T, b blob.Bucket, prefix, after string) []string {
	t.Helper()
	var list []string
	for o, err := range b.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o.Key)
	}
	return list
}

// Member is one member of a gzip stream: no driver may unpack it.
var member = []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x4a\x04\x04\x00\x00\xff\xff\x43\xbe\xb7\xe8\x01\x00\x00\x00")

func testRoundTrip(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	if b.Name() == "" {
		t.Error("the bucket has no name")
	}
	signature := map[string]string{"signature": strings.Repeat("0a", 256), "signature-algorithm": "SHA256withRSA"}
	for _, c := range []struct {
		key  string
		body []byte
		meta map[string]string
	}{
		{"AWSLogs/123456789012/CloudTrail/us-east-1/2026/11/23/123456789012_CloudTrail_us-east-1_20261123T1500Z_a1B2c3D4e5F6g7H8.json.gz", member, nil},
		{"AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/11/23/x.json.gz", member, signature},
		{"empty", nil, nil},
		{"spaces and ünïcode/+%2F?#&=~", []byte("x"), map[string]string{"note": "a b  c; d=\"e\""}},
		{"large", bytes.Repeat([]byte("0123456789abcdef"), 1<<16), nil},
	} {
		if err := b.Put(t.Context(), c.key, c.body, c.meta); err != nil {
			t.Errorf("Put(%s): %v", c.key, err)
			continue
		}
		body, meta, err := b.Get(t.Context(), c.key)
		want := c.meta
		if want == nil {
			want = map[string]string{}
		}
		if err != nil || !bytes.Equal(body, c.body) || !cmp.Equal(meta, want) {
			t.Errorf("Get(%s) = %d bytes, %v, %v; want the %d bytes and %v", c.key, len(body), meta, err, len(c.body), want)
		}
		for o, err := range b.List(t.Context(), c.key, "") {
			if err != nil || o.Key != c.key || o.Size != int64(len(c.body)) || time.Since(o.Modified).Abs() > time.Hour {
				t.Errorf("List(%s) yields %+v, %v", c.key, o, err)
			}
		}
	}
	// Replaced, also by less and with other metadata.
	for _, meta := range []map[string]string{signature, {"other": "1"}, nil} {
		if err := b.Put(t.Context(), "large", []byte("small"), meta); err != nil {
			t.Fatal(err)
		}
		body, got, err := b.Get(t.Context(), "large")
		if err != nil || string(body) != "small" || len(got) != len(meta) || got["other"] != meta["other"] {
			t.Errorf("replaced by metadata %v: Get = %q, %v, %v", meta, body, got, err)
		}
	}
}

func testErrors(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	if _, _, err := b.Get(t.Context(), "nothing"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Get of nothing in an empty bucket: %v, want ErrNotFound", err)
	}
	if list := keys(t, b, "", ""); len(list) != 0 {
		t.Errorf("an empty bucket lists %v", list)
	}
	if err := b.Delete(t.Context(), "nothing"); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	put(t, b, "dir/object", "x")
	for _, key := range []string{"nothing", "dir", "dir/object2", "dir/objec"} {
		if _, _, err := b.Get(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Get(%s): %v, want ErrNotFound", key, err)
		}
		if key == "dir" { // versitygw answers 500 to this where it keeps versions
			continue
		}
		if err := b.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%s): %v", key, err)
		}
	}
	if err := b.Delete(t.Context(), "dir/object"); err != nil {
		t.Error(err)
	}
	if _, _, err := b.Get(t.Context(), "dir/object"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Get of what was deleted: %v, want ErrNotFound", err)
	}
	if list := keys(t, b, "", ""); len(list) != 0 {
		t.Errorf("after Delete the bucket lists %v", list)
	}
}

// testOrder: a folder's place among the keys is that of its name with the slash.
func testOrder(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	all := []string{"a!", "a-b/x", "a.b", "a/b", "a/b.c", "a/b0/x", "a/é", "a0", "aa/x", "b", "À"}
	for _, i := range []int{5, 0, 10, 3, 7, 1, 9, 2, 8, 4, 6} {
		if err := b.Put(t.Context(), all[i], []byte("x"), map[string]string{"n": "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(all, keys(t, b, "", "")); diff != "" {
		t.Errorf("List differs from byte order (-want +got):\n%s", diff)
	}
	for _, prefix := range []string{"a", "a/", "a/b", "a/b0/", "a-", "À", "c"} {
		for _, after := range append([]string{"", "a/b0", "a/", "z"}, all...) {
			want := slices.DeleteFunc(slices.Clone(all), func(k string) bool { return !strings.HasPrefix(k, prefix) || k <= after })
			if got := keys(t, b, prefix, after); !slices.Equal(got, want) {
				t.Errorf("List(%q, after %q) = %q, want %q", prefix, after, got, want)
			}
		}
	}
}

func testListing(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	for i := range 9 {
		put(t, b, fmt.Sprintf("p/%d", i), "x")
	}
	seen := 0
	for _, err := range b.List(t.Context(), "p/", "p/2") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("a listing that is left after 3 yields %d", seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range b.List(ctx, "", "") {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("a listing in a context that has ended ends with %v", last)
	}
}

// testLong is longer than one page of S3.
func testLong(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	const n = 1010
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < n; i += 8 {
				if err := b.Put(t.Context(), fmt.Sprintf("d%d/%04d", i/100, i), []byte("x"), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	list := keys(t, b, "", "")
	if len(list) != n || !slices.IsSorted(list) {
		t.Errorf("List yields %d keys, sorted %t; want %d", len(list), slices.IsSorted(list), n)
	}
	if rest := keys(t, b, "", "d9/0900"); len(rest) != 99 {
		t.Errorf("List after d9/0900 yields %d keys", len(rest))
	}
}

func creator(t *testing.T, b blob.Bucket) blob.Creator {
	t.Helper()
	c, ok := b.(blob.Creator)
	if !ok {
		t.Fatalf("%T is not a blob.Creator", b)
	}
	return c
}

func testCreate(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	c := creator(t, b)
	if err := c.Create(t.Context(), "a/b", []byte("first"), map[string]string{"n": "1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), "a/b", []byte("second"), map[string]string{"n": "2"}); !errors.Is(err, blob.ErrExists) {
		t.Errorf("a second Create: %v, want ErrExists", err)
	}
	body, meta, err := b.Get(t.Context(), "a/b")
	if err != nil || string(body) != "first" || meta["n"] != "1" {
		t.Errorf("after it Get = %q, %v, %v", body, meta, err)
	}
}

func testRace(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	other := open(t) // as another process would
	var won []string
	var mu sync.Mutex // guards won
	var wg sync.WaitGroup
	for i := range 8 {
		c := creator(t, []blob.Bucket{b, other}[i%2])
		wg.Go(func() {
			body := fmt.Sprint(i)
			switch err := c.Create(t.Context(), "one", []byte(body), nil); {
			case err == nil:
				mu.Lock()
				won = append(won, body)
				mu.Unlock()
			case !errors.Is(err, blob.ErrExists):
				t.Errorf("Create beside others: %v, want ErrExists", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 || get(t, b, "one") != won[0] {
		t.Errorf("%v won, and the object is %q", won, get(t, b, "one"))
	}
}

func testWhole(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	body := func(i int) string { return strings.Repeat(fmt.Sprint(i%10), 64<<10) }
	put(t, b, "k", body(0))
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for i := range 20 {
			if err := b.Put(t.Context(), "k", []byte(body(i)), nil); err != nil {
				t.Error(err)
			}
		}
	})
	for range 20 {
		got, _, err := b.Get(t.Context(), "k")
		if err != nil || len(got) != 64<<10 || strings.Trim(string(got), string(got[:1])) != "" {
			t.Fatalf("Get beside Put: %d bytes, %v; want one of the bodies, whole", len(got), err)
		}
	}
}

func testRefused(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	put(t, b, "a/b", "x")
	for _, key := range []string{
		"", "/a", "a/", "a//b", ".", "..", "a/../b", "a/..", "./a", "a/./b", "a\x00b", "a\nb", "a\x7fb", "a\\b", "a\xffb",
		"a.meta.json", "a/b.meta.json", ".tmp-x", "a/.tmp-x", strings.Repeat("k", 1025), strings.Repeat("k", 250),
	} {
		if err := b.Put(t.Context(), key, []byte("x"), nil); err == nil {
			t.Errorf("Put takes the key %.40q", key)
		}
		if err := creator(t, b).Create(t.Context(), key, []byte("x"), nil); err == nil || errors.Is(err, blob.ErrExists) {
			t.Errorf("Create of the key %.40q: %v", key, err)
		}
		if _, _, err := b.Get(t.Context(), key); err == nil || errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Get of the key %.40q: %v, want it refused", key, err)
		}
		if err := b.Delete(t.Context(), key); err == nil {
			t.Errorf("Delete takes the key %.40q", key)
		}
	}
	for _, meta := range []map[string]string{
		{"": "x"}, {"Signature": "x"}, {"a b": "x"}, {"a": "x\n"}, {"a": " x"}, {"a": "é"}, {"a": "x\x00"}, {"a": strings.Repeat("x", 2048)},
	} {
		if err := b.Put(t.Context(), "m", []byte("x"), meta); err == nil {
			t.Errorf("Put takes metadata %.60q", fmt.Sprint(meta))
		}
	}
	if got := keys(t, b, "", ""); !slices.Equal(got, []string{"a/b"}) {
		t.Errorf("after what was refused the bucket lists %q", got)
	}
}

func testCancelled(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	put(t, b, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ctx, "a", []byte("y"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want context.Canceled", err)
	}
	if err := b.Delete(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete: %v, want context.Canceled", err)
	}
	if _, _, err := b.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v, want context.Canceled", err)
	}
	if got := get(t, b, "a"); got != "x" {
		t.Errorf("the object is now %q", got)
	}
}

func testReopen(t *testing.T, open func(*testing.T) blob.Bucket) {
	b := open(t)
	if err := b.Put(t.Context(), "a/b", []byte("x"), map[string]string{"n": "1"}); err != nil {
		t.Fatal(err)
	}
	body, meta, err := open(t).Get(t.Context(), "a/b")
	if err != nil || string(body) != "x" || meta["n"] != "1" {
		t.Errorf("Get = %q, %v, %v", body, meta, err)
	}
}
