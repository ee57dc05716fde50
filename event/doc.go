// Package event is Trailgate's vocabulary of facts: the CloudTrail record and
// every event the gate, the trail and the runbooks put into one.
//
// A [Record] has the shape AWS CloudTrail gives its records (eventVersion
// 1.11), so whatever reads CloudTrail reads Trailgate. What happened is an
// [Event]: a Go struct named for its eventName, whose fields say in their tags
// where they go:
//
//	request:"name"   requestParameters.name
//	response:"name"  responseElements.name
//	details:"name"   serviceEventDetails.name
//
// [Origin.Record] joins an Event with who did it and where ([Meta]). A refusal
// is the same Event with an error code, never a twin; success never has one.
//
// Secrets never enter an Event: credentials appear as fingerprints, and an
// unknown user name as [Hidden].
//
// The reference page, the JSON Schema and the table definition are generated
// from this package; a test fails when they differ.
//
//go:generate go run ./internal/gen
//go:generate go run ../internal/house/tables ..
//go:generate go test ../internal/ocsf -count=1 -run Page -update
package event
