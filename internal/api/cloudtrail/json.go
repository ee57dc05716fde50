package cloudtrail

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
)

// jsonType is the content type of awsJson1.1, of answers too.
const jsonType = "application/x-amz-json-1.1"

// request is one operation's input.
type request interface {
	// event is the call as it is recorded.
	event() event.Event
	// serve does what was asked and returns what is answered. An operation that
	// changes something records itself first.
	serve(ctx context.Context, c *call) (any, error)
}

// targetOf is the operation an X-Amz-Target names. Botocore spells it
// com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents, other
// SDKs CloudTrail_20131101.LookupEvents.
func targetOf(header string) string {
	dot := strings.LastIndexByte(header, '.')
	if dot < 0 || !strings.HasSuffix(header[:dot], "CloudTrail_20131101") {
		return ""
	}
	return header[dot+1:]
}

// serveJSON serves the API and the audit endpoint, which differ in where the
// operation and its input stand.
func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request, c *call) {
	ctx, cancel := context.WithTimeout(r.Context(), serveLimit)
	defer cancel()
	out, err := s.callJSON(ctx, w, r, c)
	if err != nil {
		failJSON(w, answerOf(err))
		return
	}
	w.Header().Set("Content-Type", jsonType)
	if c.dialect == dataDialect {
		w.Header().Set("Content-Type", "application/json")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		s.Log.Error("answer not encoded", "err", err)
		failJSON(w, errInternal)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	if _, err := w.Write(b.Bytes()); err != nil {
		s.Log.Debug("answer not sent", "err", err)
	}
}

func (s *Server) callJSON(ctx context.Context, w http.ResponseWriter, r *http.Request, c *call) (any, error) {
	if strings.HasPrefix(r.URL.Path, "/service/") { // rpc-v2-cbor, which this service does not speak
		return nil, errUnknownOperation
	}
	if err := c.prove(ctx, w, r); err != nil {
		return nil, err
	}
	name := "PutAuditEvents"
	if c.dialect == jsonDialect {
		if name = targetOf(r.Header.Get("X-Amz-Target")); name == "" || name == "PutAuditEvents" {
			return nil, errUnknownOperation
		}
	}
	op, ok := operations[name]
	if !ok {
		return nil, errUnknownOperation
	}
	in := op.input()
	malformed := decode(c.body, in)
	if put, ok := in.(*putAuditEvents); ok {
		put.Channel, put.ExternalID = c.claim.Query.Get("channelArn"), c.claim.Query.Get("externalId")
	}
	return c.run(ctx, "cloudtrail:"+name, op, in, malformed)
}

// run takes a proven call through the rest of its life.
func (c *call) run(ctx context.Context, name string, op operation, in request, malformed error) (out any, err error) {
	if c.dialect == dataDialect {
		name = strings.Replace(name, "cloudtrail:", "cloudtrail-data:", 1)
	}
	if err = c.may(ctx, name, op.needs); err == nil {
		err = malformed
	}
	if err == nil {
		out, err = in.serve(ctx, c)
	}
	var known *apiError
	if err != nil && !errors.As(err, &known) {
		c.s.Log.Error("call failed", "operation", name, "identity", c.who.Name(), "err", err)
	}
	if c.recorded && err == nil {
		return out, nil
	}
	if c.counted(in.event(), err) {
		return nil, err
	}
	// What was recorded before it was done and then failed gets its twin with the
	// error, so that the trail does not claim what did not happen.
	if also := c.record(ctx, in.event(), err); also != nil {
		return nil, also
	}
	return out, err
}

// decode reads an input. Members that the model does not have are skipped, as
// AWS does; there is one value and no more.
func decode(body []byte, in any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(in); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return refuse("SerializationException", "%s cannot be a %s", kind.Field, kind.Value)
		}
		return refuse("SerializationException", "the request is not JSON of this operation")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse("SerializationException", "the request is more than one JSON value")
	}
	return nil
}

// failJSON writes an error of either JSON dialect.
func failJSON(w http.ResponseWriter, e *apiError) {
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("X-Amzn-Errortype", e.code)
	body, err := json.Marshal(map[string]string{"__type": e.code, "message": e.text})
	if err != nil {
		panic(fmt.Sprintf("cloudtrail: two strings are not JSON: %v", err))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // nobody is left to be told
}

// epoch is a time as the protocol has it: seconds since 1970, a number with a
// fraction. The zero epoch is absent.
type epoch struct{ time.Time }

// UnmarshalJSON reads a number of seconds.
func (e *epoch) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > 253402300799 { // the year 9999
		return &json.UnmarshalTypeError{Value: "value", Field: "a time"}
	}
	whole, part := math.Modf(f)
	e.Time = time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3).UTC()
	return nil
}

// MarshalJSON writes a number of seconds, with milliseconds if there are any.
func (e epoch) MarshalJSON() ([]byte, error) {
	if ms := e.UnixMilli(); ms%1000 != 0 {
		return strconv.AppendFloat(nil, float64(ms)/1000, 'f', 3, 64), nil
	}
	return strconv.AppendInt(nil, e.Unix(), 10), nil
}

// IsZero leaves absent times out of answers.
func (e epoch) IsZero() bool { return e.Time.IsZero() }

// stamp is a time in an event; empty for none.
func (e epoch) stamp() string {
	if e.IsZero() {
		return ""
	}
	return e.UTC().Format(time.RFC3339)
}
