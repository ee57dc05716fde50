package runbook

import (
	"container/list"
	"slices"
	"time"
)

// Limits bound the memory of a Window.
type Limits struct {
	Keys    int // keys with matches inside the window
	Matches int // matches inside the window, of all keys
	Each    int // matches of one key beyond its threshold; older ones are only not counted
}

// DefaultLimits are about 100 MB in the worst case.
var DefaultLimits = Limits{Keys: 50_000, Matches: 500_000, Each: 1_000}

// Window holds the matches of a live runbook that are still inside its window,
// by key, so that it can be evaluated at any event in the time it takes to look
// at the keys that changed. It finds what Evaluate finds.
//
// Its memory is bounded. When it must let a key go that still had matches, that
// key's next alarm may come late or not at all: Lost says since when, and the
// caller owes the trail a DetectGap.
type Window struct {
	rb     *Runbook
	limits Limits
	keys   map[string]*series
	idle   *list.List         // of *series, the longest without a match first
	ready  map[string]*series // over the threshold, with matches not yet found
	total  int
	order  uint64
	lost   Lost
}

// Lost is what a window had to let go.
type Lost struct {
	Keys        int
	First, Last time.Time // appendTime of the matches let go
}

// series is the matches of one key.
type series struct {
	key    string
	marks  []mark // by time
	newest map[string]string
	order  uint64 // when it became ready
	place  *list.Element
}

type mark struct {
	at time.Time
	id string
}

// NewWindow makes an empty window.
func NewWindow(rb *Runbook, limits Limits) *Window {
	return &Window{rb: rb, limits: limits, keys: map[string]*series{}, idle: list.New(), ready: map[string]*series{}}
}

// Add takes a match in. Matches come in the order of their appendTime.
func (w *Window) Add(m Match) {
	w.expire(m.At)
	s := w.keys[m.Key]
	if s == nil {
		for len(w.keys) >= w.limits.Keys {
			w.evict()
		}
		s = &series{key: m.Key}
		s.place = w.idle.PushBack(s)
		w.keys[m.Key] = s
	} else {
		w.idle.MoveToBack(s.place)
		w.trim(s, m.At)
	}
	s.marks = append(s.marks, mark{m.At, m.EventID})
	s.newest = m.Fields
	w.total++
	if most := w.rb.Threshold + w.limits.Each; len(s.marks) > most {
		w.total -= len(s.marks) - most
		s.marks = slices.Delete(s.marks, 0, len(s.marks)-most)
	}
	if len(s.marks) >= w.rb.Threshold && w.ready[m.Key] == nil {
		w.order++
		s.order = w.order
		w.ready[m.Key] = s
	}
	for w.total > w.limits.Matches && len(w.keys) > 1 {
		w.evict()
	}
}

// Find gives the keys over their threshold at the time now that had a match
// since they were last found, in the order in which they got there.
func (w *Window) Find(now time.Time) []Finding {
	if len(w.ready) == 0 {
		return nil
	}
	due := make([]*series, 0, len(w.ready))
	for _, s := range w.ready {
		due = append(due, s)
	}
	slices.SortFunc(due, func(a, b *series) int { return compareSeq(a.order, b.order) })
	var found []Finding
	for _, s := range due {
		delete(w.ready, s.key)
		if f, ok := w.find(s, now); ok {
			found = append(found, f)
		}
	}
	return found
}

// Key is the finding of one key at the time now, if it is over its threshold.
func (w *Window) Key(key string, now time.Time) (Finding, bool) {
	s := w.keys[key]
	if s == nil {
		return Finding{}, false
	}
	return w.find(s, now)
}

// Forget drops the matches of a key up to a time: they were answered.
func (w *Window) Forget(key string, upTo time.Time) {
	s := w.keys[key]
	if s == nil {
		return
	}
	n := 0
	for n < len(s.marks) && !s.marks[n].at.After(upTo) {
		n++
	}
	w.drop(s, n)
}

// Lost takes what the window had to let go since it was last asked.
func (w *Window) Lost() (Lost, bool) {
	l := w.lost
	w.lost = Lost{}
	return l, l.Keys > 0
}

func (w *Window) find(s *series, now time.Time) (Finding, bool) {
	start := now.Add(-w.rb.Window)
	i := 0
	for i < len(s.marks) && !s.marks[i].at.After(start) {
		i++
	}
	in := s.marks[i:]
	if len(in) < w.rb.Threshold {
		return Finding{}, false
	}
	f := Finding{Key: s.key, At: now, Matches: len(in), Newest: in[len(in)-1].at, Fields: s.newest}
	for _, m := range in[max(0, len(in)-w.rb.shown):] {
		if m.id != "" {
			f.EventIDs = append(f.EventIDs, m.id)
		}
	}
	return f, true
}

// expire drops the keys whose newest match has left the window.
func (w *Window) expire(now time.Time) {
	start := now.Add(-w.rb.Window)
	for e := w.idle.Front(); e != nil; e = w.idle.Front() {
		s := e.Value.(*series)
		if len(s.marks) > 0 && s.marks[len(s.marks)-1].at.After(start) {
			return
		}
		w.remove(s)
	}
}

// trim drops the matches of one key that have left the window.
func (w *Window) trim(s *series, now time.Time) {
	start := now.Add(-w.rb.Window)
	n := 0
	for n < len(s.marks) && !s.marks[n].at.After(start) {
		n++
	}
	if n > 0 && n*2 >= len(s.marks) { // now and then, so that it costs one move a match
		w.total -= n
		s.marks = slices.Delete(s.marks, 0, n)
	}
}

func (w *Window) drop(s *series, n int) {
	if n == len(s.marks) {
		w.remove(s)
		return
	}
	w.total -= n
	s.marks = slices.Delete(s.marks, 0, n)
	if len(s.marks) < w.rb.Threshold {
		delete(w.ready, s.key)
	}
}

func (w *Window) remove(s *series) {
	w.total -= len(s.marks)
	w.idle.Remove(s.place)
	delete(w.keys, s.key)
	delete(w.ready, s.key)
}

// evict lets the key go that has had no match for longest.
func (w *Window) evict() {
	s := w.idle.Front().Value.(*series)
	first, last := s.marks[0].at, s.marks[len(s.marks)-1].at
	if w.lost.Keys == 0 || first.Before(w.lost.First) {
		w.lost.First = first
	}
	if last.After(w.lost.Last) {
		w.lost.Last = last
	}
	w.lost.Keys++
	w.remove(s)
}
