//go:build conformance

package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

var updatePage = flag.Bool("update", false, "write docs/reference/tampering.md")

const tamperingPage = "../../docs/reference/tampering.md"

// TestConformanceTampering changes a trail in every way that was ever tried on
// AWS's command line, and some more, and has both look at each: the page in the
// reference is what they said.
func TestConformanceTampering(t *testing.T) {
	aws := filepath.Join(os.Getenv("TRAILGATE_TOOLS"), "venv", "bin", "aws")
	version, err := exec.Command(aws, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("AWS's command line is not there (make conformance installs it and says where in TRAILGATE_TOOLS): %v", err)
	}
	cli := strings.TrimPrefix(strings.Fields(string(version))[0], "aws-cli/")
	var page strings.Builder
	fmt.Fprintf(&page, pageHead, cli)
	synctest.Test(t, func(t *testing.T) {
		l := newLineage(t)
		began := time.Now().UTC()
		l.grow(t)
		keys, err := ca.LoadDigest(caDir(l.cfg))
		if err != nil {
			t.Fatal(err)
		}
		g := &tamperer{t: t, l: l, keys: keys, all: maps.Clone(l.now()), other: l.fork(t, len(l.moments)/2, 3)}
		for _, row := range tamperings {
			g.all, g.extra = maps.Clone(l.now()), nil
			row.change(g)
			g.all.write(t, l.dir, l.now())
			theirs := g.validate(aws, began, time.Now().UTC())
			r, err := VerifyTrail(t.Context(), l.cfg, l.options())
			l.now().write(t, l.dir, g.all)
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			if r.Intact != (row.name == untouched) {
				t.Errorf("%s: trail verify says intact %t, %+v", row.name, r.Intact, r.Findings)
			}
			if got := strings.HasPrefix(theirs, "**passes"); got != row.passes {
				t.Errorf("%s: validate-logs: %s; want that it passes: %t", row.name, theirs, row.passes)
			}
			fmt.Fprintf(&page, "| %s | %s | %s |\n", row.name, theirs, ours(r))
		}
	})
	page.WriteString(pageTail)
	if *updatePage {
		if err := os.WriteFile(tamperingPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(tamperingPage)
	if diff := cmp.Diff(string(have), page.String()); err != nil || diff != "" {
		t.Errorf("docs/reference/tampering.md is not what was said (%v): its first line says what writes it (-page +said):\n%s", err, diff)
	}
}

const untouched = "nothing"

// tampering is one change; passes says that AWS's command line does not notice.
type tampering struct {
	name   string
	passes bool
	change func(g *tamperer)
}

var tamperings = []tampering{
	{untouched, true, func(*tamperer) {}},
	{"the content of a log file", false, func(g *tamperer) {
		k := g.logs()[3]
		g.repack(k, func(text []byte) []byte { return bytes.Replace(text, []byte("alice"), []byte("mallo"), 1) })
	}},
	{"a log file is deleted", false, func(g *tamperer) { g.remove(g.logs()[3]) }},
	{"a log file is garbage", false, func(g *tamperer) { g.all[g.logs()[3]] = []byte("garbage") }},
	{"a second gzip member behind a log file", true, func(g *tamperer) {
		k := g.logs()[3]
		g.all[k] = slices.Concat(g.all[k], logfile.Pack([]byte(`{"Records":[]}`)))
	}},
	{"bytes behind a log file", true, func(g *tamperer) {
		k := g.logs()[3]
		g.all[k] = slices.Concat(g.all[k], []byte("more"))
	}},
	{"a log file that no digest names", true, func(g *tamperer) {
		k := g.logs()[3]
		g.copy(k, strings.Replace(k, ".json.gz", "", 1)[:len(k)-len(".json.gz")-16]+"AAAAAAAAAAAAAAAA.json.gz")
	}},
	{"the content of a digest", false, func(g *tamperer) {
		g.repack(g.digests()[3], func(text []byte) []byte {
			return bytes.Replace(text, []byte(`"digestSignatureAlgorithm"`), []byte(` "digestSignatureAlgorithm"`), 1)
		})
	}},
	{"a digest's signature", false, func(g *tamperer) {
		g.meta(g.digests()[3], func(m map[string]string) {
			m[logfile.MetaSignature] = strings.Repeat("0", 2) + m[logfile.MetaSignature][2:]
		})
	}},
	{"a digest's signature is gone", false, func(g *tamperer) {
		g.meta(g.digests()[3], func(m map[string]string) { delete(m, logfile.MetaSignature) })
	}},
	{"a copy of a digest under another name", true, func(g *tamperer) {
		k := g.digests()[3]
		g.copy(k, strings.Replace(k, "T04", "T09", 1))
	}},
	{"the newest digest under another name", false, func(g *tamperer) {
		k := g.last()
		g.copy(k, strings.Replace(k, "T14", "T15", 1))
		g.remove(k)
	}},
	{"a digest in the middle is deleted", false, func(g *tamperer) { g.remove(g.digests()[3]) }},
	{"two digests beside each other are deleted (only one of them is reported)", false, func(g *tamperer) { g.remove(g.digests()[3]); g.remove(g.digests()[4]) }},
	{"the oldest digest is deleted", false, func(g *tamperer) { g.remove(g.digests()[0]) }},
	{"the newest digest is deleted", true, func(g *tamperer) { g.remove(g.last()) }},
	{"the newest digest and its log files are deleted", true, func(g *tamperer) {
		for _, f := range g.digest(g.last()).LogFiles {
			g.remove("trail/" + f.Object)
		}
		g.remove(g.last())
	}},
	{"the only backfill digest is deleted", true, func(g *tamperer) { g.remove(g.backfills()[0]) }},
	{"a digest drops a log file and is signed again, with its own key", true, func(g *tamperer) {
		g.sign(g.digests()[3], func(d *logfile.Digest) { d.LogFiles = d.LogFiles[:len(d.LogFiles)-1] })
	}},
	{"a digest names another previous hash and is signed again", true, func(g *tamperer) {
		g.sign(g.digests()[3], func(d *logfile.Digest) { other := strings.Repeat("00", 32); d.PreviousHash = &other })
	}},
	{"the whole chain is signed again by another key that is listed, one log file dropped", true, func(g *tamperer) { g.resign() }},
	{"the bucket is put back to an older copy", true, func(g *tamperer) {
		old := g.l.moments[len(g.l.moments)/2]
		for name := range g.all {
			if strings.HasPrefix(name, "trail/AWSLogs") {
				delete(g.all, name)
			}
		}
		for name, b := range old {
			if strings.HasPrefix(name, "trail/AWSLogs") {
				g.all[name] = b
			}
		}
	}},
	{"everything on the disk is put back to an older copy", true, func(g *tamperer) { g.all = maps.Clone(g.l.moments[len(g.l.moments)/2]) }},
	{"an older copy is put back and other events follow, signed with the right key", true, func(g *tamperer) {
		g.all = maps.Clone(g.other)
	}},
	{"an event in the journal", true, func(g *tamperer) {
		k := "journal/000000000002.seg"
		g.all[k] = bytes.Replace(g.all[k], []byte("alice"), []byte("mallo"), 1)
	}},
	{"a byte of a Parquet seal", true, func(g *tamperer) {
		for _, name := range slices.Sorted(maps.Keys(g.all)) {
			if strings.HasSuffix(name, ".parquet") {
				b := bytes.Clone(g.all[name])
				b[bytes.LastIndex(b, []byte("trailgate"))] ^= 1 // who wrote it: the rows can be read still, each time
				g.all[name] = b
				return
			}
		}
	}},
}

// tamperer changes the files of a trail.
type tamperer struct {
	t     *testing.T
	l     *lineage
	keys  *ca.DigestKeys
	all   files
	other files               // what somebody made of an older copy
	extra []logfile.PublicKey // listed beside the trail's own
}

// objects are the keys, with trail/ before them, that hold all these parts.
func (g *tamperer) objects(with, without string) []string {
	var names []string
	for name := range g.all {
		if isObject(name) && strings.Contains(name, with) && (without == "" || !strings.Contains(name, without)) {
			names = append(names, name)
		}
	}
	// By time, whatever is random in them.
	slices.SortFunc(names, func(a, b string) int {
		x, _ := logfile.ParseKey(strings.TrimPrefix(a, "trail/"))
		y, _ := logfile.ParseKey(strings.TrimPrefix(b, "trail/"))
		return x.Time.Compare(y.Time)
	})
	return names
}

func (g *tamperer) logs() []string      { return g.objects("/CloudTrail/", "") }
func (g *tamperer) digests() []string   { return g.objects("/CloudTrail-Digest/", "_backfill") }
func (g *tamperer) backfills() []string { return g.objects("_backfill", "") }
func (g *tamperer) last() string        { d := g.digests(); return d[len(d)-1] }

func (g *tamperer) remove(name string) {
	delete(g.all, name)
	delete(g.all, name+".meta.json")
}

func (g *tamperer) copy(from, to string) {
	g.all[to], g.all[to+".meta.json"] = g.all[from], g.all[from+".meta.json"]
}

// meta changes an object's metadata.
func (g *tamperer) meta(name string, change func(map[string]string)) {
	var m map[string]string
	if err := json.Unmarshal(g.all[name+".meta.json"], &m); err != nil {
		g.t.Fatal(err)
	}
	change(m)
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		g.t.Fatal(err)
	}
	g.all[name+".meta.json"] = append(b, '\n')
}

func (g *tamperer) text(name string) []byte {
	text, err := logfile.Unpack(g.all[name])
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

// repack changes an object's text.
func (g *tamperer) repack(name string, change func([]byte) []byte) {
	g.all[name] = logfile.Pack(change(g.text(name)))
	g.mend(name)
}

// mend has the metadata say of an object's bytes what they are now: who changes
// one can change the other.
func (g *tamperer) mend(name string) {
	g.meta(name, func(m map[string]string) { m["object-hash"] = hashOf(g.all[name]) })
}

func (g *tamperer) digest(name string) logfile.Digest {
	d, err := logfile.ParseDigest(g.text(name))
	if err != nil {
		g.t.Fatal(err)
	}
	return d
}

// sign changes a digest and signs it again with its own key.
func (g *tamperer) sign(name string, change func(*logfile.Digest)) {
	d := g.digest(name)
	change(&d)
	text, err := d.Encode()
	if err != nil {
		g.t.Fatal(err)
	}
	signature, err := g.keys.Sign(d.Fingerprint, d.StringToSign(text))
	if err != nil {
		g.t.Fatal(err)
	}
	g.all[name] = logfile.Pack(text)
	g.meta(name, func(m map[string]string) { m[logfile.MetaSignature] = hex.EncodeToString(signature) })
	g.mend(name)
}

// resign signs the whole chain with a key of somebody else's who has it listed.
func (g *tamperer) resign() {
	stranger := newLineage(g.t)
	keys, err := ca.LoadDigest(caDir(stranger.cfg))
	if err != nil {
		g.t.Fatal(err)
	}
	own := g.keys
	g.keys = keys
	defer func() { g.keys = own }()
	g.extra = publicKeys(keys.All())
	fingerprint := g.extra[0].Fingerprint
	var signature, hash *string
	for i, name := range g.digests() {
		g.sign(name, func(d *logfile.Digest) {
			d.Fingerprint = fingerprint
			if signature != nil {
				d.PreviousSignature, d.PreviousHash = signature, hash
			}
			if i == 3 {
				d.LogFiles = d.LogFiles[:len(d.LogFiles)-1]
			}
		})
		g.meta(name, func(m map[string]string) { s := m[logfile.MetaSignature]; signature = &s })
		h := hashOf(g.text(name))
		hash = &h
	}
}

// validate has AWS's command line look, and says in a cell what it said.
func (g *tamperer) validate(aws string, from, to time.Time) string {
	s := httptest.NewServer(http.HandlerFunc(g.serve))
	defer s.Close()
	ctx, cancel := context.WithCancel(g.t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, aws, "cloudtrail", "validate-logs", "--trail-arn", LayoutOf(g.l.cfg, "").ARN(),
		"--start-time", from.Format(time.RFC3339), "--end-time", to.Format(time.RFC3339))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.t.TempDir(), "AWS_ACCESS_KEY_ID=A", "AWS_SECRET_ACCESS_KEY=B", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL_CLOUDTRAIL=" + s.URL, "AWS_ENDPOINT_URL_S3=" + s.URL, "AWS_DEFAULT_REGION=" + g.l.cfg.Region, "AWS_MAX_ATTEMPTS=1"}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	if err == nil {
		return "**passes, exit 0**"
	}
	if code != 1 {
		g.t.Fatalf("validate-logs: %v: %s%s", err, out.String(), problems.String())
	}
	var said []string
	for _, m := range regexp.MustCompile(`(Digest|Log|Backfill digest) file\s+s3://\S+\s+INVALID: (.*)`).FindAllStringSubmatch(problems.String()+out.String(), -1) {
		if text := strings.ToLower(m[1]) + " file `" + m[2] + "`"; !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	if said == nil {
		g.t.Fatalf("validate-logs says what is not understood: %s%s", out.String(), problems.String())
	}
	return strings.Join(said, ", ") + ", exit 1"
}

// serve is as much of CloudTrail and S3 as validate-logs asks for.
func (g *tamperer) serve(w http.ResponseWriter, r *http.Request) {
	bucket := bucketName(g.l.cfg)
	if r.Method == http.MethodPost {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListPublicKeys") {
			type listed struct {
				Fingerprint                        string
				Value                              string
				ValidityStartTime, ValidityEndTime int64
			}
			var keys []listed
			for _, k := range append(publicKeys(g.keys.All()), g.extra...) {
				keys = append(keys, listed{k.Fingerprint, base64.StdEncoding.EncodeToString(k.DER), k.From.Unix(), k.To.Unix()})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"PublicKeyList": keys})
			return
		}
		l := LayoutOf(g.l.cfg, "")
		_ = json.NewEncoder(w).Encode(map[string]any{"trailList": []any{map[string]any{"Name": l.Name, "S3BucketName": bucket, "TrailARN": l.ARN(), "HomeRegion": l.Region}}})
		return
	}
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"+bucket), "/")
	switch body, ok := g.all["trail/"+key]; {
	case r.URL.Query().Has("location"):
		fmt.Fprintf(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</LocationConstraint>`, g.l.cfg.Region)
	case key == "":
		g.list(w, r.URL.Query())
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
	default:
		var meta map[string]string
		_ = json.Unmarshal(g.all["trail/"+key+".meta.json"], &meta)
		for name, value := range meta {
			w.Header()["x-amz-meta-"+name] = []string{value} // in small letters: the command line looks no further
		}
		_, _ = w.Write(body)
	}
}

func (g *tamperer) list(w http.ResponseWriter, q url.Values) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(g.all)) {
		key, ok := strings.CutPrefix(name, "trail/")
		if !ok || !isObject(name) || key <= q.Get("marker") || !strings.HasPrefix(key, q.Get("prefix")) {
			continue
		}
		b.WriteString("<Contents><Key>")
		_ = xml.EscapeText(&b, []byte(key))
		fmt.Fprintf(&b, "</Key><LastModified>2000-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>%d</Size></Contents>", len(g.all[name]))
	}
	fmt.Fprintf(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>x</Name><IsTruncated>false</IsTruncated>%s</ListBucketResult>`, &b)
}

// ours is what trail verify says, in a cell: the kinds of what it found.
func ours(r *TrailReport) string {
	if r.Intact {
		return "intact, exit 0"
	}
	var said []string
	for _, f := range r.Findings {
		text := kindOf(f.Where) + ": " + plain(f.Problem)
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	more := ""
	if len(said) > 2 {
		more = fmt.Sprintf("; and %d more", len(said)-2)
		said = said[:2]
	}
	return strings.Join(said, "; ") + more + ", exit 3"
}

func kindOf(where string) string {
	switch {
	case strings.Contains(where, logfile.KindDigest) && strings.Contains(where, "_backfill"):
		return "backfill digest"
	case strings.Contains(where, logfile.KindDigest):
		return "digest"
	case strings.Contains(where, "/CloudTrail/"):
		return "log file"
	case strings.HasSuffix(where, ".seg"):
		return "segment"
	case strings.HasSuffix(where, ".parquet"):
		return "seal"
	}
	return where
}

var varying = regexp.MustCompile(`(s3://|AWSLogs/|file://|/tmp/|/dev/)\S+[^\s,:;.]|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z|\b[0-9]+\b`)

// plain is a finding without what is another each time.
func plain(problem string) string {
	return strings.ReplaceAll(varying.ReplaceAllString(problem, "…"), "|", "/")
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

const pageHead = `<!-- generated: TRAILGATE_TOOLS=$PWD/.tools go test -tags conformance -run TestConformanceTampering ./internal/app -update writes it; do not edit -->
# What tampering is noticed

    trailgate trail verify

Every row is a change of a small trail (segments, seals, log files, digests, one of them of the backfill chain, and anchors in a
directory that the change does not reach), and what the AWS command line %s and Trailgate said of it. ` + "`make conformance`" + ` makes the
changes and runs both; where it says **passes**, whoever relies on ` + "`aws cloudtrail validate-logs`" + ` alone does not learn of it. What
names a file, an event or a time in the real output is … here: [Verify the trail](../how-to/verify-the-trail.md) shows some.

| What was changed | ` + "`aws cloudtrail validate-logs`" + ` | ` + "`trailgate trail verify`" + ` |
|---|---|---|
`

const pageTail = `
The last rows are about what AWS's command line never sees, and about somebody who has everything: the disk, and the keys that sign.
Against that person there is only what lies where they may not write.

Beside these, 100,000 random edits, cuts, swaps and rollbacks of such a trail, an equal share each, are all found, and located: the file
or segment that was changed, the event where it is in the journal, the first missing event of a rollback
(` + "`TestEveryMutationIsFound`" + ` in ` + "`internal/app`" + `; ` + "`TRAILGATE_MUTATIONS`" + ` says how many).
`
