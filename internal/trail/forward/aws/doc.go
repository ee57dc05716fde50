// Package aws has the sinks in AWS: CloudWatch Logs, EventBridge, CloudTrail Lake
// and Security Lake.
//
// The first three are called by hand, one signed POST each: no module for them is
// worth its size, and for CloudTrail Lake's there is none to be had. Credentials
// come from where AWS's own tools take them, and are fetched again when AWS says
// that they have expired.
//
// An error of AWS's is one of three things, and that decides what becomes of the
// events:
//
//   - about the message (too large, malformed, too old): it is put aside;
//   - passing (throttled, overloaded, a clock that is wrong, a token that has
//     expired): it is sent again;
//   - about the sink (no such channel, access denied): it is sent again too,
//     until somebody mends it, and the error says what.
package aws
