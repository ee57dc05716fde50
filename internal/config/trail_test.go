package config

import (
	"strings"
	"testing"
	"time"
)

func TestTrailNameIsOneThatAWSTakes(t *testing.T) {
	for name, ok := range map[string]bool{
		"trailgate": true, "tg1": true, "My.Trail_of-2026": true, strings.Repeat("x", 128): true,
		"": false, "tg": false, "a--b": false, "a._b": false, "-abc": false, "abc-": false, "a b": false, "a/b": false, "t\u00e4t": false,
		strings.Repeat("x", 129): false,
	} {
		if err := trailName(name); (err == nil) != ok {
			t.Errorf("trailName(%q) = %v, want allowed %t", name, err, ok)
		}
	}
}

func TestTrailSettings(t *testing.T) {
	c, _, err := Load(Source{Env: []string{"TRAILGATE_TRAIL_NAME=main-trail", "TRAILGATE_TRAIL_LOG_FILE_EVERY=10s", "TRAILGATE_TRAIL_DIGEST_EVERY=1m"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Trail{Name: "main-trail", LogFileEvery: 10 * time.Second, DigestEvery: time.Minute, SealEvery: 5 * time.Minute, MergeEvery: time.Hour}); c.Trail != want {
		t.Errorf("settings %+v, want %+v", c.Trail, want)
	}
	for _, env := range []string{"TRAILGATE_TRAIL_DIGEST_EVERY=500ms", "TRAILGATE_TRAIL_LOG_FILE_EVERY=1.5s", "TRAILGATE_TRAIL_NAME=a_", "TRAILGATE_REGION=us_east"} {
		if _, _, err := Load(Source{Env: []string{env}}); err == nil {
			t.Errorf("%s is accepted", env)
		}
	}
}
