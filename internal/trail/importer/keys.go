package importer

import (
	"path"
	"strings"
	"time"
)

// What a log file's name says of it: AWS's keys are
// [prefix/]AWSLogs/[o-ORG/]ACCOUNT/KIND/REGION/YYYY/MM/DD/ACCOUNT_KIND_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz.

// isDigest says whether a name is a digest file's.
func isDigest(name string) bool {
	return strings.Contains(name, "/CloudTrail-Digest/") || strings.HasPrefix(name, "CloudTrail-Digest/") ||
		strings.Contains(path.Base(name), "_CloudTrail-Digest_")
}

// isNamedJSON says whether a name is one of a file with JSON in it.
func isNamedJSON(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	for _, ext := range []string{".json", ".jsonl", ".ndjson"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// dayOf is the day a name says that its file was delivered, "2026-11-20", or
// "" when it does not say.
func dayOf(name string) string {
	base := path.Base(name)
	for i := strings.Index(base, "_20"); i >= 0; {
		if at, err := time.Parse("20060102T1504Z", base[i+1:min(len(base), i+15)]); err == nil {
			return at.Format(time.DateOnly)
		}
		next := strings.Index(base[i+1:], "_20")
		if next < 0 {
			break
		}
		i += 1 + next
	}
	dirs := strings.Split(path.Dir(name), "/")
	for i := len(dirs) - 3; i >= 0; i-- {
		day := dirs[i] + "-" + dirs[i+1] + "-" + dirs[i+2]
		if _, err := time.Parse(time.DateOnly, day); err == nil {
			return day
		}
	}
	return ""
}

// isBefore says whether all events of a file happened before since: they did
// when it was delivered before. A name that says no day leaves it to when the
// file was last written.
func (f File) isBefore(since time.Time) bool {
	if since.IsZero() {
		return false
	}
	if f.Day != "" {
		return f.Day < since.UTC().Format(time.DateOnly)
	}
	return !f.Modified.IsZero() && f.Modified.Before(since)
}
