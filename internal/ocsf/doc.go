// Package ocsf says the trail's events in OCSF, the Open Cybersecurity Schema
// Framework, version 1.3.0: the newest that Security Lake takes from a custom
// source.
//
//	record ── Map ──▶ Event (one of the classes in classes.go) ── Append ──▶ JSON
//	                                                            └─ parquet tags ──▶ columns
//
// Three kinds of records are read: Trailgate's own, each by its rule (rules.go;
// docs/reference/ocsf.md is generated from it); AWS's, as AWS maps them (Account
// Change, Authentication, API Activity); and those other services gave to
// PutAuditEvents, by their names.
//
//   - What a class has a place for goes there. The rest is in unmapped, by its
//     path in the record: nothing is lost and nothing is invented.
//   - An attribute that is not known is absent. Enumerations are the schema's
//     integers, and their captions stand beside them.
//   - A record that lacks what its class requires is API Activity, which every
//     record can be.
//
// The package is pure: no I/O, no goroutines, no clock; the same record is
// always the same event, byte by byte.
package ocsf
