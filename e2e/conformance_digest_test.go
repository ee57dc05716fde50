//go:build conformance

package e2e

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// outsideData is where AWS's samples lie.
func outsideData() string {
	return cmp.Or(os.Getenv("TRAILGATE_OUTSIDE_DATA"), filepath.Join("..", "..", "shared", "data"))
}

// goldenChain is a small trail that AWS's command line validates.
type goldenChain struct {
	t       *testing.T
	bucket  *blobtest.Mem
	options logfile.VerifyOptions
}

const goldenNewest = "111122223333_CloudTrail-Digest_us-east-1_tg_us-east-1_20261120T130000Z.json.gz"

func golden(t *testing.T) *goldenChain {
	dir := filepath.Join(outsideData(), "golden-digest-chain")
	read := func(name string, into any) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("outside data: %v", err)
		}
	}
	var meta map[string]map[string]string
	read("object-metadata.json", &meta)
	var keys struct {
		PublicKeyList []struct {
			Fingerprint                        string
			Value                              []byte
			ValidityStartTime, ValidityEndTime float64
		}
	}
	read("list-public-keys.response.json", &keys)
	g := &goldenChain{t: t, bucket: blobtest.NewMem("tgbucket")}
	g.options = logfile.VerifyOptions{
		Layout: logfile.Layout{AccountID: "111122223333", Region: "us-east-1", Name: "tg"}, Bucket: g.bucket,
		Every: time.Hour, Now: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC),
	}
	for _, k := range keys.PublicKeyList {
		g.options.Keys = append(g.options.Keys, logfile.PublicKey{DER: k.Value, Fingerprint: k.Fingerprint,
			From: time.Unix(int64(k.ValidityStartTime), 0), To: time.Unix(int64(k.ValidityEndTime), 0)})
	}
	for key, m := range meta {
		body, err := os.ReadFile(filepath.Join(dir, "tgbucket", key))
		if err != nil {
			t.Fatalf("outside data: %v", err)
		}
		g.put(key, body, m)
	}
	return g
}

func (g *goldenChain) put(key string, body []byte, meta map[string]string) {
	if err := g.bucket.Put(g.t.Context(), key, body, meta); err != nil {
		g.t.Fatal(err)
	}
}

func (g *goldenChain) get(key string) ([]byte, map[string]string) {
	body, meta, err := g.bucket.Get(g.t.Context(), key)
	if err != nil {
		g.t.Fatal(err)
	}
	return body, meta
}

// key is the one whose end is so.
func (g *goldenChain) key(end string) string {
	keys := g.bucket.Keys()
	i := slices.IndexFunc(keys, func(k string) bool { return strings.HasSuffix(k, end) })
	if i < 0 {
		g.t.Fatalf("no object ends in %s", end)
	}
	return keys[i]
}

func (g *goldenChain) verify() logfile.Report {
	r, err := logfile.Verify(g.t.Context(), g.options)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// TestConformanceGoldenChain: what AWS's command line accepts is intact here.
func TestConformanceGoldenChain(t *testing.T) {
	r := golden(t).verify()
	if !r.Intact || r.Digests != 4 || r.Backfills != 2 || r.LogFiles != 5 || r.Events != 5 {
		t.Errorf("report = %+v, want 4 digests, 2 backfill digests and 5 log files intact", r)
	}
}

// TestConformanceGoldenChainMutated: the changes that were tried on AWS's command line, the
// ones it misses too.
func TestConformanceGoldenChainMutated(t *testing.T) {
	const logB, digest10, digest11, digest12 = "bbbbbbbbbbbbbbbb.json.gz", "T100000Z.json.gz", "T110000Z.json.gz", "T120000Z.json.gz"
	for _, row := range []struct {
		name   string
		change func(g *goldenChain) (object string)
	}{
		{"log content changed", func(g *goldenChain) string {
			k := g.key(logB)
			body, meta := g.get(k)
			text, err := logfile.Unpack(body)
			if err != nil {
				g.t.Fatal(err)
			}
			g.put(k, logfile.Pack([]byte(strings.Replace(string(text), `"tag": "b"`, `"tag": "c"`, 1))), meta)
			return k
		}},
		{"log deleted", func(g *goldenChain) string { return g.delete(logB)[0] }},
		{"log replaced by garbage", func(g *goldenChain) string {
			k := g.key(logB)
			g.put(k, []byte("garbage"), nil)
			return k
		}},
		{"second gzip member (AWS: passes)", func(g *goldenChain) string {
			k := g.key(logB)
			body, meta := g.get(k)
			g.put(k, append(body, logfile.Pack([]byte("{}"))...), meta)
			return k
		}},
		{"bytes appended (AWS: passes)", func(g *goldenChain) string {
			k := g.key(logB)
			body, meta := g.get(k)
			g.put(k, append(body, "more"...), meta)
			return k
		}},
		{"digest changed", func(g *goldenChain) string {
			k := g.key(digest11)
			body, meta := g.get(k)
			text, err := logfile.Unpack(body)
			if err != nil {
				g.t.Fatal(err)
			}
			g.put(k, logfile.Pack([]byte(strings.Replace(string(text), `"logFiles": [`, `"logFiles":[`, 1))), meta)
			return k
		}},
		{"signature changed", func(g *goldenChain) string {
			k := g.key(digest11)
			body, meta := g.get(k)
			meta[logfile.MetaSignature] = strings.Repeat("00", 256)
			g.put(k, body, meta)
			return k
		}},
		{"signature missing", func(g *goldenChain) string {
			k := g.key(digest11)
			body, _ := g.get(k)
			g.put(k, body, nil)
			return k
		}},
		{"digest copied to another key", func(g *goldenChain) string {
			body, meta := g.get(g.key(digest11))
			k := strings.Replace(g.key(digest11), "T110000Z", "T113000Z", 1)
			g.put(k, body, meta)
			return k
		}},
		{"one middle digest deleted", func(g *goldenChain) string { return g.delete(digest11)[0] }},
		{"two neighbouring digests deleted (AWS: only one is reported)", func(g *goldenChain) string { return g.delete(digest11, digest12)[1] }},
		{"oldest digest deleted", func(g *goldenChain) string { return g.delete(digest10)[0] }},
		{"newest digest deleted (AWS: nothing is reported)", func(g *goldenChain) string {
			body, meta := g.get(g.key(goldenNewest))
			text, err := logfile.Unpack(body)
			if err != nil {
				g.t.Fatal(err)
			}
			sum := sha256.Sum256(text)
			g.options.Witnesses = []logfile.Witness{{Source: "an anchor", Witnessed: logfile.Witnessed{Digest: logfile.Reference{
				Bucket: "tgbucket", Object: g.key(goldenNewest), Hash: hex.EncodeToString(sum[:]), Signature: meta[logfile.MetaSignature]}}}}
			return g.delete(goldenNewest)[0]
		}},
		{"a chain signed by a key that is listed, but not trusted (AWS: passes)", func(g *goldenChain) string {
			g.options.Keys = nil // the auditor's copy has another one
			return g.key(digest11)
		}},
		{"a chain signed by a key that was retired", func(g *goldenChain) string {
			g.options.Keys[0].To = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)
			return g.key(digest11)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := golden(t)
			object := row.change(g)
			r := g.verify()
			if !slices.ContainsFunc(r.Findings, func(f logfile.Finding) bool { return f.Object == object }) {
				t.Errorf("findings %v, want one of %s", r.Findings, object)
			}
		})
	}
}

// delete deletes the objects whose keys end so, and returns the keys.
func (g *goldenChain) delete(ends ...string) (keys []string) {
	for _, end := range ends {
		k := g.key(end)
		if err := g.bucket.Delete(g.t.Context(), k); err != nil {
			g.t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return keys
}
