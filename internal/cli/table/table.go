// Package table writes the rows of an answer for people and programs.
//
// What is in a cell was often chosen by an attacker: a user name, a command.
// No cell can end its row or shift a column, and none but those of csv, which
// are exact, can speak to the terminal: control characters are escapes.
package table

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/query"
)

// Formats are the ones Write knows, in the order help shows them.
var Formats = []string{"table", "tsv", "json", "jsonl", "csv"}

// Options say how Write lays a table out.
type Options struct {
	Width int // of the terminal; 0 cuts nothing. Only for table
}

// Write writes rows under cols. table is aligned columns under a header; tsv
// and csv have a header line and RFC 3339 times, and NULL is nothing between
// two separators; json is one array, jsonl a line for each row, both of objects
// with the columns in order.
func Write(w io.Writer, format string, cols []query.Column, rows [][]any, o Options) error {
	b := bufio.NewWriter(w)
	var err error
	switch format {
	case "table":
		writeTable(b, cols, rows, o.Width)
	case "tsv":
		writeTSV(b, cols, rows)
	case "json":
		err = writeJSON(b, cols, rows)
	case "jsonl":
		err = writeJSONLines(b, cols, rows)
	case "csv":
		err = writeCSV(b, cols, rows)
	default:
		return fmt.Errorf("unknown output format %q (want %s)", format, strings.Join(Formats, ", "))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", format, err)
	}
	return b.Flush()
}

// text is a cell outside JSON. Nested values are their JSON.
func text(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return v
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		if name, ok := query.NotFinite(v); ok {
			return name
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	default:
		b, err := marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
}

func writeTSV(b *bufio.Writer, cols []query.Column, rows [][]any) {
	for i, c := range cols {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(visible(c.Name))
	}
	b.WriteByte('\n')
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(visible(text(cell)))
		}
		b.WriteByte('\n')
	}
}

// writeCSV is RFC 4180: CRLF, quotes doubled. Cells are exact; a spreadsheet
// may take one that begins with = for a formula, as with every CSV.
func writeCSV(b *bufio.Writer, cols []query.Column, rows [][]any) error {
	w := csv.NewWriter(b)
	w.UseCRLF = true
	line := make([]string, len(cols))
	for i, c := range cols {
		line[i] = c.Name
	}
	if err := w.Write(line); err != nil {
		return err
	}
	for _, row := range rows {
		line = line[:0]
		for _, cell := range row {
			line = append(line, text(cell))
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func writeJSON(b *bufio.Writer, cols []query.Column, rows [][]any) error {
	b.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  ")
		if err := writeObject(b, cols, row); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return nil
}

func writeJSONLines(b *bufio.Writer, cols []query.Column, rows [][]any) error {
	for _, row := range rows {
		if err := writeObject(b, cols, row); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	return nil
}

// writeObject writes one row. A second column of the same name gets its
// number, since most readers of JSON keep only one of two.
func writeObject(b *bufio.Writer, cols []query.Column, row []any) error {
	b.WriteByte('{')
	for i, name := range keys(cols) {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := marshal(name)
		if err != nil {
			return err
		}
		b.Write(key)
		b.WriteByte(':')
		value, err := marshal(jsonValue(row[i]))
		if err != nil {
			return err
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return nil
}

// keys are the names of cols, each once: a, b, a_2.
func keys(cols []query.Column) []string {
	names := make([]string, 0, len(cols))
	for _, c := range cols {
		name := c.Name
		for n := 2; slices.Contains(names, name); n++ {
			name = c.Name + "_" + strconv.Itoa(n)
		}
		names = append(names, name)
	}
	return names
}

// jsonValue is a cell as encoding/json takes it: what has no JSON number is
// text.
func jsonValue(cell any) any {
	switch v := cell.(type) {
	case time.Time:
		return v.UTC()
	case float64:
		if name, ok := query.NotFinite(v); ok {
			return name
		}
	}
	return cell
}

// marshal is json.Marshal with < > & as they are and with escapes for all that
// a terminal would not simply show.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	s := strings.TrimSuffix(b.String(), "\n")
	var out []byte
	for _, r := range s {
		if !hidden(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out, nil
}
