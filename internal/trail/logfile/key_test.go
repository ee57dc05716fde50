package logfile

import (
	"testing"
	"time"
)

// TestKeysAreCloudTrails: letter for letter as CloudTrail's guide has them.
func TestKeysAreCloudTrails(t *testing.T) {
	at := time.Date(2026, 11, 20, 9, 5, 7, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		layout       Layout
		log, d, late string
	}{
		{
			Layout{AccountID: "111122223333", Region: "us-east-1", Name: "tg"},
			"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
			"AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/111122223333_CloudTrail-Digest_us-east-1_tg_us-east-1_20261120T080507Z.json.gz",
			"AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/111122223333_CloudTrail-Digest_us-east-1_tg_us-east-1_20261120T080507Z_backfill.json.gz",
		},
		{
			Layout{Prefix: "audit/ssh", AccountID: "111122223333", Region: "eu-west-1", Name: "my_trail"},
			"audit/ssh/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
			"audit/ssh/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/20/111122223333_CloudTrail-Digest_eu-west-1_my_trail_eu-west-1_20261120T080507Z.json.gz",
			"audit/ssh/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/20/111122223333_CloudTrail-Digest_eu-west-1_my_trail_eu-west-1_20261120T080507Z_backfill.json.gz",
		},
	} {
		for key, want := range map[string]string{c.layout.LogKey(at, "aaaaaaaaaaaaaaaa"): c.log, c.layout.DigestKey(at, false): c.d, c.layout.DigestKey(at, true): c.late} {
			if key != want {
				t.Errorf("key %s, want %s", key, want)
			}
			k, ok := ParseKey(key)
			if !ok || !k.Is(c.layout) {
				t.Errorf("ParseKey(%s) = %+v, %t", key, k, ok)
			}
			if k.Is(Layout{AccountID: c.layout.AccountID, Region: c.layout.Region, Name: "another", Prefix: "x"}) {
				t.Errorf("%s is of any trail", key)
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for name, key := range map[string]string{
		"another day":         "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"another account":     "AWSLogs/111122223334/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"another region":      "AWSLogs/111122223333/CloudTrail/us-east-2/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"another kind":        "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/20/111122223333_CloudTrail-Insight_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"a short unique part": "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaa.json.gz",
		"no such time":        "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261320T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"another end":         "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json",
		"no AWSLogs":          "x/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"no directory":        "111122223333_CloudTrail_us-east-1_20261120T0805Z_aaaaaaaaaaaaaaaa.json.gz",
		"nothing":             "",
	} {
		if k, ok := ParseKey(key); ok {
			t.Errorf("%s: ParseKey(%q) = %+v", name, key, k)
		}
	}
}

func TestUniquePartsAre(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		u := newUnique()
		if !isUnique(u) || seen[u] {
			t.Fatalf("newUnique() = %q, after %d others", u, len(seen))
		}
		seen[u] = true
	}
}
