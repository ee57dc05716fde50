package fs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
)

func open(t *testing.T, dir string) *Bucket {
	t.Helper()
	b := Open(dir, "trailgate-123456789012-us-east-1")
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBucket(t *testing.T) {
	var mu sync.Mutex // guards dirs
	dirs := map[*testing.T]string{}
	blobtest.Exercise(t, func(t *testing.T) blob.Bucket {
		mu.Lock()
		defer mu.Unlock()
		if dirs[t] == "" {
			dirs[t] = filepath.Join(t.TempDir(), "not", "there", "yet")
		}
		return open(t, dirs[t])
	})
}

// TestFilesLieAsTheirKeysSay: whoever copies the directory has the bucket.
func TestFilesLieAsTheirKeysSay(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if err := b.Put(t.Context(), "AWSLogs/a/x.json.gz", []byte("body"), map[string]string{"signature": "0a"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"AWSLogs/a/x.json.gz": "body", "AWSLogs/a/x.json.gz.meta.json": "{\n  \"signature\": \"0a\"\n}\n"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want the owner's alone", name, info.Mode(), err)
		}
	}
}

// TestAPipeIsDamage: whoever may write the directory cannot have a verification
// wait for ever.
func TestAPipeIsDamage(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "k"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, dir).Get(t.Context(), "k"); !errors.Is(err, blob.ErrDamaged) {
		t.Errorf("Get of a pipe: %v, want ErrDamaged", err)
	}
}

// TestWhatACrashLeftIsNoObject: it is not listed, and a later Put removes it.
func TestWhatACrashLeftIsNoObject(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	temp := filepath.Join(dir, tempDir)
	if err := os.MkdirAll(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dead", "living"} {
		if err := os.WriteFile(filepath.Join(temp, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	living, err := os.Open(filepath.Join(temp, "living"))
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	if err := syscall.Flock(int(living.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	// Metadata without its object: the crash came between the two.
	if err := os.WriteFile(filepath.Join(dir, "k.meta.json"), []byte(`{"n":"1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for o, err := range b.List(t.Context(), "", "") {
		t.Errorf("List yields %q, %v", o.Key, err)
	}
	if _, _, err := b.Get(t.Context(), "k"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Get: %v, want ErrNotFound", err)
	}
	if err := b.Put(t.Context(), "k", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if _, meta, err := b.Get(t.Context(), "k"); err != nil || len(meta) != 0 {
		t.Errorf("Get = %v, %v; want no metadata of the Put that died", meta, err)
	}
	left, err := os.ReadDir(temp)
	names := []string{}
	for _, e := range left {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, []string{"living"}) {
		t.Errorf("after a Put %s holds %v, %v; want what another process is still writing", tempDir, names, err)
	}
}

// TestNothingIsLeftOnceAllAreDone: whoever closes last takes the directory of
// temporary files away, and it is made again for whoever goes on.
func TestNothingIsLeftOnceAllAreDone(t *testing.T) {
	dir := t.TempDir()
	one, other := open(t, dir), open(t, dir)
	for i, step := range []func() error{
		func() error { return one.Put(t.Context(), "a", []byte("x"), nil) },
		func() error { return other.Put(t.Context(), "b", []byte("x"), nil) },
		one.Close,
		func() error { return other.Put(t.Context(), "c", []byte("x"), nil) },
		other.Close,
	} {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("left are %v, %v; want the three objects", left, err)
	}
}

func TestDamageIsSaid(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if err := b.Put(t.Context(), "k", []byte("x"), map[string]string{"n": "1"}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "[]", `{"n":1}`, `{"n":"1"`, `{"n":"1"}`, "{\n  \"n\": \"2\",\n  \"n\": \"1\"\n}\n"} {
		if err := os.WriteFile(filepath.Join(dir, "k.meta.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.Get(t.Context(), "k"); !errors.Is(err, blob.ErrDamaged) {
			t.Errorf("with the metadata file %q: %v, want ErrDamaged", text, err)
		}
	}
}

// TestLinksLeadNowhereElse: a link in the directory cannot make the bucket read
// or replace a file outside.
func TestLinksLeadNowhereElse(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	for name, to := range map[string]string{"file": secret, "folder": outside} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"file", "folder/secret"} {
		if body, _, err := b.Get(t.Context(), key); err == nil {
			t.Errorf("Get(%s) = %q", key, body)
		}
	}
	_ = b.Put(t.Context(), "folder/secret", []byte("changed"), nil)
	_ = b.Put(t.Context(), "file", []byte("changed"), nil)
	_ = b.Delete(t.Context(), "folder/secret")
	if got, err := os.ReadFile(secret); err != nil || string(got) != "secret" {
		t.Errorf("the file outside is now %q, %v", got, err)
	}
}

func TestNothingBelowAnObject(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.Put(t.Context(), "a", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "a/b", []byte("x"), nil); err == nil {
		t.Error("Put puts an object below another, which a directory cannot hold")
	}
	if err := b.Put(t.Context(), "dir/b", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "dir"); err != nil {
		t.Errorf("Delete of a folder, which is no object: %v", err)
	}
	if body, _, err := b.Get(t.Context(), "dir/b"); err != nil || string(body) != "x" {
		t.Errorf("after it Get = %q, %v", body, err)
	}
}
