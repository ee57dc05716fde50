package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/trailgate/trailgate/internal/cli/table"
	"github.com/trailgate/trailgate/internal/query"
)

// An answer goes to stdout, in the format that fits where stdout goes; or to a
// file. A table that is longer than the terminal goes through a pager.

// answerable says whether an answer can be shown as it is asked for, before the
// question is put: that is an event, and work.
func (sh *shell) answerable(q question) error {
	_, terminal := sh.terminal()
	switch format := sh.format(); {
	case slices.Contains(table.Formats, format):
		return nil
	case format != "parquet":
		return misused("one of: "+strings.Join(append(slices.Clone(table.Formats), "parquet"), ", "), "unknown output format %q", format)
	case q.explain:
		return misused("one of: "+strings.Join(table.Formats, ", "), "Parquet is for rows, and --explain shows none")
	case q.every > 0:
		return misused("leave one out", "--watch is for a screen, Parquet for a file")
	case terminal && q.out == "":
		return misused("--out FILE says where it goes", "Parquet is not for a terminal")
	}
	return nil
}

// show writes the rows of an answer.
func (sh *shell) show(ctx context.Context, q question, columns []query.Column, rows [][]any) error {
	if q.out != "" {
		return toFile(q.out, func(w io.Writer) error {
			to := *sh
			to.out = w
			return to.show(ctx, question{}, columns, rows)
		})
	}
	switch {
	case sh.format() == "parquet":
		return query.WriteParquet(sh.out, columns, rows)
	case sh.format() != "table" || q.every > 0 || !q.pager || len(rows) < sh.height():
		return sh.print(columns, rows, "no rows")
	}
	width, _ := sh.terminal()
	return page(ctx, pagerCommand(os.LookupEnv), tableText(columns, rows, width), sh.streams)
}

// toFile writes a file that is whole or not there.
func toFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(dirOf(name), ".trailgate-")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	err = write(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, os.PathSeparator); i >= 0 {
		return name[:i+1]
	}
	return "."
}

// height is the number of lines of the terminal that stdout is; very many when
// it is none.
func (s streams) height() int {
	if f, isFile := s.out.(*os.File); isFile {
		if _, lines, err := term.GetSize(int(f.Fd())); err == nil && lines > 0 {
			return lines
		}
	}
	return 1 << 30
}

// pagerCommand is $PAGER, or less when that is not set.
func pagerCommand(env func(string) (string, bool)) string {
	if command, set := env("PAGER"); set {
		return command
	}
	return "less -FRX"
}

// page shows text through a pager. Without one the text itself is shown.
func page(ctx context.Context, command string, text []byte, s streams) error {
	words := strings.Fields(command)
	if len(words) > 0 {
		if path, err := exec.LookPath(words[0]); err == nil {
			c := exec.CommandContext(ctx, path, words[1:]...)
			c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(text), s.out, s.err
			if err := c.Run(); err != nil {
				return fmt.Errorf("page with %s: %w", words[0], err)
			}
			return nil
		}
	}
	_, err := s.out.Write(text)
	return err
}

// grouped is a number with a comma after each thousand.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// bytesText is a number of bytes as people say it.
func bytesText(n int64) string {
	size, unit := float64(n), 0
	for size >= 1000 && unit < 4 {
		size, unit = size/1000, unit+1
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + " " + []string{"kB", "MB", "GB", "TB"}[unit-1]
}
