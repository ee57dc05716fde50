package config

import "fmt"

// trailName keeps AWS's rules for the name of a trail (API reference,
// CreateTrail), because tools take ARNs and file names apart by them.
func trailName(v string) error {
	ok, last := len(v) >= 3 && len(v) <= 128, byte('.')
	for i := range len(v) {
		joint := v[i] == '.' || v[i] == '_' || v[i] == '-'
		ok = ok && (joint || letterOrDigit(v[i])) && !(joint && (last == '.' || last == '_' || last == '-'))
		last = v[i]
	}
	if !ok || !letterOrDigit(last) {
		return fmt.Errorf("%q is not a trail's name: 3 to 128 letters and digits, with single . _ - between them", v)
	}
	return nil
}

// region is part of file names, whose parts _ divides.
func region(v string) error {
	ok := v != ""
	for _, c := range []byte(v) {
		ok = ok && (letterOrDigit(c) || c == '-')
	}
	if !ok {
		return fmt.Errorf("%q is not a region such as us-east-1", v)
	}
	return nil
}

func letterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
