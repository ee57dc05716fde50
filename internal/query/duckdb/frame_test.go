package duckdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
)

var sampleCells = []any{
	nil, true, false, int64(math.MinInt64), int64(7), 0.5, math.Inf(1), "", "text \x00 é",
	time.Date(2026, 11, 20, 1, 2, 3, 456789000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
	map[string]any{"b": int64(1), "a": map[string]any{}}, []any{nil, "x", []any{}},
}

func TestCellsSurviveTheWire(t *testing.T) {
	var b []byte
	for range 3 {
		for _, c := range sampleCells {
			b = appendCell(b, c)
		}
	}
	rows, err := decodeRows(b, len(sampleCells))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{sampleCells, sampleCells, sampleCells}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for i := range b {
		if _, err := decodeRows(b[:i], len(sampleCells)); i%(len(b)/3) != 0 && !errors.Is(err, errProtocol) {
			t.Errorf("rows cut at byte %d: %v, want a protocol error", i, err)
		}
	}
}

func TestFramesSurviveTheWire(t *testing.T) {
	var wire bytes.Buffer
	entries := []event.Entry{
		{Seq: 1, AppendTime: time.UnixMicro(1).UTC(), JSON: []byte("{}")},
		{Seq: 1 << 60, AppendTime: time.UnixMicro(-5).UTC(), JSON: []byte(strings.Repeat("x", 1000))},
	}
	load := newFrame(kindLoad)
	for _, e := range entries {
		load = appendEntry(load, e)
	}
	for _, f := range [][]byte{load, newFrame(kindCancel)} {
		f, err := finish(f)
		if err != nil {
			t.Fatal(err)
		}
		wire.Write(f)
	}
	var buf []byte
	k, body, err := readFrame(&wire, &buf)
	if err != nil || k != kindLoad {
		t.Fatalf("frame %d, %v", k, err)
	}
	var got []event.Entry
	if err := decodeEntries(body, func(e event.Entry) error { got = append(got, e); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if k, body, err := readFrame(&wire, &buf); err != nil || k != kindCancel || len(body) != 0 {
		t.Errorf("second frame %d %q, %v", k, body, err)
	}
	if _, _, err := readFrame(&wire, &buf); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want EOF", err)
	}
}

func TestFrameOverTheLimitIsRefusedBothWays(t *testing.T) {
	if _, err := finish(make([]byte, frameHeader+maxFrame+1)); !errors.Is(err, errProtocol) {
		t.Errorf("finish: %v", err)
	}
	head := binary.BigEndian.AppendUint32(nil, maxFrame+1)
	var buf []byte
	if _, _, err := readFrame(bytes.NewReader(append(head, 1)), &buf); !errors.Is(err, errProtocol) || buf != nil {
		t.Errorf("readFrame: %v, after making room for %d bytes", err, len(buf))
	}
}

// What a broken or hostile worker sends is an error, never a panic.
func FuzzWorkerFrames(f *testing.F) {
	seed := func(k kind, v any) {
		b, err := jsonFrame(k, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed(kindReady, ready{Version: 1})
	seed(kindApplied, applied{Seq: 5})
	seed(kindColumns, columns{ID: 1})
	seed(kindDone, done{ID: 1, Outcome: limited})
	rows := binary.BigEndian.AppendUint64(newFrame(kindRows), 1)
	for _, c := range sampleCells {
		rows = appendCell(rows, c)
	}
	rows, err := finish(rows)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rows)
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &process{steps: make(chan applied, 1), ready: make(chan ready, 1), asks: map[uint64]*answer{
			1: {id: 1, max: 1 << 10, done: make(chan struct{})},
		}}
		p.asks[1].result.Columns = make([]query.Column, len(sampleCells))
		_ = p.read(bytes.NewReader(b))
	})
}

// What a broken parent sends is an error as well.
func FuzzEntries(f *testing.F) {
	f.Add(appendEntry(nil, event.Entry{Seq: 1, JSON: []byte("{}")}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		if err := decodeEntries(b, func(e event.Entry) error { n += len(e.JSON); return nil }); err == nil && n > len(b) {
			t.Errorf("%d bytes of entries in %d", n, len(b))
		}
	})
}

// The guard reads DuckDB's own picture of a statement, whatever it looks like.
func FuzzGuardTree(f *testing.F) {
	f.Add(`{"error":false,"statements":[{"node":{"type":"SELECT_NODE","from_table":{"type":"BASE_TABLE","table_name":"logs"}}}]}`)
	f.Add(`{"error":true,"error_message":"x"}`)
	f.Add(`{"statements":[{"node":{"cte_map":{"map":[{"key":"t"}]},"type":"TABLE_FUNCTION","function":[]}}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		if guardTree(s, nil) == nil && guardTree(`{"statements":[`+s+`,{}]}`, nil) == nil {
			t.Errorf("the guard let %q pass as part of two statements", s)
		}
	})
}
