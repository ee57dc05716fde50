package logfile

// scanner walks JSON that is known to be valid. Given anything else it returns
// something, and ends.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

// skip reports whether c comes next, and goes past it.
func (s *scanner) skip(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// value goes past the next value, or member name, and returns its text.
func (s *scanner) value() []byte {
	s.space()
	depth := 0
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			i += stringEnd(s.rest[i:]) - 1
			if depth == 0 {
				return s.take(i + 1)
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what the value is in
				return s.take(i)
			}
			if depth--; depth == 0 {
				return s.take(i + 1)
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.take(i)
			}
		}
	}
	return s.take(len(s.rest))
}

func (s *scanner) take(n int) []byte {
	v := s.rest[:n:n]
	s.rest = s.rest[n:]
	return v
}

// stringEnd is the length of the string that b starts with.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// member is the value of a member of the object that record is; nil if it has
// none.
func member(record []byte, name string) []byte {
	s := scanner{record}
	if !s.skip('{') {
		return nil
	}
	for len(s.rest) > 0 && !s.skip('}') {
		s.skip(',')
		key := s.value()
		if !s.skip(':') {
			return nil
		}
		value := s.value()
		if len(key) == len(name)+2 && string(key[1:len(key)-1]) == name {
			return value
		}
	}
	return nil
}
