package relay

import (
	"context"
	"errors"
	"strings"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// Say writes text to the client's stderr, exit status 254, and closes the
// channel: for a channel that no relay moves. It blocks while the client's
// window is full, until the connection ends.
func Say(ch *wire.Channel, text string) {
	say(ch, &Refusal{Text: text})
	ch.Send(inspect.ExitStatus{Status: ExitEnded})
	ch.CloseWrite()
	ch.Close()
}

// say writes why on stderr. Line breaks are CR LF, right on a terminal in raw
// mode and harmless elsewhere.
func say(ch *wire.Channel, cause error) {
	text := "session ended"
	var refusal *Refusal
	switch {
	case errors.As(cause, &refusal):
		text = refusal.Text
	case errors.Is(cause, context.Canceled):
		text = "session ended: the gate is stopping"
	}
	text = strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\n", "\r\n")
	ch.Write(wire.Stderr, []byte("trailgate: "+text+"\r\n"))
}
