package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestForwardersLoad(t *testing.T) {
	c, origins, err := Load(Source{File: "t.yaml", Data: []byte(`forwarders:
  - name: siem
    to: https://siem.example.com/in?token=1
    secret_file: /k
    only: eventName LIKE '%Session'
    ca_file: /ca
    client_certificate: /cert
    client_key: /key
  - {name: lake, to: "lake:arn:aws:cloudtrail:eu-west-1:111122223333:channel/x?external_id=e", from: now}
  - {name: ocsf, to: "file:///var/log/x.jsonl", format: ocsf}
`)})
	if err != nil {
		t.Fatal(err)
	}
	want := []Forwarder{
		{Name: "siem", To: "https://siem.example.com/in?token=1", Only: "eventName LIKE '%Session'", Format: "cloudtrail", SecretFile: "/k", CAFile: "/ca", ClientCertificate: "/cert", ClientKey: "/key"},
		{Name: "lake", To: "lake:arn:aws:cloudtrail:eu-west-1:111122223333:channel/x?external_id=e", Format: "cloudtrail", From: "now"},
		{Name: "ocsf", To: "file:///var/log/x.jsonl", Format: "ocsf"},
	}
	if d := cmp.Diff(want, c.Forwarders); d != "" {
		t.Errorf("forwarders differ (-want +got):\n%s", d)
	}
	if origins["forwarders.lake"] != "t.yaml:9" {
		t.Errorf("origin = %q, want t.yaml:9", origins["forwarders.lake"])
	}
}

func TestEveryExampleOfASchemeLoads(t *testing.T) {
	for _, s := range Schemes() {
		text := "forwarders:\n  - name: a\n    to: " + s.Example + "\n"
		if s.Secret {
			text += "    secret_file: /k\n"
		}
		if _, _, err := Load(Source{File: "t.yaml", Data: []byte(text)}); err != nil {
			t.Errorf("the example of %s does not load: %v", s.Name, err)
		}
	}
}

func TestWhatAForwarderMayNotSay(t *testing.T) {
	for text, want := range map[string]string{
		"forwarders: x\n":                                                               "t.yaml:1:13: forwarders: want a list",
		"forwarders: [x]\n":                                                             "t.yaml:1:14: forwarders: want {name: NAME, to: URL}",
		"forwarders: [{name: a}]\n":                                                     "t.yaml:1:14: a forwarder needs name and to",
		"forwarders: [{nam: a, to: 'file:///x'}]\n":                                     `t.yaml:1:15: unknown setting "nam" of a forwarder (did you mean "name"?)`,
		"forwarders: [{name: A/b, to: 'file:///x'}]\n":                                  `t.yaml:1:21: forwarders.name: "A/b" is not a name`,
		"forwarders: [{name: a, name: b, to: 'file:///x'}]\n":                           "t.yaml:1:24: name of a forwarder is set twice",
		"forwarders: [{name: a, to: ~}]\n":                                              "t.yaml:1:28: forwarders.to: want one value",
		"forwarders: [{name: a, to: nowhere}]\n":                                        `t.yaml:1:28: forwarders.to: "nowhere" is not a URL`,
		"forwarders: [{name: a, to: 'htps://x'}]\n":                                     `t.yaml:1:28: forwarders.to: unknown scheme "htps" (did you mean "https"?)`,
		"forwarders: [{name: a, to: 'https://u:p@x', secret_file: /k}]\n":               "t.yaml:1:28: forwarders.to: a password does not belong in settings",
		"forwarders: [{name: a, to: 'https://x'}]\n":                                    "t.yaml:1:28: forwarder a needs secret_file",
		"forwarders: [{name: a, to: 'http://x', secret_file: /k}]\n":                    `t.yaml:1:28: forwarders.to: "http://x" would go out in the clear`,
		"forwarders: [{name: a, to: 'file://host/x'}]\n":                                `t.yaml:1:28: forwarders.to: "file://host/x" is not the absolute path`,
		"forwarders: [{name: a, to: 'file:///x/'}]\n":                                   `t.yaml:1:28: forwarders.to: "file:///x/" is not the absolute path`,
		"forwarders: [{name: a, to: 'syslog+tls://x'}]\n":                               `t.yaml:1:28: forwarders.to: "syslog+tls://x" is not a host and a port`,
		"forwarders: [{name: a, to: 'syslog+tcp://logs.example.com:601'}]\n":            "t.yaml:1:28: forwarders.to: \"syslog+tcp://logs.example.com:601\" would go out in the clear",
		"forwarders: [{name: a, to: 's3://b/p?regon=x'}]\n":                             `t.yaml:1:28: forwarders.to: unknown parameter "regon" of s3 (did you mean "region"?)`,
		"forwarders: [{name: a, to: 's3://b/p', format: ocsf}]\n":                       "t.yaml:1:48: forwarders.format: s3 takes cloudtrail",
		"forwarders: [{name: a, to: 'lake:arn:aws:s3:::x'}]\n":                          `t.yaml:1:28: forwarders.to: "lake:arn:aws:s3:::x" is not the ARN of a channel`,
		"forwarders: [{name: a, to: 'file:///x', only: 'eventNam = 1'}]\n":              "t.yaml:1:47: forwarders.only: ",
		"forwarders: [{name: a, to: 'file:///x', from: then}]\n":                        `t.yaml:1:47: forwarders.from: "then" is neither beginning nor now`,
		"forwarders: [{name: a, to: 'file:///x', ca_file: /x}]\n":                       "t.yaml:1:50: forwarders.ca_file: file takes none",
		"forwarders: [{name: a, to: 'syslog+tls://x:1', client_key: /x}]\n":             "t.yaml:1:28: forwarder a: client_certificate and client_key go together",
		"forwarders:\n  - {name: a, to: 'file:///x'}\n  - {name: a, to: 'file:///y'}\n": "t.yaml:3:12: forwarder a is set twice",
		"metrics: {listen: '0.0.0.0:9100'}\n":                                           `t.yaml:1:19: metrics.listen: "0.0.0.0:9100" is not on loopback`,
		"forwarderss: []\n":                                                             `t.yaml:1:1: unknown setting "forwarderss" (did you mean "forwarders"?)`,
		"forwarders: [{name: a, to: 'file:///x', format: xml}]\n":                       "t.yaml:1:49: forwarders.format: file takes cloudtrail or ocsf",
	} {
		_, _, err := Load(Source{File: "t.yaml", Data: []byte(text)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q) = %v, want %s", text, err, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost:1": true, "127.0.0.1": true, "[::1]:6514": true, "::1": true, "[::ffff:127.0.0.1]:1": true,
		"10.0.0.1:1": false, "localhost.example.com:1": false, "127.0.0.1.example.com": false, "": false, ":80": false} {
		if got := Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %t", host, got)
		}
	}
}
