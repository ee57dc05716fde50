package logfile

import (
	"crypto/rand"
	"strings"
	"time"
)

// Names are CloudTrail's, to the letter, because tools take them apart
// (CloudTrail User Guide, "CloudTrail log file examples"):
//
//	[prefix/]AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/
//	  ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHMMZ_UNIQUE.json.gz
//	[prefix/]AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/
//	  ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHMMSSZ[_backfill].json.gz

// The kinds of files, as keys spell them.
const (
	KindLog    = "CloudTrail"
	KindDigest = "CloudTrail-Digest"
)

const (
	root        = "AWSLogs/"
	ext         = ".json.gz"
	backfill    = "_backfill"
	dayLayout   = "2006/01/02"
	minuteStamp = "20060102T1504Z"
	secondStamp = "20060102T150405Z"
)

// Layout says where a trail's files lie in a bucket. The home region of the
// trail is its region.
type Layout struct {
	Prefix    string // before AWSLogs, without the slash; "" for none
	AccountID string
	Region    string
	Name      string // of the trail
}

// ARN is the trail's.
func (l Layout) ARN() string {
	return "arn:aws:cloudtrail:" + l.Region + ":" + l.AccountID + ":trail/" + l.Name
}

// LogPrefix starts the keys of all log files.
func (l Layout) LogPrefix() string { return l.prefix(KindLog) }

// DigestPrefix starts the keys of all digests, those of other trails of the
// account and region too.
func (l Layout) DigestPrefix() string { return l.prefix(KindDigest) }

func (l Layout) prefix(kind string) string {
	p := root + l.AccountID + "/" + kind + "/" + l.Region + "/"
	if l.Prefix != "" {
		p = l.Prefix + "/" + p
	}
	return p
}

// LogKey names a log file delivered at t. unique is 16 letters and digits.
func (l Layout) LogKey(t time.Time, unique string) string {
	t = t.UTC()
	return l.LogPrefix() + t.Format(dayLayout) + "/" + l.AccountID + "_" + KindLog + "_" + l.Region + "_" + t.Format(minuteStamp) + "_" + unique + ext
}

// DigestKey names the digest that ends at end.
func (l Layout) DigestKey(end time.Time, backfilled bool) string {
	end = end.UTC()
	suffix := ext
	if backfilled {
		suffix = backfill + ext
	}
	return l.DigestPrefix() + end.Format(dayLayout) + "/" + l.AccountID + "_" + KindDigest + "_" + l.Region + "_" + l.Name + "_" + l.Region + "_" + end.Format(secondStamp) + suffix
}

// Key is a file's key taken apart.
type Key struct {
	Layout
	Kind       string    // KindLog or KindDigest; AWS has more, which are not ours
	HomeRegion string    // of a digest's trail
	Time       time.Time // delivery to the minute of a log file, end of a digest
	Unique     string    // of a log file
	Backfill   bool      // a digest of the backfill chain
}

// Is reports whether the file belongs to the trail l. A log file's key names
// no trail.
func (k Key) Is(l Layout) bool {
	if k.Kind == KindDigest && (k.Name != l.Name || k.HomeRegion != l.Region) {
		return false
	}
	return k.Prefix == l.Prefix && k.AccountID == l.AccountID && k.Region == l.Region
}

// ParseKey takes a key of a log file or digest apart. It reports false for any
// that Layout would not have made.
func ParseKey(key string) (Key, bool) {
	dir, name, ok := cutLast(key, "/")
	if !ok {
		return Key{}, false
	}
	name, ok = strings.CutSuffix(name, ext)
	if !ok {
		return Key{}, false
	}
	var k Key
	parts := strings.Split(name, "_")
	switch {
	case len(parts) == 5 && parts[1] == KindLog:
		k.Unique = parts[4]
		k.Time, ok = parseStamp(minuteStamp, parts[3])
	case len(parts) >= 6 && parts[1] == KindDigest:
		last := len(parts) - 1
		if k.Backfill = "_"+parts[last] == backfill; k.Backfill {
			last--
		}
		if last < 5 {
			return Key{}, false
		}
		k.HomeRegion, k.Name = parts[last-1], strings.Join(parts[3:last-1], "_")
		k.Time, ok = parseStamp(secondStamp, parts[last])
	default:
		return Key{}, false
	}
	if !ok || k.Kind == KindLog && !isUnique(k.Unique) {
		return Key{}, false
	}
	k.AccountID, k.Kind, k.Region = parts[0], parts[1], parts[2]
	at := strings.LastIndex("/"+dir+"/", "/"+root)
	if at < 0 {
		return Key{}, false
	}
	k.Prefix = strings.TrimSuffix(dir[:at], "/")
	if k.Kind == KindLog && !isUnique(k.Unique) || dir != strings.TrimSuffix(k.prefix(k.Kind), "/")+"/"+k.Time.Format(dayLayout) {
		return Key{}, false
	}
	return k, true
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

func parseStamp(layout, s string) (time.Time, bool) {
	t, err := time.Parse(layout, s)
	return t, err == nil && t.Format(layout) == s
}

const (
	uniqueLength  = 16
	uniqueLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// newUnique is what makes a log file's name unique: 95 bits.
func newUnique() string {
	b := make([]byte, 0, uniqueLength)
	for len(b) < uniqueLength {
		var random [2 * uniqueLength]byte
		rand.Read(random[:])
		for _, r := range random {
			if int(r) < 256/len(uniqueLetters)*len(uniqueLetters) && len(b) < uniqueLength { // each letter as likely
				b = append(b, uniqueLetters[int(r)%len(uniqueLetters)])
			}
		}
	}
	return string(b)
}

func isUnique(s string) bool {
	for _, c := range []byte(s) {
		if !strings.Contains(uniqueLetters, string(c)) {
			return false
		}
	}
	return len(s) == uniqueLength
}

// isBackfill says whether a digest is of the backfill chain, by its name.
func isBackfill(object string) bool { return strings.HasSuffix(object, backfill+ext) }
