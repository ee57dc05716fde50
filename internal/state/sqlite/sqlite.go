// Package sqlite keeps state in one SQLite file, state.db.
//
// The file is in WAL mode with synchronous=FULL, so an Update that returned nil
// survives a kill and a power cut. One connection writes, so updates are
// serialised; views read snapshots beside it and never wait for it. The schema
// is made and kept current by the migrations embedded here.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/trailgate/trailgate/internal/state"
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers bounds the connections views use at once; a view beyond it waits.
const readers = 8

// store is a state.Store on one file.
type store struct {
	path   string
	writer *sql.DB // one connection: what serialises updates
	reader *sql.DB // query_only
}

// Open opens the store at path, makes it when it is missing (mode 0600, in an
// existing directory) and migrates it. A file that is damaged or is not ours is
// refused with state.ErrDamaged; one that a newer Trailgate wrote is refused.
func Open(ctx context.Context, path string) (state.Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, damage(err))
	}
	return s, nil
}

func open(ctx context.Context, path string) (*store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// SQLite would make the file with the umask's mode; it holds TOTP secrets.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), syncDir(filepath.Dir(abs))); err != nil {
		return nil, err
	}
	s := &store{path: path}
	if s.writer, err = sql.Open("sqlite", dsn(abs, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)")); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if err := prepare(ctx, s.writer); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if s.reader, err = sql.Open("sqlite", dsn(abs, "_query_only=1")); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s, nil
}

// syncDir makes the name of a new file durable; SQLite does so for its own
// files only.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// dsn is the driver's name for the file at abs. Another process may hold the
// file for a moment (a command that reads while no server runs), so wait 5 s.
func dsn(abs string, params ...string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: abs}
	u.RawQuery = strings.Join(append([]string{"_pragma=busy_timeout(5000)"}, params...), "&")
	return u.String()
}

// prepare checks that the file is whole and brings its schema up to date.
func prepare(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the file: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: check the file: %s", state.ErrDamaged, verdict)
	}
	scripts, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(fmt.Sprintf("sqlite: embedded migrations: %v", err))
	}
	// Its own registry: goose's global one belongs to whoever else uses goose.
	p, err := goose.NewProvider(goose.DialectSQLite3, db, scripts, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, newest, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > newest {
		return fmt.Errorf("schema version %d is newer than this Trailgate's %d: run the Trailgate that wrote it, or a newer one", current, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema version %d: %w", current, err)
	}
	return nil
}

// damage marks errors that mean the file itself cannot be trusted.
func damage(err error) error {
	var e *driver.Error
	if errors.As(err, &e) && !errors.Is(err, state.ErrDamaged) {
		switch e.Code() & 0xff { // the low byte is the primary result code
		case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
			return fmt.Errorf("%w: %w", state.ErrDamaged, err)
		}
	}
	return err
}

// View implements state.Store.
func (s *store) View(ctx context.Context, fn func(state.Tx) error) error {
	return s.within(ctx, s.reader, fn)
}

// Update implements state.Store.
func (s *store) Update(ctx context.Context, fn func(state.Tx) error) error {
	return s.within(ctx, s.writer, fn)
}

// within calls fn in a transaction of db, which commits when fn returns nil and
// is rolled back otherwise, also when fn panics.
func (s *store) within(ctx context.Context, db *sql.DB, fn func(state.Tx) error) (err error) {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction on state %s: %w", s.path, damage(err))
	}
	committed := false
	defer func() {
		if !committed {
			// The error that led here says more than a failed rollback would:
			// the driver drops the connection, and with it the transaction.
			_ = t.Rollback()
		}
	}()
	if err := fn(tx{ctx, t}); err != nil {
		return damage(err)
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit to state %s: %w", s.path, damage(err))
	}
	committed = true
	return nil
}

// Close implements state.Store.
func (s *store) Close() error {
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return fmt.Errorf("close state %s: %w", s.path, err)
	}
	return nil
}
