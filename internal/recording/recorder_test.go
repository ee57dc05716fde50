package recording

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const session = "0192f3aa-0000-7000-8000-000000000001"

// memory is a file that fails at its n-th write, or syncs with an error.
type memory struct {
	bytes.Buffer
	failAt, writes int
	syncErr        error
	synced, closed bool
}

var errDisk = errors.New("no space left on device")

func (m *memory) Write(p []byte) (int, error) {
	m.writes++
	if m.writes == m.failAt {
		m.Buffer.Write(p[:len(p)/2])
		return len(p) / 2, errDisk
	}
	return m.Buffer.Write(p)
}

func (m *memory) Sync() error  { m.synced = true; return m.syncErr }
func (m *memory) Close() error { m.closed = true; return nil }

func begun(t testing.TB, m *memory) *Recorder {
	t.Helper()
	r, err := begin(m, Meta{Session: session, Identity: "alice", Login: "root", Target: "web1"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func channel(t testing.TB, r *Recorder, b Began) *Channel {
	t.Helper()
	c, err := r.Channel(1, b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readAll is the frames of a recording as text, and how it ended.
func readAll(p []byte) (frames []string, output string, err error) {
	r, err := NewReader(bytes.NewReader(p))
	if err != nil {
		return nil, "", err
	}
	for {
		f, err := r.Next()
		if err != nil {
			return frames, output, err
		}
		if f.Kind == Stdout {
			output += string(f.Bytes)
		}
		frames = append(frames, string(rune(f.Kind))+" "+string(f.Bytes))
	}
}

func TestWhatWasRecordedIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	r, err := Open(dir, session, Meta{Identity: "alice", Login: "root", Target: "web1"})
	if err != nil {
		t.Fatal(err)
	}
	c := channel(t, r, Began{Kind: "shell", Terminal: true, Term: "xterm", Columns: 80, Rows: 24})
	for _, step := range []error{
		c.Stdout([]byte("$ ")), c.Input([]byte("ls\r")), c.Stdout([]byte("ls\r\n")), c.Stderr([]byte("oops")),
		c.Resize(100, 30), c.End(Totals{Stdout: 6}),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	sealed, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, session+".tgr"))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != sealed.Bytes {
		t.Errorf("file is %v of %d bytes, want 0600 of %d (%v)", info.Mode(), info.Size(), sealed.Bytes, err)
	}
	got, err := Verify(dir, session)
	if err != nil || got != sealed {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, sealed)
	}
	p, _ := os.ReadFile(filepath.Join(dir, session+".tgr"))
	frames, _, err := readAll(p)
	want := []string{
		`s {"kind":"shell","terminal":true,"term":"xterm","columns":80,"rows":24}`,
		"o $ ", "i ls\r", "o ls\r\n", "e oops", "r 100x30", `x {"stdout":6,"stderr":0}`,
	}
	if d := cmp.Diff(want, frames); d != "" || err != io.EOF {
		t.Errorf("frames (-want +got), end %v:\n%s", err, d)
	}
	if _, err := Open(dir, session, Meta{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("second Open = %v, want it refused", err)
	}
	if list, err := List(dir); err != nil || len(list) != 1 || list[0] != session {
		t.Errorf("List = %v, %v", list, err)
	}
	for _, bad := range []string{"", "../x", "a/b", ".hidden", strings.Repeat("a", 65)} {
		if _, err := Open(dir, bad, Meta{}); err == nil {
			t.Errorf("Open(%q) made a file", bad)
		}
	}
}

// busy is a recording of many chunks.
func busy(t testing.TB, m *memory) (output string) {
	r := begun(t, m)
	c := channel(t, r, Began{Kind: "shell", Terminal: true})
	var all strings.Builder
	for i := range 26 {
		p := bytes.Repeat([]byte{byte('a' + i%26), byte(i)}, 3000)
		all.Write(p)
		if err := c.Stdout(p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// A crash leaves any prefix of the file: what it holds in whole chunks is
// read, and it is never taken for finished.
func TestEveryPrefixIsReadable(t *testing.T) {
	var m memory
	want := busy(t, &m)
	file := m.Bytes()
	seen := map[int]bool{}
	for n := range len(file) {
		_, out, err := readAll(file[:n])
		if !errors.Is(err, ErrUnfinished) {
			t.Fatalf("prefix of %d bytes ends with %v", n, err)
		}
		if !strings.HasPrefix(want, out) {
			t.Fatalf("prefix of %d bytes shows what was not recorded", n)
		}
		seen[len(out)] = true
	}
	if len(seen) < 3 {
		t.Errorf("prefixes show only %d different lengths: chunks are not written", len(seen))
	}
	if _, out, err := readAll(file); err != io.EOF || out != want {
		t.Errorf("whole file ends with %v", err)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	var m memory
	busy(t, &m)
	file := bytes.Clone(m.Bytes())
	for i := range file {
		file[i] ^= 0x40
		if _, _, err := readAll(file); err == io.EOF {
			t.Fatalf("byte %d of %d changed, and nobody saw", i, len(file))
		}
		file[i] ^= 0x40
	}
	if _, _, err := readAll(append(bytes.Clone(file), 'x')); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte after the end: %v", err)
	}
}

func TestExecIsCutAtItsLimit(t *testing.T) {
	var m memory
	r := begun(t, &m)
	c := channel(t, r, Began{Kind: "exec", Command: "cat big", Limit: 100_000})
	for range 10 {
		if err := c.Stdout(bytes.Repeat([]byte("x"), 30_000)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	frames, out, _ := readAll(m.Bytes())
	if len(out) != 100_000 || frames[len(frames)-1] != "c " {
		t.Errorf("kept %d bytes, last frame %q, want 100,000 and the cut", len(out), frames[len(frames)-1])
	}
	if ch, _ := begun(t, &memory{}).Channel(2, Began{Kind: "exec"}); ch.limit != ExecLimit {
		t.Errorf("an exec without a terminal keeps %d, want %d", ch.limit, ExecLimit)
	}
}

// Whichever write fails, the recorder says so from then on, and tells who
// asked to know.
func TestFailingWriteIsAnError(t *testing.T) {
	for n := 2; n <= 5; n++ {
		m := &memory{failAt: n}
		r := begun(t, m)
		told := make(chan error, 1)
		r.OnFault(func(err error) { told <- err })
		c, err := r.Channel(1, Began{Kind: "shell", Terminal: true})
		for i := 0; err == nil && i < 100; i++ {
			err = c.Stdout(bytes.Repeat([]byte("x"), 20_000))
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("write %d failed, and output went on: %v", n, err)
		}
		if err := <-told; !errors.Is(err, errDisk) {
			t.Errorf("OnFault got %v", err)
		}
		if err := c.Resize(1, 1); !errors.Is(err, errDisk) {
			t.Errorf("after the fault Resize = %v", err)
		}
		if _, err := r.Close(); !errors.Is(err, errDisk) {
			t.Errorf("after the fault Close = %v", err)
		}
		if !m.closed {
			t.Error("file is left open")
		}
		if _, _, err := readAll(m.Bytes()); !errors.Is(err, ErrUnfinished) {
			t.Errorf("what is left ends with %v, want unfinished", err)
		}
	}
	r := begun(t, &memory{syncErr: errDisk})
	if _, err := r.Close(); !errors.Is(err, errDisk) {
		t.Errorf("Close with a failing sync = %v", err)
	}
}

func TestQuietOutputIsWrittenEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memory
		r := begun(t, &m)
		c := channel(t, r, Began{Kind: "shell", Terminal: true})
		if err := c.Stdout([]byte("$ ")); err != nil {
			t.Fatal(err)
		}
		shown := func() (string, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			_, out, err := readAll(m.Bytes())
			return out, err
		}
		if out, _ := shown(); out != "" {
			t.Fatal("written at once: every keystroke would be a chunk")
		}
		time.Sleep(flushEvery) // the bubble's clock: no waiting
		synctest.Wait()
		if out, err := shown(); out != "$ " || !errors.Is(err, ErrUnfinished) {
			t.Errorf("after a second the file shows %q, %v", out, err)
		}
		r.mu.Lock()
		if r.buf != nil {
			t.Error("an idle recorder holds a buffer")
		}
		r.mu.Unlock()
		r.Close()
		if err := c.Stdout([]byte("late")); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// An idle recording costs a session at most 8 KiB.
func TestIdleRecorderIsSmall(t *testing.T) {
	const n = 400
	all := make([]*Recorder, 0, n)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc + s.StackInuse
	}
	before := heap()
	for range n {
		r := begun(t, &memory{})
		channel(t, r, Began{Kind: "shell", Terminal: true}).Stdout([]byte("$ "))
		r.mu.Lock()
		r.flush()
		r.mu.Unlock()
		all = append(all, r)
	}
	if each := int64(heap()-before) / n; each > 8<<10 {
		t.Errorf("an idle recorder holds %d bytes, want at most 8 KiB", each)
	}
	for _, r := range all {
		r.Close()
	}
}

func FuzzReader(f *testing.F) {
	var m memory
	r := begun(f, &m)
	c := channel(f, r, Began{Kind: "shell", Terminal: true})
	c.Stdout([]byte("hello"))
	r.Close()
	f.Add(m.Bytes())
	f.Add(m.Bytes()[:len(m.Bytes())-5])
	f.Add([]byte("TGREC"))
	f.Fuzz(func(t *testing.T, p []byte) {
		readAll(p)
		if r, err := NewReader(bytes.NewReader(p)); err == nil {
			r.Export(io.Discard, "asciicast", 0)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, Frame{Stdout, 1, time.Second, []byte("x")}))
	f.Fuzz(func(t *testing.T, p []byte) {
		got, rest, err := cutFrame(p)
		if err != nil {
			return
		}
		again, _, err := cutFrame(appendFrame(nil, got))
		if d := cmp.Diff(got, again); d != "" || err != nil || len(rest) > len(p) {
			t.Errorf("frame %+v reads back as %+v, %v", got, again, err)
		}
	})
}
