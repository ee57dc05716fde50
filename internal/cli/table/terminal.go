package table

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/query"
)

// visible is s with everything that is not plainly printable as an escape:
// control characters and escape sequences, bytes that are not UTF-8, characters
// that change the direction of text or take no room, and the backslash itself,
// so that what is shown can be told from what was there.
func visible(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

// hidden says whether r does something other than taking its room on a line.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' }

// Bounds of a column in a table that has too little room.
const (
	gap       = 2 // spaces between columns
	narrowest = 8
)

// writeTable writes aligned columns. Numbers stand right. With a width, the
// widest columns of text give way first, down to narrowest; times and numbers
// are whole or worthless. A table of more columns than fit even so runs over.
func writeTable(b *bufio.Writer, cols []query.Column, rows [][]any, width int) {
	lines := make([][]string, 0, len(rows)+1)
	head := make([]string, len(cols))
	for i, c := range cols {
		head[i] = visible(c.Name)
	}
	lines = append(lines, head)
	for _, row := range rows {
		line := make([]string, len(cols))
		for i := range line {
			line[i] = shown(row[i])
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(cols))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], columnsOf(cell))
		}
	}
	if width > 0 {
		shrink(widths, cols, width)
	}
	for n, line := range lines {
		var pending int // spaces are written only before something
		for i, cell := range line {
			cell = cutTo(cell, widths[i])
			pad := widths[i] - columnsOf(cell)
			if n > 0 && rightAligned(cols[i].Type) {
				pending, pad = pending+pad, 0
			}
			if cell != "" {
				b.WriteString(strings.Repeat(" ", pending))
				b.WriteString(cell)
				pending = 0
			}
			pending += pad + gap
		}
		b.WriteByte('\n')
	}
}

// shown is a cell in a table; NULL is a dash, to tell it from empty text.
func shown(cell any) string {
	if cell == nil {
		return "-"
	}
	return visible(text(cell))
}

func rightAligned(kind string) bool { return kind == "bigint" || kind == "double" }

// shrink makes the widest columns of text narrower until all fit into width or
// none can give more.
func shrink(widths []int, cols []query.Column, width int) {
	over := gap*(len(widths)-1) - width
	for _, w := range widths {
		over += w
	}
	for over > 0 {
		widest, second := -1, narrowest
		for i, w := range widths {
			switch {
			case w <= narrowest || cols[i].Type != "varchar" && cols[i].Type != "json":
			case widest < 0 || w > widths[widest]:
				if widest >= 0 {
					second = max(second, widths[widest])
				}
				widest = i
			default:
				second = max(second, w)
			}
		}
		if widest < 0 {
			return
		}
		// Down to the next widest in one step, at least by one.
		by := min(over, max(1, widths[widest]-second))
		widths[widest] -= by
		over -= by
	}
}

// cutTo cuts s to width columns; … stands for what is missing.
func cutTo(s string, width int) string {
	if columnsOf(s) <= width {
		return s
	}
	used := 0
	for i, r := range s {
		if used+columnsOfRune(r) > width-1 {
			return s[:i] + "…"
		}
		used += columnsOfRune(r)
	}
	return s
}

// columnsOf is the room s takes on a terminal.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOfRune(r)
	}
	return n
}

func columnsOfRune(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2 // East Asian wide and emoji
	default:
		return 1
	}
}
