package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
	"github.com/trailgate/trailgate/internal/state/statetest"
)

// childEnv names the file the re-executed test binary commits rows to.
const childEnv = "TRAILGATE_TEST_STATE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := commitForever(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// commitForever commits row after row and names each on stdout once Update has
// returned, until it is killed.
func commitForever(path string) error {
	s, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		err := s.Update(context.Background(), func(tx state.Tx) error {
			name := strconv.Itoa(i)
			return errors.Join(tx.Roles().Create(state.Role{Name: name}), tx.Cursors().Put(state.Cursor{Name: "n", Seq: uint64(i)}))
		})
		if err != nil {
			return err
		}
		fmt.Println(i)
	}
}

func TestConformance(t *testing.T) {
	dirs := map[*testing.T]string{}
	statetest.Exercise(t, func(t *testing.T) state.Store {
		if dirs[t] == "" {
			dirs[t] = t.TempDir()
		}
		return open(t, filepath.Join(dirs[t], "state.db"))
	})
}

func open(t *testing.T, path string) state.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Promise 2 rests on it: what Update acknowledged is there after kill -9.
func TestAcknowledgedRowsSurviveKill(t *testing.T) {
	for round := range 3 {
		path := filepath.Join(t.TempDir(), "state.db")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := -1
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if acked, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatalf("the child printed %q", lines.Text())
			}
			if acked == 15+10*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if acked < 15+10*round {
			t.Fatalf("the child stopped after row %d by itself: %s", acked, &stderr)
		}
		s := open(t, path)
		err = s.View(t.Context(), func(tx state.Tx) error {
			for i := range acked + 1 {
				if _, err := tx.Roles().Get(strconv.Itoa(i)); err != nil {
					t.Errorf("acknowledged row %d of %d is gone: %v", i, acked, err)
				}
			}
			all, err := tx.Roles().List()
			if err != nil {
				return err
			}
			c, err := tx.Cursors().Get("n")
			if int(c.Seq) != len(all)-1 {
				t.Errorf("half a transaction: %d rows, cursor at %d", len(all), c.Seq)
			}
			return err
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "state.db")
	s := open(t, whole)
	for i := range 200 {
		err := s.Update(t.Context(), func(tx state.Tx) error {
			return tx.Roles().Create(state.Role{Name: fmt.Sprintf("role%03d", i), ARN: strings.Repeat("x", 100)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // checkpoints the WAL into the file
		t.Fatal(err)
	}
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"another format", func([]byte) []byte { return []byte(strings.Repeat("not a database\n", 100)) }},
		{"header overwritten", func(b []byte) []byte { copy(b, "garbage!garbage!"); return b }},
		{"cut in half", func(b []byte) []byte { return b[:len(b)/2] }},
		{"pages overwritten", func(b []byte) []byte {
			for i := 4096; i < len(b); i++ {
				b[i] = 0xA5
			}
			return b
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, c.damage(bytes.Clone(data)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := sqlite.Open(t.Context(), path)
			if err == nil {
				s.Close()
				t.Fatal("a damaged file was opened")
			}
			if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), path) {
				t.Errorf("error = %q, want ErrDamaged with the file's path", err)
			}
		})
	}
}

func TestRowThatIsNotJSONIsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	defer s.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO roles VALUES ('ops', '{')"); err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(tx state.Tx) error { _, err := tx.Roles().List(); return err })
	if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), `role "ops"`) {
		t.Errorf("error = %v, want ErrDamaged naming the row", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("Open = %v, want a refusal that says the schema is newer", err)
	}
}

func TestFileIsPrivateWhateverItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a state? 100%.db")
	s := open(t, path)
	defer s.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("state.db has mode %v, want 0600", info.Mode().Perm())
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "state.db")); err == nil {
		t.Error("Open in a missing directory succeeded")
	}
}

func BenchmarkUpdate(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Update(b.Context(), func(tx state.Tx) error { return tx.Cursors().Put(state.Cursor{Name: "n"}) }); err != nil {
			b.Fatal(err)
		}
	}
}
