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
//	context     login     string   the account on the target
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
// [Compile] checks policies against this model, so a misspelt attribute, an
// unguarded label or a comparison that can never hold is refused when the
// policy is put, with its line and column, and not met by somebody at night.
package policy
