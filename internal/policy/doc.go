// Package policy decides. It is the one authoriser for every route and
// credential: [Decide] answers a [Request] from an immutable [Book] of
// policies and locks, and says why. It is pure: time is in the request.
//
// # The rules
//
//   - Nothing is allowed unless a permit matches; a forbid that matches wins.
//   - A policy that fails to evaluate denies, whatever the others say. Cedar by
//     itself skips such a policy, so that a failing forbid would allow.
//   - A deny lock that matches denies before any policy is asked; a require_mfa
//     lock that matches denies until a second factor is proven.
//   - Whether an identity is an administrator of Trailgate changes nothing here:
//     administrators reach targets by policy, like everybody.
//   - Only Decide makes a [Grant], and dialling a target needs one.
//
// # What policies speak of
//
// Policies are Cedar (https://docs.cedarpolicy.com):
//
//	principal   Identity::"alice", in the roles it has: Role::"ops".
//	            principal.name and principal.arn are strings.
//	action      Action::"Connect", "Shell", "Exec", "Subsystem", "Tunnel",
//	            "ForwardAgent", "ForwardX11". Connect is asked once for each
//	            session, the others for each channel and request inside it.
//	resource    Target::"web1". Each label of the target is a string attribute.
//	            A target may lack any label, so a policy asks first:
//	            resource has env && resource.env == "prod"
//	            On the trail: "ReadTrail" (every event), "ReadOwnEvents" (those one
//	            caused oneself), "ReadLogFiles" (log files, digests and their keys),
//	            "PutAuditEvents" (add events from outside), asked for each call of
//	            the CloudTrail API.
//	            Trail::"trailgate" is the trail, by its name. It has no labels.
//	context     login     string   the account on the target; empty for the trail
//	            mfa       boolean  a second factor is proven
//	            source    ipaddr   where the client is
//	            hour      long     0 to 23, UTC
//	            weekday   string   "Monday" to "Sunday", UTC
//	            time      datetime
//	            command   string   Exec only: the command line
//	            subsystem string   Subsystem only: sftp, …
//	            host      string   Tunnel only: the destination
//	            port      long     Tunnel only
//
// A permit whose head names neither an action nor a resource speaks of targets
// only: the trail's actions are permitted by name, or with resource is Trail.
// A forbid that names nothing forbids those as well.
//
// The annotation @reason("…") on a forbid is what the refused person reads.
//
// An example: operators reach what they run as deploy, and as root with a
// second factor; nobody opens tunnels out of production; nobody works on
// production at weekends from outside the office.
//
//	permit (principal in Role::"ops", action, resource)
//	when { context.login == "deploy" || (context.login == "root" && context.mfa) };
//
//	@reason("tunnels out of production are closed")
//	forbid (principal, action == Action::"Tunnel", resource)
//	when { resource has env && resource.env == "prod" };
//
//	@reason("production rests at weekends")
//	forbid (principal, action, resource)
//	when { resource has env && resource.env == "prod" }
//	when { ["Saturday", "Sunday"].contains(context.weekday) }
//	unless { context.source.isInRange(ip("10.0.0.0/8")) };
//
// Auditors read everything and verify the log files, from the office; everybody
// may read what they did themselves.
//
//	permit (principal in Role::"auditor", action in [Action::"ReadTrail", Action::"ReadLogFiles"], resource)
//	when { context.source.isInRange(ip("10.0.0.0/8")) };
//
//	permit (principal, action == Action::"ReadOwnEvents", resource);
//
// [Compile] checks policies against this model, so a misspelt attribute, an
// unguarded label or a comparison that can never hold is refused when the
// policy is put, with its line and column, and not met by somebody at night.
package policy
