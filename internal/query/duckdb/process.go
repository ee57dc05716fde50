package duckdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/trailgate/trailgate/internal/query"
)

// process is one running worker, seen from the parent.
type process struct {
	cmd   *exec.Cmd
	log   *slog.Logger
	out   chan []byte   // frames to write; unbuffered, so that a sender can give up
	steps chan applied  // the answer to the one step under way
	ready chan ready    // one value
	gone  chan struct{} // closed when the process has ended

	mu     sync.Mutex // guards below
	asks   map[uint64]*answer
	nextID uint64
	cause  error // why it is being ended; the first one counts
	reaped bool  // its number may be another process's now
}

// answer is a statement under way. The reader owns result until done is closed.
type answer struct {
	id     uint64
	max    int // bytes
	result query.Result
	plan   *query.Plan // where one was asked for
	bytes  int
	done   chan struct{}
	err    error // set before done is closed
}

// startProcess starts a worker. Its environment is empty: it needs nothing
// from ours.
func startProcess(command []string, log *slog.Logger) (*process, io.Writer, func() error, error) {
	if len(command) == 0 {
		return nil, nil, nil, errors.New("no worker command")
	}
	p := &process{
		cmd:   exec.Command(command[0], command[1:]...),
		log:   log,
		out:   make(chan []byte),
		steps: make(chan applied, 1), // one step is under way at a time
		ready: make(chan ready, 1),   // said once
		gone:  make(chan struct{}),
		asks:  map[uint64]*answer{},
	}
	p.cmd.Env = []string{"TZ=UTC"}
	p.cmd.Dir = "/"
	// A process group of its own keeps a terminal's Ctrl-C from it, and lets one
	// signal end all of it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("start query worker: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("start query worker: %w", err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("start query worker: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, nil, nil, fmt.Errorf("start query worker: %w", err)
	}
	return p, stdin, func() error { return p.serve(stdout, stderr) }, nil
}

// serve reads what the worker says until it has ended, and says why it did.
func (p *process) serve(stdout, stderr io.Reader) error {
	var wg sync.WaitGroup
	wg.Go(func() { p.logLines(stderr) })
	if err := p.read(bufio.NewReaderSize(stdout, 64<<10)); err != nil {
		p.kill(err)
	}
	// It is ending, or has closed its stdout for no reason we know.
	late := time.AfterFunc(killAfter, func() { p.kill(errDeaf) })
	wg.Wait()
	err := p.cmd.Wait()
	late.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
	if p.cause == nil {
		p.cause = fmt.Errorf("query worker ended: %w", errors.Join(err, io.EOF))
	}
	close(p.gone)
	for id, a := range p.asks {
		delete(p.asks, id)
		a.err = query.ErrUnavailable
		close(a.done)
	}
	return p.cause
}

// ended says whether the process is known to be gone.
func (p *process) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// dying says whether the process is gone or is being ended.
func (p *process) dying() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause != nil
}

// write sends frames until the process has ended.
func (p *process) write(w io.Writer) {
	for {
		select {
		case f := <-p.out:
			if _, err := w.Write(f); err != nil {
				p.kill(fmt.Errorf("write to query worker: %w", err))
			}
		case <-p.gone:
			return
		}
	}
}

// kill ends the process group; serve returns soon after. err is why.
func (p *process) kill(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cause == nil {
		p.cause = err
	}
	if !p.reaped {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // fails only where it has ended
	}
}

// logLines logs the worker's stderr, where only what went wrong is written.
func (p *process) logLines(r io.Reader) {
	lines := bufio.NewReaderSize(r, 4<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			p.log.Warn("query worker says", "err", string(line))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// read takes the worker's frames until the end.
func (p *process) read(r io.Reader) error {
	var buf []byte
	for {
		k, body, err := readFrame(r, &buf)
		if errors.Is(err, io.EOF) && !errors.Is(err, errProtocol) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.take(k, body); err != nil {
			return err
		}
	}
}

func (p *process) take(k kind, body []byte) error {
	switch k {
	case kindReady:
		var r ready
		if err := decodeJSON(body, &r); err != nil {
			return err
		}
		return offer(p.ready, r)
	case kindApplied:
		var a applied
		if err := decodeJSON(body, &a); err != nil {
			return err
		}
		return offer(p.steps, a)
	case kindColumns, kindRows, kindPlan, kindDone:
		return p.takeAnswer(k, body)
	default:
		return fmt.Errorf("%w: unknown frame %d", errProtocol, k)
	}
}

// offer hands over what was asked for; nothing else comes.
func offer[T any](c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	default:
		return fmt.Errorf("%w: an answer to nothing", errProtocol)
	}
}

// send queues a frame unless the process ends first or the deadline passes.
func (p *process) send(frame []byte, deadline <-chan time.Time) error {
	select {
	case p.out <- frame:
		return nil
	case <-p.gone:
		return query.ErrUnavailable
	case <-deadline:
		return errDeaf
	}
}

var errDeaf = errors.New("query worker does not answer")
