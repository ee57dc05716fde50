package config

import (
	"strings"
	"testing"
	"time"
)

func TestPlaces(t *testing.T) {
	for text, want := range map[string]Place{
		"file:///srv/trail/": {Dir: "/srv/trail"},
		"s3://logs":          {Bucket: "logs"},
		"s3://logs/a/b/?region=eu-west-1&lock=30d":           {Bucket: "logs", Prefix: "a/b", Region: "eu-west-1", Lock: 30 * 24 * time.Hour},
		"s3://logs?endpoint=http%3A%2F%2F127.0.0.1:9000":     {Bucket: "logs", Endpoint: "http://127.0.0.1:9000"},
		"s3://logs/?endpoint=https://minio.example&lock=36h": {Bucket: "logs", Endpoint: "https://minio.example", Lock: 36 * time.Hour},
	} {
		if got, err := ParsePlace(text); err != nil || got != want {
			t.Errorf("ParsePlace(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "/srv", "file://srv/trail", "file:///", "file:trail", "file:///a?b=c", "s3://", "s3:///a", "s3://logs/a/../b", "s3://logs/../b", "s3://logs//a//b",
		"s3://key:secret@logs", "s3://logs?lock=0d", "s3://logs?lock=soon", "s3://logs?lock=-1h", "s3://logs?regin=x", "s3://logs?region=a&region=b",
		"s3://logs?endpoint=127.0.0.1", "s3://logs#x", "gs://logs", "s3://logs:80",
	} {
		if got, err := ParsePlace(text); err == nil {
			t.Errorf("ParsePlace(%q) = %+v, want it refused", text, got)
		}
	}
}

func TestAnchors(t *testing.T) {
	c, origins, err := Load(Source{File: "t.yaml", Data: []byte(`anchors:
  - url: file:///mnt/anchors
  - {url: "s3://anchors/a?lock=400d"}
  - {url: git+ssh://git@git.example.com:2222/anchors.git#trail, secret_file: /k}
  - {url: git+file:///srv/anchors.git}
  - {url: https://anchors.example.com/a, secret_file: /k}
  - {url: http://127.0.0.1:8080/a, secret_file: /k}
`)})
	if err != nil || len(c.Anchors) != 6 || c.Anchors[2] != (Anchor{"git+ssh://git@git.example.com:2222/anchors.git#trail", "/k"}) {
		t.Errorf("Load = %+v, %v", c.Anchors, err)
	}
	if origins["anchors[1]"] != "t.yaml:3" {
		t.Errorf("origin of the second anchor: %q", origins["anchors[1]"])
	}
	for text, want := range map[string]string{
		"anchors: x":                                     "t.yaml:1:10: anchors: want a list of places",
		"anchors: [x]":                                   "t.yaml:1:11: anchors[0]: want {url: URL",
		"anchors: [{}]":                                  "anchors[0] needs url",
		"anchors: [{ulr: x}]":                            `unknown setting "ulr" of an anchor (did you mean "url"?)`,
		"anchors: [{url: ftp://x}]":                      "is none of file:///DIR",
		"anchors: [{url: https://x}]":                    "needs secret_file",
		"anchors: [{url: http://x, secret_file: /k}]":    "must be https",
		"anchors: [{url: https://a:b@x}]":                "without a password",
		"anchors: [{url: file:///a, secret_file: /k}]":   "secret_file means nothing",
		"anchors: [{url: file:///a}, {url: file:///a}]":  "is there twice",
		"anchors: [{url: git+ssh://-oProxyCommand=x/a}]": "is not git+ssh://",
		"anchors: [{url: git+ssh://git:pw@h/a}]":         "is not git+ssh://",
		"anchors: [{url: 'git+ssh://git@h/a#-x'}]":       "not the name of a branch",
		"anchors: [{url: 'git+file:///a#b..c'}]":         "not the name of a branch",
		"anchors: [{url: git+file://h/a}]":               "is not git+file",
		"blob: {url: 'ftp://x'}":                         "blob.url: ",
	} {
		if _, _, err := Load(Source{File: "t.yaml", Data: []byte(text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%s): %v, want %q", text, err, want)
		}
	}
}
