package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// picker chooses one channel of a recording that is read once from the start;
// with want 0, the first that begins.
type picker struct {
	want int
	set  bool
}

func (p *picker) has(f Frame) bool {
	if !p.set {
		if f.Kind != Start && p.want == 0 {
			return false
		}
		if p.want == 0 {
			p.want = f.Channel
		}
		p.set = true
	}
	return f.Channel == p.want
}

// Export writes a channel in a format; "asciicast" is asciinema's version 2,
// with the bytes as they were. Channel 0 means the first. An unfinished
// recording is exported as far as it goes.
func (r *Reader) Export(w io.Writer, format string, channel int) error {
	if format != "asciicast" {
		return fmt.Errorf("export recording: unknown format %q (asciicast)", format)
	}
	c := &cast{w: bufio.NewWriter(w)}
	pick := picker{want: channel}
	for {
		f, err := r.Next()
		if err == io.EOF || errors.Is(err, ErrUnfinished) {
			break
		}
		if err != nil {
			return err
		}
		if pick.has(f) {
			if err := c.frame(r.Meta, f); err != nil {
				return fmt.Errorf("export recording: %w", err)
			}
		}
	}
	if !c.begun {
		return fmt.Errorf("export recording: no channel %d", channel)
	}
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("export recording: %w", err)
	}
	return nil
}

type cast struct {
	w     *bufio.Writer
	begun bool
	tail  [2][]byte // cut UTF-8 sequences of output and input
}

type castHeader struct {
	Version   int               `json:"version"`
	Width     int               `json:"width"`
	Height    int               `json:"height"`
	Timestamp int64             `json:"timestamp"`
	Title     string            `json:"title,omitempty"`
	Command   string            `json:"command,omitempty"`
	Env       map[string]string `json:"env,omitempty"`
}

func (c *cast) frame(m Meta, f Frame) error {
	switch f.Kind {
	case Start:
		return c.header(m, f)
	case Stdout, Stderr:
		return c.event(f, 'o', 0)
	case Input:
		return c.event(f, 'i', 1)
	case Resize:
		return c.line(f, 'r', string(f.Bytes))
	}
	return nil
}

func (c *cast) header(m Meta, f Frame) error {
	var b Began
	if err := json.Unmarshal(f.Bytes, &b); err != nil || c.begun {
		return fmt.Errorf("%w: start of channel", ErrCorrupt)
	}
	c.begun = true
	h := castHeader{
		Version: 2, Width: b.Columns, Height: b.Rows, Timestamp: m.Started.Unix(),
		Title:   strings.TrimSpace(m.Identity + " " + m.Login + "@" + m.Target),
		Command: b.Command,
	}
	if h.Width == 0 || h.Height == 0 {
		h.Width, h.Height = 80, 24
	}
	if b.Term != "" {
		h.Env = map[string]string{"TERM": b.Term}
	}
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = c.w.Write(append(line, '\n'))
	return err
}

// event writes text, keeping back a UTF-8 sequence that goes on in the next frame.
func (c *cast) event(f Frame, kind byte, tail int) error {
	p := append(c.tail[tail], f.Bytes...)
	keep := 0
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if utf8.RuneStart(p[len(p)-i]) {
			if !utf8.FullRune(p[len(p)-i:]) {
				keep = i
			}
			break
		}
	}
	s := string(p[:len(p)-keep])
	c.tail[tail] = append([]byte(nil), p[len(p)-keep:]...)
	if s == "" {
		return nil
	}
	return c.line(f, kind, s)
}

func (c *cast) line(f Frame, kind byte, s string) error {
	text, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		return err
	}
	t := strconv.FormatFloat(f.Time.Seconds(), 'f', 6, 64)
	_, err = fmt.Fprintf(c.w, "[%s, %q, %s]\n", t, string(kind), text)
	return err
}
