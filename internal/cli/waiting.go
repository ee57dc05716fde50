package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// waiting says on a terminal, from the first second on, that a question is being
// answered, until done is called.
func (sh *shell) waiting() (done func()) {
	f, isFile := sh.err.(*os.File)
	if !isFile || !isTerminal(f) {
		return func() {}
	}
	stop, gone := make(chan struct{}), make(chan struct{})
	tick := time.NewTicker(time.Second)
	began := time.Now()
	go func() {
		defer close(gone)
		sh.sayWaiting(tick.C, stop, began)
	}()
	return func() {
		tick.Stop()
		close(stop)
		<-gone
	}
}

// sayWaiting keeps one line that says for how long, and takes it away at the end.
func (sh *shell) sayWaiting(tick <-chan time.Time, stop <-chan struct{}, began time.Time) {
	shown := false
	for {
		select {
		case now := <-tick:
			fmt.Fprintf(sh.err, "\r\x1b[Krunning … %.0f s, Ctrl-C stops it", now.Sub(began).Seconds())
			shown = true
		case <-stop:
			if shown {
				fmt.Fprint(sh.err, "\r\x1b[K")
			}
			return
		}
	}
}

// caret is the line of a statement that a mistake is in and a ^ below its place,
// both indented; nothing when there is no such place.
func caret(text string, se *sqlfront.Error) string {
	lines := strings.Split(text, "\n")
	if se.Line < 1 || se.Line > len(lines) || se.Column < 1 {
		return ""
	}
	line := []rune(strings.TrimRight(lines[se.Line-1], "\r"))
	if se.Column > len(line)+1 || !utf8.ValidString(string(line)) {
		return ""
	}
	const around = 60 // characters on either side
	from, to := max(0, se.Column-1-around), min(len(line), se.Column-1+around)
	shown := func(part []rune) string {
		return strings.Map(func(r rune) rune {
			if !strconv.IsPrint(r) {
				return ' '
			}
			return r
		}, string(part))
	}
	return "  " + shown(line[from:to]) + "\n  " + strings.Repeat(" ", se.Column-1-from) + "^"
}
