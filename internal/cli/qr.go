package cli

import (
	"fmt"
	"image/color"
	"os"

	"github.com/boombuler/barcode/qr"
	"golang.org/x/term"
)

// qrModules encodes text; true is dark.
func qrModules(text string) ([][]bool, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("draw the QR code: %w", err)
	}
	n := code.Bounds().Dx()
	rows := make([][]bool, n)
	for y := range rows {
		rows[y] = make([]bool, n)
		for x := range rows[y] {
			rows[y][x] = code.At(x, y) == color.Black
		}
	}
	return rows, nil
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
