package app

import (
	"strings"
	"testing"

	"github.com/trailgate/trailgate/internal/config"
)

// TestEverySchemeHasItsSink: what the settings take, a node can start with.
func TestEverySchemeHasItsSink(t *testing.T) {
	for _, s := range config.Schemes() {
		if sinks[s.Name] == nil {
			t.Errorf("config takes %s, and nothing makes its sink", s.Name)
		}
	}
}

func TestSinksInAWSAreMadeOfTheirURLs(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for to, want := range map[string]string{
		"cloudwatch://CloudTrail/trailgate?region=eu-west-1":             "cloudwatch://CloudTrail/trailgate 111122223333_CloudTrail_eu-west-1",
		"cloudwatch:///aws/trailgate?stream=s":                           "cloudwatch:///aws/trailgate s",
		"eventbridge://default":                                          "eventbridge://default",
		"lake:arn:aws:cloudtrail:eu-west-1:111122223333:channel/x":       "lake:arn:aws:cloudtrail:eu-west-1:111122223333:channel/x",
		"securitylake://bucket?region=eu-west-1":                         "securitylake://bucket/ext/tg_*",
		"securitylake://bucket/base/ext?source=ssh-&account=external_x1": "securitylake://bucket/base/ext/ssh-*",
	} {
		cfg := config.Default()
		cfg.AccountID, cfg.Region = "111122223333", "us-east-1"
		f := config.Forwarder{Name: "f", To: to}
		s, err := sinks[f.URL().Scheme](t.Context(), cfg, f, f.URL())
		if err != nil {
			t.Errorf("%s: %v", to, err)
			continue
		}
		if got := s.String(); got != want {
			t.Errorf("%s is %s, want %s", to, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if strings.HasPrefix(to, "securitylake") && s.Limits().Linger != securityLakeEvery {
			t.Errorf("%s lingers %v", to, s.Limits().Linger)
		}
	}
}
