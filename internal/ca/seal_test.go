package ca

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSealedSecretsOpenForTheirUseOnly(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSealer(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed := s.Seal("access key A", "secret")
	if strings.Contains(sealed, "secret") || !s.Sealed(sealed) || s.Sealed("secret") || sealed == s.Seal("access key A", "secret") {
		t.Errorf("Seal = %q", sealed)
	}
	again, err := OpenSealer(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open("access key A", sealed); got != "secret" || err != nil {
		t.Errorf("Open after a restart = %q, %v", got, err)
	}
	other, err := OpenSealer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (string, error){
		"another row": func() (string, error) { return s.Open("access key B", sealed) },
		"another key": func() (string, error) { return other.Open("access key A", sealed) },
		"plain text":  func() (string, error) { return s.Open("access key A", "secret") },
		"cut":         func() (string, error) { return s.Open("access key A", sealed[:len(sealed)-8]) },
		"empty":       func() (string, error) { return s.Open("access key A", sealedPrefix) },
	} {
		if got, err := open(); !errors.Is(err, ErrNotOpened) {
			t.Errorf("%s: Open = %q, %v, want ErrNotOpened", name, got, err)
		}
	}
}

func TestSealingKeyIsPrivate(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenSealer(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SealFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the sealing key has mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealer(dir); !errors.Is(err, ErrNotPrivate) {
		t.Errorf("OpenSealer of a key others may read = %v", err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealer(dir); err == nil {
		t.Error("OpenSealer took a key that is none")
	}
}
