package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// receivers are the webhook receivers of the scripts that run, by their $WORK.
var receivers sync.Map

// receiver starts, or with "stop" stops, a receiver of Standard Webhooks at
// $HOOK. Its secret is in hook.key; the event IDs it was told are in hook.ids,
// one a line. What is not signed right goes to hook.bad.
func receiver(ts *testscript.TestScript, neg bool, args []string) {
	work := ts.Getenv("WORK")
	if len(args) == 1 && args[0] == "stop" {
		stopReceiver(work)
		return
	}
	key := []byte("0123456789abcdef0123456789abcdef")
	ts.Check(os.WriteFile(ts.MkAbs("hook.key"), []byte("whsec_"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
	address := ts.Getenv("HOOK_ADDRESS")
	if address == "" {
		port, err := freePort()
		ts.Check(err)
		address = "127.0.0.1:" + port
		ts.Setenv("HOOK_ADDRESS", address)
		ts.Setenv("HOOK", "http://"+address+"/in")
	}
	ln, err := net.Listen("tcp", address)
	ts.Check(err)
	ids, bad := ts.MkAbs("hook.ids"), ts.MkAbs("hook.bad")
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		var in struct {
			Data struct {
				Records []struct {
					EventID string `json:"eventID"`
				}
			} `json:"data"`
		}
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || json.Unmarshal(body, &in) != nil {
			os.WriteFile(bad, body, 0o600)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		f, err := os.OpenFile(ids, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer f.Close()
		for _, rec := range in.Data.Records {
			fmt.Fprintln(f, rec.EventID)
		}
	})}
	receivers.Store(work, srv)
	ts.Defer(func() { stopReceiver(work) })
	go srv.Serve(ln)
}

func stopReceiver(work string) {
	if srv, ok := receivers.LoadAndDelete(work); ok {
		srv.(*http.Server).Close()
	}
}

// port sets the variable NAME to a loopback port that nobody listens on.
func port(ts *testscript.TestScript, neg bool, args []string) {
	p, err := freePort()
	ts.Check(err)
	ts.Setenv(args[0], p)
}

// get prints what a URL answers.
func get(ts *testscript.TestScript, neg bool, args []string) {
	res, err := http.Get(args[0])
	ts.Check(err)
	defer res.Body.Close()
	_, err = io.Copy(ts.Stdout(), res.Body)
	ts.Check(err)
}
