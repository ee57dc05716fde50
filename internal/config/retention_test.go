package config

import (
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "400d": 400 * 24 * time.Hour, "36h": 36 * time.Hour} {
		c, _, err := Load(Source{Flags: map[string]string{"trail.retention": text}})
		if err != nil || c.Trail.KeepFor() != want || c.Value("trail.retention") != text {
			t.Errorf("retention %q is %v, %v; want %v", text, c.Trail.KeepFor(), err, want)
		}
	}
	for _, text := range []string{"0", "-1h", "1 year", "0d"} {
		if _, _, err := Load(Source{Flags: map[string]string{"trail.retention": text}}); err == nil {
			t.Errorf("retention %q was taken", text)
		}
	}
}
