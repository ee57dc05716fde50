package authn

import (
	"crypto/sha256"
	"encoding/base32"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// The methods an identity can have proven itself by.
const (
	PublicKey     = "publickey"
	PublicKeyTOTP = "publickey+totp"
)

// How a second factor was proven.
const (
	ByTOTP     = "totp"       // a code, on this connection
	ByMemory   = "remembered" // a code, for the same key and source a short while ago
	notProven  = ""
	typeUser   = "IAMUser"
	typeRole   = "AssumedRole"
	rolePrefix = "assumed-role/"
)

// Identity is who acts, proven by a finished authentication. The zero Identity
// is nobody: it is not Proven and policy knows no such subject.
type Identity struct {
	name, arn, kind string
	account         string
	roles           []string
	admin           bool

	fingerprint, keyType string
	accessKey            bool // fingerprint is an access key's ID
	source               netip.Addr
	mfa                  string
	since                time.Time
}

// Proven says whether i came from an authentication at all.
func (i Identity) Proven() bool { return i.name != "" && i.fingerprint != "" }

// Name is the identity's name, e.g. alice.
func (i Identity) Name() string { return i.name }

// ARN is its principal.
func (i Identity) ARN() string { return i.arn }

// Roles are the names of the roles it is in.
func (i Identity) Roles() []string { return slices.Clone(i.roles) }

// Admin says whether it may administer this installation.
func (i Identity) Admin() bool { return i.admin }

// MFA says whether a second factor is proven.
func (i Identity) MFA() bool { return i.mfa != notProven }

// Factor is how the second factor was proven: ByTOTP, ByMemory, or empty.
func (i Identity) Factor() string { return i.mfa }

// Fingerprint is that of the key that proved it; of an access key its ID.
func (i Identity) Fingerprint() string { return i.fingerprint }

// KeyType is the algorithm of that key.
func (i Identity) KeyType() string { return i.keyType }

// Source is the address it authenticated from.
func (i Identity) Source() netip.Addr { return i.source }

// Method is what was proven on this connection.
func (i Identity) Method() string {
	if i.accessKey {
		return AccessKey
	}
	if i.mfa == ByTOTP {
		return PublicKeyTOTP
	}
	return PublicKey
}

// Subject is what policy and locks may know of it.
func (i Identity) Subject() policy.Subject {
	return policy.Subject{Name: i.name, ARN: i.arn, Roles: i.Roles(), Fingerprint: i.fingerprint}
}

// UserIdentity is the record's userIdentity. creationDate is when the identity
// was proven.
func (i Identity) UserIdentity() event.UserIdentity {
	u := principal(i.kind, i.arn, i.name, i.account)
	if i.accessKey {
		u.AccessKeyID = i.fingerprint
	}
	mfa := "false"
	if i.MFA() {
		mfa = "true"
	}
	if u.SessionContext == nil {
		u.SessionContext = new(event.SessionContext)
	}
	u.SessionContext.Attributes = &event.SessionAttributes{
		CreationDate:     i.since.UTC().Format(time.RFC3339),
		MFAAuthenticated: mfa,
	}
	return u
}

// ARN is the principal of the local identity name.
func ARN(account, name string) string { return "arn:aws:iam::" + account + ":user/" + name }

// Principal is the userIdentity of an identity that has not logged in here,
// for acts of others about it and for sessions a crash cut.
func Principal(account, name, arn string) event.UserIdentity {
	if arn == "" {
		arn = ARN(account, name)
	}
	return principal("", arn, name, account)
}

// Unknown is the userIdentity of somebody who has proven nothing. What they
// typed is never stored: people type passwords there.
func Unknown(account string) event.UserIdentity {
	return event.UserIdentity{Type: "Unknown", PrincipalID: "Anonymous", AccountID: account, UserName: event.Hidden}
}

// principal shapes a userIdentity after its ARN, as CloudTrail does.
func principal(kind, arn, name, account string) event.UserIdentity {
	resource := arn
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 && f[0] == "arn" {
		resource = f[5]
		if f[4] != "" {
			account = f[4]
		}
	}
	role, assumed := strings.CutPrefix(resource, rolePrefix)
	if kind == "" {
		kind = typeUser
		if assumed {
			kind = typeRole
		}
	}
	u := event.UserIdentity{Type: kind, ARN: arn, AccountID: account, UserName: name}
	if !assumed {
		u.PrincipalID = uniqueID("AIDA", arn)
		return u
	}
	roleName, session, _ := strings.Cut(role, "/")
	roleARN := "arn:aws:iam::" + account + ":role/" + roleName
	id := uniqueID("AROA", roleARN)
	u.PrincipalID = id + ":" + session
	u.SessionContext = &event.SessionContext{SessionIssuer: &event.SessionIssuer{
		Type: "Role", PrincipalID: id, ARN: roleARN, AccountID: account, UserName: roleName,
	}}
	return u
}

// uniqueID has the shape of IAM's unique IDs and is always the same for an ARN.
func uniqueID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// identityOf makes an Identity of a row; the caller has the proof.
func identityOf(row state.Identity, roles []state.Role, account string) Identity {
	arn := row.ARN
	if arn == "" {
		arn = ARN(account, row.Name)
	}
	id := Identity{name: row.Name, arn: arn, kind: row.Type, account: account, admin: row.Admin}
	for _, r := range roles {
		if slices.Contains(r.Members, row.Name) {
			id.roles = append(id.roles, r.Name)
		}
	}
	return id
}
