package config

import "time"

// KeepFor is how long events are kept; 0 is for ever.
func (t Trail) KeepFor() time.Duration {
	d, err := ParseSpan(t.Retention)
	if err != nil { // empty: Load takes no other
		return 0
	}
	return d
}

// retention is a setting that may be empty.
func retention(v string) error {
	if v == "" {
		return nil
	}
	_, err := ParseSpan(v)
	return err
}
