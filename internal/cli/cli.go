// Package cli is the command line: trailgate <noun> <verb>.
//
// The rules it keeps. stdout is the answer, stderr all else. A mistake is two
// lines on stderr, "error:" and "hint:", never the manual. A table goes to a
// terminal, the same rows as TSV to a pipe. Exit codes are a contract: see
// "trailgate help exit-codes". A command changes state only through a running
// server's socket; with none running it only reads.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trailgate/trailgate/internal/app"
)

// Exit codes, the same for every command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitMisused     = 2
	exitFound       = 3 // the check ran and found something
	exitDenied      = 4
	exitInterrupted = 130
)

// version is set by the build: -ldflags "-X …/internal/cli.version=v0.1.0".
var version = "devel"

// failure is an error with what the person should do next, and the exit code.
// Without an error all is said already.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return "said already"
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// hinted wraps err with what to do next.
func hinted(err error, hint string) error { return &failure{exitFailed, err, hint} }

// misused is a mistake in the command's own words.
func misused(hint, format string, args ...any) error {
	return &failure{exitMisused, fmt.Errorf(format, args...), hint}
}

// found is a check that ran and found something; what it found is printed
// already, so err is one closing line.
func found(err error) error { return &failure{exitFound, err, ""} }

// streams is where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// terminal says whether stdout is a terminal, and its width.
func (s streams) terminal() (width int, ok bool) {
	f, isFile := s.out.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w < 20 {
		w = 80
	}
	return w, true
}

// interactive says whether a person can answer a question.
func (s streams) interactive() bool {
	f, isFile := s.in.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// Main runs the command line of this process and returns its exit code.
func Main() int {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		return app.QueryWorker()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
}

// run executes one command line.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{code: exitFailed, err: err}
		if isUsage(err) {
			f = usageError(root, args, err)
		}
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		f = &failure{exitInterrupted, errors.New("interrupted"), ""}
	}
	if f.err != nil {
		fmt.Fprintf(s.err, "error: %s\n", f.err)
	}
	if f.hint != "" {
		fmt.Fprintf(s.err, "hint: %s\n", f.hint)
	}
	return f.code
}

// How cobra begins what it says of flags that belong together.
const (
	oneRequired = "at least one of the flags in the group ["
	exclusive   = "if any flags in the group ["
)

// isUsage recognises the mistakes that cobra itself finds.
func isUsage(err error) bool {
	for _, p := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "required flag", "flag needs", "invalid argument", oneRequired, exclusive} {
		if strings.HasPrefix(err.Error(), p) {
			return true
		}
	}
	return false
}

// usageError says a mistake that cobra found in the words of the command that
// was meant, and how that command is written.
func usageError(root *cobra.Command, args []string, err error) *failure {
	cmd, _, findErr := root.Find(args)
	if findErr != nil {
		cmd = root
	}
	path, use := cmd.CommandPath(), strings.TrimSuffix(cmd.UseLine(), " [flags]")
	var want, have int
	if n, _ := fmt.Sscanf(err.Error(), "accepts %d arg(s), received %d", &want, &have); n == 2 {
		what := "nothing"
		switch want {
		case 0:
		case 1:
			what = "one argument"
		default:
			what = fmt.Sprint(want, " arguments")
		}
		err = fmt.Errorf("%s takes %s and was given %d", path, what, have)
	} else if flags, ok := strings.CutPrefix(err.Error(), "required flag(s) "); ok {
		flags = strings.NewReplacer(`"`, "", ", ", ", --", " not set", "").Replace(flags)
		err = fmt.Errorf("%s needs --%s", path, flags)
	} else if rest, ok := strings.CutPrefix(err.Error(), oneRequired); ok {
		flags, _, _ := strings.Cut(rest, "]")
		err = fmt.Errorf("%s needs --%s", path, strings.ReplaceAll(flags, " ", " or --"))
	} else if rest, ok := strings.CutPrefix(err.Error(), exclusive); ok {
		flags, _, _ := strings.Cut(rest, "]")
		err = fmt.Errorf("%s takes one of --%s", path, strings.ReplaceAll(flags, " ", " and --"))
	}
	return &failure{exitMisused, err, use + "; " + path + " --help says more"}
}

// group is a noun: alone it lists its verbs and is a mistake.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			return misused("one of: "+strings.Join(names(cmd), ", "), "%s needs a verb", use)
		},
	}
	c.AddCommand(verbs...)
	return c
}
