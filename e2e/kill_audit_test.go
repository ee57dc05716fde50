package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/config"
)

// audits are events from outside, put through the CloudTrail API.
const audits = "audits" // the answer named the event's ID

// feeder puts events as bob.
type feeder struct {
	http http.Client
	url  string
	key  aws.Credentials
}

// newFeeder makes bob's access key; a server must run.
func (k *killed) newFeeder(apiPort string) *feeder {
	k.t.Helper()
	out, err := k.command("key", "create", "--identity", "bob", "--api", "-o", "json").Output()
	var keys []struct{ AccessKeyID, SecretAccessKey string }
	if err == nil {
		err = json.Unmarshal(out, &keys)
	}
	if err != nil || len(keys) != 1 {
		k.t.Fatalf("make an access key: %v\n%s", err, out)
	}
	cfg := config.Default()
	channel := fmt.Sprintf("arn:aws:cloudtrail:%s:%s:channel/%s", cfg.Region, cfg.AccountID, app.EventDataStoreID(cfg))
	return &feeder{
		http: http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		url:  "http://127.0.0.1:" + apiPort + "/PutAuditEvents?channelArn=" + url.QueryEscape(channel),
		key:  aws.Credentials{AccessKeyID: keys[0].AccessKeyID, SecretAccessKey: keys[0].SecretAccessKey},
	}
}

// put puts an event, and returns the ID that the answer names.
func (f *feeder) put(ctx context.Context, word string) (id string, err error) {
	now := time.Now()
	happened := now.AddDate(0, 0, -2) // on a day that is over: its seals are merged as they come
	data, err := json.Marshal(map[string]any{
		"version": "1", "UID": word, "eventSource": "badge.example.com", "eventName": "OpenDoor", "eventTime": happened.UTC().Format(time.RFC3339),
		"userIdentity": map[string]any{"type": "CustomUser", "principalId": "u-1"}, "recipientAccountId": config.Default().AccountID,
		"requestParameters": map[string]any{"door": word},
	})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]any{"auditEvents": []map[string]any{{"id": word, "eventData": string(data)}}})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, f.key, r, hex.EncodeToString(sum[:]), "cloudtrail-data", config.Default().Region, now); err != nil {
		return "", err
	}
	resp, err := f.http.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var out struct {
		Successful []struct{ EventID string }
		Failed     []struct{ ErrorMessage string }
		Message    string
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return "", err
	}
	if len(out.Successful) != 1 {
		return "", &refusedError{fmt.Sprintf("%s: %+v", resp.Status, out)}
	}
	return out.Successful[0].EventID, nil
}

// refusedError is an answer that is no, from a server that lives.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }
