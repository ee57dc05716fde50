package importer

import (
	"strings"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// A search for the next record may look at a text many times, because what is
// broken can look like the beginning of something at every byte. So much more
// than there is to read it looks at; the rest of the file is then broken as a
// whole. Honest files stay far below it.
const (
	searchWindows = 16 // windows
	searchRatio   = 4  // and this many times what was read so far
)

// broken takes what begins here and cannot be read out of the way, up to where
// the next record or document begins, and reports it. lost says that it is a
// document.
func (s *scanner) broken(why string) (lost bool, err error) {
	s.torn = true
	if len(s.text)-s.at < maxSample {
		s.more()
	}
	start := s.base + int64(s.at)
	sample := s.text[s.at:min(len(s.text), s.at+maxSample)]
	s.at++
	found := false
	for !found {
		i := s.candidate()
		if i < 0 {
			s.at = len(s.text)
			if !s.more() {
				break
			}
			continue
		}
		s.at = i
		if found, lost = s.plausible(); !found {
			s.at++
		}
	}
	between := s.text[:s.at] // what parts it from the next record is no part of it
	size := s.base + int64(s.at) - start
	size -= min(size, int64(len(between)-len(strings.TrimRight(between, ", \r\n\t"))))
	sample = sample[:min(size, int64(len(sample)))]
	return lost, s.take(broken(sample, start, size, why))
}

// candidate is the next place where a record may begin: an object, after a
// comma, a bracket or on a new line, whose first key is one of a record's or of
// an envelope's. It is -1 when the window has none.
func (s *scanner) candidate() int {
	if int64(s.effort) > int64(searchWindows*len(s.buf))+searchRatio*(s.base+int64(s.at)) {
		return -1
	}
	for i := s.at; ; i++ {
		n := strings.IndexByte(s.text[i:], '{')
		if n < 0 {
			return -1
		}
		i += n
		if !opens(s.text, i) {
			continue
		}
		from := space(s.text, i+1)
		if from >= len(s.text) && !s.eof {
			return i // more is needed to say
		}
		const longest = 40 // of the keys that count
		end, err := sqlfront.ScanString(s.text[:min(len(s.text), from+longest)], from)
		if from < len(s.text) && s.text[from] == '"' && (err == nil && (recordKeys[s.text[from:end]] || envelopeKeys[s.text[from:end]]) || end == len(s.text) && !s.eof) {
			return i
		}
	}
}

// opens says whether what stands before text[i] can stand before a record.
func opens(text string, i int) bool {
	for i--; i >= 0; i-- {
		switch text[i] {
		case ' ', '\t', '\r':
		case ',', '[', ']', '}', '\n':
			return true
		default:
			return false
		}
	}
	return true // the window begins here
}

// plausible says whether a record or a document begins here, by reading it.
func (s *scanner) plausible() (ok, document bool) {
	if len(s.text)-s.at < s.largest() {
		s.more()
	}
	if _, ok := envelope(s.text, s.at); ok {
		return true, true
	}
	end, err := s.measure()
	s.effort += end - s.at
	if err != nil || end-s.at > s.largest() {
		return false, false
	}
	if after := space(s.text, end); after < len(s.text) && !strings.ContainsRune(",]}{[", rune(s.text[after])) {
		return false, false
	}
	isRecord := false
	_ = judge(s.text[s.at:end], 0, 0, func(f finding) error { // takes no errors, gives none
		isRecord = isRecord || f.reason == ""
		return nil
	})
	return isRecord, false
}
