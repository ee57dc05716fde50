package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

// Options say where a service is and who calls it.
type Options struct {
	Region   string           // needed
	Endpoint string           // URL of a VPC endpoint or another server; "" is AWS's own
	Now      func() time.Time // nil is time.Now
}

// client calls one service.
type client struct {
	service string
	region  string
	base    *url.URL
	load    func(context.Context) (sdk.Config, error) // AWS's settings and credentials, from their files again
	creds   sdk.CredentialsProvider
	signer  *v4.Signer
	http    *http.Client
	now     func() time.Time
	skew    time.Duration // AWS's clock less ours, as its last complaint showed
}

// open prepares to call a service by its signing name, which is the beginning of
// its host name, too. It asks nothing of AWS yet.
func open(ctx context.Context, service string, o Options) (*client, error) {
	if o.Region == "" {
		return nil, fmt.Errorf("%s: no region is known: put ?region=… into its URL", service)
	}
	load := func(ctx context.Context) (sdk.Config, error) {
		return config.LoadDefaultConfig(ctx, config.WithRegion(o.Region))
	}
	cfg, err := load(ctx)
	if err != nil {
		return nil, fmt.Errorf("read AWS's settings: %w", err)
	}
	address := o.Endpoint
	switch {
	case address != "":
	case cfg.BaseEndpoint != nil: // AWS_ENDPOINT_URL
		address = *cfg.BaseEndpoint
	default:
		address = "https://" + service + "." + o.Region + "." + domainOf(o.Region)
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("%s: the endpoint %q is not an http or https URL", service, address)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		transport = b.GetTransport() // it trusts AWS_CA_BUNDLE
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a signature is for one host
	return &client{service: service, region: o.Region, base: base, load: load, creds: cfg.Credentials, signer: v4.NewSigner(),
		http: &http.Client{Transport: transport, CheckRedirect: stay}, now: o.Now}, nil
}

// domainOf is the end of a host name in a region's partition.
func domainOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func (c *client) close() error {
	c.http.CloseIdleConnections()
	return nil
}

// request is one call.
type request struct {
	path   string
	query  url.Values
	target string // X-Amz-Target of the JSON protocol; "" for REST
	body   []byte
}

// maxAnswer is far above what any of these services answers.
const maxAnswer = 4 << 20

// call signs a request, sends it and decodes the answer. It tries again at once
// when only its clock or its token was wrong.
func (c *client) call(ctx context.Context, req request, answer any) error {
	err := c.once(ctx, req, answer)
	var f *apiError
	if errors.As(err, &f) && c.mend(ctx, f) {
		err = c.once(ctx, req, answer)
	}
	return err
}

// mend says whether the same call may fare better now.
func (c *client) mend(ctx context.Context, f *apiError) bool {
	if slices.Contains(stale, f.Code) {
		cfg, err := c.load(ctx)
		if err != nil {
			return false // what AWS said says more
		}
		c.creds = cfg.Credentials
		return true
	}
	if !slices.Contains(skewed, f.Code) || f.date.IsZero() {
		return false
	}
	d := f.date.Sub(c.now())
	mended := (d - c.skew).Abs() > time.Minute
	c.skew = d
	return mended
}

func (c *client) once(ctx context.Context, req request, answer any) error {
	creds, err := c.creds.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("no AWS credentials: %w", err)
	}
	u := *c.base
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + req.path
	u.RawQuery = req.query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(req.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if req.target != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", req.target)
	}
	sum := sha256.Sum256(req.body)
	if err := c.signer.SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), c.service, c.region, c.now().Add(c.skew)); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return failure(resp, body)
	}
	if answer == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// apiError is an answer that is not 200.
type apiError struct {
	Status  int
	Code    string // ThrottlingException; "" when the answer has none
	Message string
	after   time.Duration
	date    time.Time // of AWS's clock
}

func (e *apiError) Error() string {
	switch {
	case e.Code == "" && e.Message == "":
		return fmt.Sprintf("HTTP status %d", e.Status)
	case e.Message == "":
		return e.Code
	case e.Code == "":
		return fmt.Sprintf("HTTP status %d: %s", e.Status, e.Message)
	default:
		return e.Code + ": " + e.Message
	}
}

// failure reads an error as the JSON and the REST protocol write it.
func failure(resp *http.Response, body []byte) *apiError {
	e := &apiError{Status: resp.StatusCode}
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
		Text    string `json:"Message"`
	}
	_ = json.Unmarshal(body, &said) // a proxy's page is no JSON: the status says it all
	for _, code := range []string{resp.Header.Get("X-Amzn-Errortype"), said.Type, said.Code} {
		code, _, _ = strings.Cut(code, ":") // Name:http://…
		if _, name, ok := strings.Cut(code, "#"); ok {
			code = name // com.amazonaws.logs#Name
		}
		if e.Code == "" {
			e.Code = code
		}
	}
	if e.Message = said.Message; e.Message == "" {
		e.Message = said.Text
	}
	// Of a wrong signature AWS goes on with what was signed, the session token too.
	e.Message, _, _ = strings.Cut(e.Message, "\n")
	e.Message = cut(e.Message, 500)
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		e.after = min(time.Duration(s)*time.Second, 10*time.Minute)
	}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.date = t
	}
	return e
}

// The names of errors that decide what becomes of a call.
var (
	// stale are errors that fresh credentials may mend: a token has expired, a key
	// was replaced in its file.
	stale = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}
	// skewed are errors that the right time may mend.
	skewed = []string{"RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch", "RequestInTheFuture", "AuthFailure"}
	// about are errors about the batch.
	about = []string{"InvalidParameterException", "InvalidParameter", "ValidationException", "ValidationError", "SerializationException", "RequestEntityTooLargeException",
		"DuplicatedAuditEventId"}
)

// batchError says of a failed call what the runner must know.
func batchError(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	var f *apiError
	if !errors.As(err, &f) {
		return err
	}
	final := f.Status == http.StatusRequestEntityTooLarge || f.Status/100 == 4 && slices.Contains(about, f.Code)
	if !final && f.after == 0 {
		return err
	}
	return &forward.BatchError{Final: final, After: f.after, Cause: err}
}

// isCode says whether AWS answered with an error of this name.
func isCode(err error, code string) bool {
	var f *apiError
	return errors.As(err, &f) && f.Code == code
}

// cut shortens text to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// encode writes JSON with <, > and & as they are: a record is not to grow.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
