package recording

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
)

// ExecLimit is how much of the output is kept of what runs without a terminal.
const ExecLimit = 1 << 20

// Began is what runs on a channel.
type Began struct {
	Kind     string `json:"kind"` // shell, exec, subsystem
	Command  string `json:"command,omitempty"`
	Terminal bool   `json:"terminal,omitempty"`
	Term     string `json:"term,omitempty"`
	Columns  int    `json:"columns,omitempty"`
	Rows     int    `json:"rows,omitempty"`
	Limit    int64  `json:"limit,omitempty"` // bytes of output kept; 0 keeps all
}

// Totals are what a channel came to.
type Totals struct {
	Stdout int64  `json:"stdout"`
	Stderr int64  `json:"stderr"`
	SHA256 string `json:"sha256,omitempty"` // of stdout, hex
	Status *int   `json:"exitStatus,omitempty"`
	Signal string `json:"exitSignal,omitempty"`
}

// Channel records one channel of a session. Its methods may be called at the
// same time.
type Channel struct {
	r     *Recorder
	n     int
	limit int64 // 0: none
	kept  atomic.Int64
	cut   atomic.Bool
}

// Channel begins channel n. Terminals are kept whole; of the rest, unless
// b.Limit says otherwise, the first ExecLimit bytes of output.
func (r *Recorder) Channel(n int, b Began) (*Channel, error) {
	if b.Limit == 0 && !b.Terminal {
		b.Limit = ExecLimit
	}
	c := &Channel{r: r, n: n, limit: b.Limit}
	return c, c.json(Start, b)
}

// Stdout records what goes to the client's stdout.
func (c *Channel) Stdout(p []byte) error { return c.output(Stdout, p) }

// Stderr records what goes to the client's stderr.
func (c *Channel) Stderr(p []byte) error { return c.output(Stderr, p) }

func (c *Channel) output(kind Kind, p []byte) error {
	if c.limit == 0 {
		return c.r.add(kind, c.n, p)
	}
	if c.cut.Load() {
		return c.r.failed()
	}
	before := c.kept.Add(int64(len(p))) - int64(len(p))
	if room := c.limit - before; room < int64(len(p)) {
		p = p[:max(room, 0)]
	}
	if len(p) > 0 {
		if err := c.r.add(kind, c.n, p); err != nil {
			return err
		}
	}
	if c.kept.Load() >= c.limit && !c.cut.Swap(true) {
		return c.r.add(Cut, c.n, nil)
	}
	return nil
}

// failed is the recorder's error, for what is no longer kept: a session whose
// recording is broken ends, whatever it shows.
func (r *Recorder) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Input records what the client sends. Only for sessions whose policy asks for
// it: it has passwords in it.
func (c *Channel) Input(p []byte) error { return c.r.add(Input, c.n, p) }

// Resize records the terminal's new size.
func (c *Channel) Resize(columns, rows int) error {
	return c.r.add(Resize, c.n, []byte(strconv.Itoa(columns)+"x"+strconv.Itoa(rows)))
}

// End records what the channel came to.
func (c *Channel) End(t Totals) error { return c.json(End, t) }

func (c *Channel) json(kind Kind, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("record channel: %w", err)
	}
	if len(b) > maxFrame {
		// Only a command can be so long; the event has it whole.
		began := v.(Began)
		began.Command = began.Command[:4<<10]
		return c.json(kind, began)
	}
	return c.r.add(kind, c.n, b)
}
