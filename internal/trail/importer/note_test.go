package importer

import "testing"

func TestNotesSpeakToNoTerminal(t *testing.T) {
	im := &importer{noted: map[string]bool{}}
	im.note("a\x1b]0;x\a\n.json", "é \u202e\xff")
	if n := im.report.Notes[0]; n != (Note{"a?]0;x??.json", "é ?\ufffd"}) {
		t.Errorf("note %q", n)
	}
}
