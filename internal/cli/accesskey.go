package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/state"
)

// Access keys are keys, too: `key VERB --api` is about them. addAccessKeys
// gives each verb of the key command its second half.
func (sh *shell) addAccessKeys(key *cobra.Command) {
	n := noun[state.AccessKey]{"key", "access keys", (*client.Client).AccessKeys, cols("accessKeyId", "identity", "status", "temporary:boolean", "created:timestamp", "expires:timestamp"),
		func(k state.AccessKey) []any {
			status, expires := "Active", any(nil)
			if k.Disabled {
				status = "Inactive"
			}
			if !k.Expires.IsZero() {
				expires = k.Expires
			}
			return []any{k.ID, k.Identity, status, strings.HasPrefix(k.ID, "ASIA"), k.Created, expires}
		}, []string{"accessKeyId", "identity", "status", "created", "expires"}}
	set := func(verb string, disabled bool) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if err := c.SetAccessKey(cmd.Context(), args[0], disabled); err != nil {
					return err
				}
				sh.done("", "%s %s", verb, args[0])
				return nil
			})
		}
	}
	second := map[string]func(*cobra.Command, []string) error{
		"list":    n.list(sh, nil),
		"show":    n.showCommand(sh).RunE,
		"create":  sh.createAccessKey,
		"disable": set("disabled", true),
		"enable":  set("enabled", false),
		"delete":  sh.deleteAccessKey,
	}
	for _, c := range key.Commands() {
		other, first := second[c.Name()], c.RunE
		api := c.Flags().Bool("api", false, "an access key of the CloudTrail API")
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if *api {
				return other(cmd, args)
			}
			return first(cmd, args)
		}
		if c.Name() == "create" {
			c.Use = "create --identity NAME (--file KEY.pub | --api)"
			c.Short = "Enrol a public key, or make an access key of the CloudTrail API"
			c.Long = c.Short + ".\n\n" +
				"  trailgate key create --identity alice --file alice.pub\n" +
				"  trailgate key create --identity auditor --api --expires 90d\n\n" +
				"An access key's secret is shown once, with what to add to ~/.aws/config."
			c.Flags().String("expires", "", "with --api: when it ends, such as 90d or 12h (default: never)")
			c.Flags().Bool("session-token", false, "with --api: a temporary key, which works with a session token only")
			c.Flags().String("profile", "trailgate", "with --api: the name of the profile it prints")
			c.Flags().String("endpoint", "", "with --api: the URL at which clients reach the API (default: where it listens)")
			c.MarkFlagsOneRequired("file", "api")
			c.MarkFlagsMutuallyExclusive("file", "api")
		}
	}
}

// createAccessKey makes an access key. stdout is what AWS's tools read.
func (sh *shell) createAccessKey(cmd *cobra.Command, _ []string) error {
	f := cmd.Flags()
	in := rest.AccessKeyRequest{}
	in.Identity, _ = f.GetString("identity")
	in.Temporary, _ = f.GetBool("session-token")
	profile, _ := f.GetString("profile")
	endpoint, _ := f.GetString("endpoint")
	if span, _ := f.GetString("expires"); span != "" {
		d, err := config.ParseSpan(span)
		if err != nil {
			return misused("such as --expires 90d", "%w", err)
		}
		in.Expires = time.Now().Add(d).Truncate(time.Second)
	} else if in.Temporary {
		in.Expires = time.Now().Add(12 * time.Hour).Truncate(time.Second)
	}
	return sh.server(func(c *client.Client) error {
		k, err := c.CreateAccessKey(cmd.Context(), in)
		if err != nil {
			return err
		}
		if sh.output == "json" || sh.output == "jsonl" {
			return sh.printAccessKey(k)
		}
		if endpoint == "" {
			endpoint = k.API
		}
		next := "aws --profile " + profile + " cloudtrail describe-trails"
		if endpoint == "" {
			endpoint, next = "https://HOST:PORT", "set api.listen, which is empty, and start the server again"
		}
		fmt.Fprintf(sh.err, "%s belongs to %s. Add this to ~/.aws/config:\n", k.ID, in.Identity)
		fmt.Fprint(sh.out, profileText(profile, endpoint, k))
		sh.done(next, "the secret is not shown again")
		return nil
	})
}

func (sh *shell) printAccessKey(k rest.AccessKeyAnswer) error {
	row := []any{k.ID, k.Secret, k.Token, nil}
	if !k.Expires.IsZero() {
		row[3] = k.Expires
	}
	return sh.print(cols("accessKeyId", "secretAccessKey", "sessionToken", "expires:timestamp"), [][]any{row}, "")
}

// profileText is a profile of ~/.aws/config with everything in it: the key and
// where the three services are. S3 needs its bucket in the path, because
// BUCKET.HOST is no name of this server.
func profileText(profile, endpoint string, k rest.AccessKeyAnswer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[profile %s]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n", profile, k.Region, k.ID, k.Secret)
	if k.Token != "" {
		fmt.Fprintf(&b, "aws_session_token = %s\n", k.Token)
	}
	fmt.Fprintf(&b, "services = %s\ns3 =\n  addressing_style = path\n  signature_version = s3v4\n\n[services %s]\n", profile, profile)
	for _, service := range []string{"cloudtrail", "cloudtrail_data", "s3"} {
		fmt.Fprintf(&b, "%s =\n  endpoint_url = %s\n", service, endpoint)
	}
	return b.String()
}

func (sh *shell) deleteAccessKey(cmd *cobra.Command, args []string) error {
	yes, _ := cmd.Flags().GetBool("yes")
	return sh.server(func(c *client.Client) error {
		if _, err := c.AccessKeys(cmd.Context(), args[0]); err != nil {
			return err
		}
		if err := sh.confirm(yes, "delete access key "+args[0]); err != nil {
			return err
		}
		if err := c.Delete(context.WithoutCancel(cmd.Context()), "accesskey", args[0]); err != nil {
			return err
		}
		sh.done("", "deleted access key %s", args[0])
		return nil
	})
}
