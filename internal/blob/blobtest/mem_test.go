package blobtest

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/trailgate/trailgate/internal/blob"
)

func TestMem(t *testing.T) {
	var mu sync.Mutex // guards buckets
	buckets := map[*testing.T]*Mem{}
	Exercise(t, func(t *testing.T) blob.Bucket {
		mu.Lock()
		defer mu.Unlock()
		if buckets[t] == nil {
			buckets[t] = NewMem("memory")
		}
		return buckets[t]
	})
}

func TestFaultsAreWhereTheyAreTold(t *testing.T) {
	m := NewMem("memory")
	boom := errors.New("boom")
	m.FailNth(2, boom)
	put(t, m, "a", "1")
	if err := m.Put(t.Context(), "a", []byte("2"), nil); !errors.Is(err, boom) || get(t, m, "a") != "1" {
		t.Errorf("the second call: %v, the object %q; want it failed without effect", err, get(t, m, "a"))
	}
	m.Before(nil)
	m.After(func(Call) error { return boom })
	if err := m.Put(t.Context(), "a", []byte("3"), nil); !errors.Is(err, boom) || get(t, m, "a") != "3" {
		t.Errorf("a call that fails after the fact: %v, the object %q; want both", err, get(t, m, "a"))
	}
}

func TestSnapshotStays(t *testing.T) {
	m := NewMem("memory")
	put(t, m, "a", "1")
	s := m.Snapshot()
	put(t, m, "a", "2")
	put(t, m, "b", "2")
	if got := get(t, s, "a"); got != "1" {
		t.Errorf("the snapshot has %q", got)
	}
	m.Restore(s)
	if !slices.Equal(m.Keys(), []string{"a"}) || get(t, m, "a") != "1" {
		t.Errorf("after Restore the bucket has %v, a is %q", m.Keys(), get(t, m, "a"))
	}
}
