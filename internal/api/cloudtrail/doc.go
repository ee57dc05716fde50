// Package cloudtrail answers AWS's own tools: the CloudTrail API, the endpoint
// that takes audit events, and as much of S3 as reading log files takes.
//
//	POST /                      awsJson1.1, service cloudtrail: LookupEvents, StartQuery, …
//	POST /PutAuditEvents        rest-json, service cloudtrail-data
//	GET, HEAD /BUCKET[/KEY]     S3, read only: the trail's log files and digests
//
// # The life of a call
//
//	received ──▶ who ──────▶ what ─────▶ may ────────▶ done ─────▶ recorded ──▶ answered
//	             │ signature  │ decoded   │ policy.Decide │ looked up │ durable in the trail
//	             ▼            ▼           ▼               ▼           ▼
//	           refused      refused     refused         refused     refused
//
// Rules kept here:
//
//   - Nothing is read of a body before its length is bounded, and nothing is
//     decoded before the signature verified.
//   - Every call of somebody who was proven is an event, refused or not, and is
//     durable before its answer is sent. What changes something records itself
//     before it does (StartQuery, CancelQuery, PutAuditEvents).
//   - Calls of nobody are events too: a failed Login, collapsed when there are
//     many of one source.
//   - policy.Decide alone decides. Who may read their own events only gets
//     their own rows, bounded below the SQL, and their own queries.
//   - Error names, shapes and statuses are AWS's: its tools decide by them.
//
// The 60 operations of the API are in operations.go; those that are refused are
// there, too.
package cloudtrail
