package config

import (
	"strings"
	"testing"
)

// TestWhatAForwarderToAWSMayNotSay: what would fail at the first event fails here.
func TestWhatAForwarderToAWSMayNotSay(t *testing.T) {
	for to, want := range map[string]string{
		"cloudwatch://":                           "does not name a log group",
		"cloudwatch:///a b":                       "does not name a log group",
		"cloudwatch://g?stream=a:b":               "names a log stream with : or *",
		"cloudwatch://g?strem=a":                  `unknown parameter "strem" of cloudwatch (did you mean "stream"?)`,
		"cloudwatch://g?endpoint=logs.example":    "has an endpoint that is not an http or https URL",
		"cloudwatch://g?endpoint=http://10.0.0.1": "would go out in the clear",
		"eventbridge://":                          "does not name an event bus",
		"eventbridge://b?endpoint=http://a.b":     "would go out in the clear",
		"securitylake://":                         "names no bucket",
		"securitylake://b?account=x":              "has an account that is neither",
		"securitylake://b?source=a/b":             "has a source's prefix that is not of letters",
		"securitylake://b/ext/../x":               "has a path with an empty part or ..",
	} {
		_, _, err := Load(Source{File: "t.yaml", Data: []byte("forwarders: [{name: a, to: '" + to + "'}]\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", to, err, want)
		}
	}
	for _, to := range []string{"cloudwatch:///aws/trailgate", "cloudwatch://CloudTrail/logs?endpoint=http://127.0.0.1:5000", "eventbridge://default?endpoint=https://vpce.example",
		"securitylake://b?account=external_x1", "securitylake://b/ext?source="} {
		if _, _, err := Load(Source{File: "t.yaml", Data: []byte("forwarders: [{name: a, to: '" + to + "'}]\n")}); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}
