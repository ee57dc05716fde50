//go:build conformance

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awstrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestConformanceAPI runs AWS's own command line and SDKs against a live
// Trailgate. scripts/tools installs them.
func TestConformanceAPI(t *testing.T) {
	tools := os.Getenv("TRAILGATE_TOOLS")
	for _, tool := range []string{tools + "/venv/bin/aws", tools + "/venv/bin/python", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not there: scripts/conformance installs it", tool)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "conformance/api",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Join(tools, "venv", "bin")+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("NODE_PATH", filepath.Join(tools, "node", "node_modules"))
			env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "aws.profile"))
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "none"))
			env.Setenv("AWS_PROFILE", "trailgate")
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_PAGER", "")
			return setup(env)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": serve, "shutdown": shutdown, "person": person, "gosdk": goSDK,
		},
		RequireUniqueNames: true,
	})
}

// goSDK takes a query through aws-sdk-go-v2: gosdk PROFILE.
func goSDK(ts *testscript.TestScript, neg bool, args []string) {
	profile, err := readProfile(ts.MkAbs(args[0]))
	ts.Check(err)
	c := awstrail.New(awstrail.Options{RetryMaxAttempts: 10, Region: profile["region"], BaseEndpoint: aws.String(profile["endpoint_url"]),
		Credentials: credentials.NewStaticCredentialsProvider(profile["aws_access_key_id"], profile["aws_secret_access_key"], "")})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	q, err := c.StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT count(*) AS n, TRUE AS yes FROM $EDS_ID")})
	ts.Check(err)
	var out *awstrail.GetQueryResultsOutput
	for deadline := time.Now().Add(time.Minute); ; {
		out, err = c.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: q.QueryId})
		ts.Check(err)
		if out.QueryStatus == types.QueryStatusFinished {
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the query is %s after a minute", out.QueryStatus)
		}
	}
	if len(out.QueryResultRows) != 1 || len(out.QueryResultRows[0]) != 2 || out.QueryResultRows[0][0]["n"] == "" || out.QueryResultRows[0][1]["yes"] != "true" {
		ts.Fatalf("rows = %v", out.QueryResultRows)
	}
	var inactive *types.InactiveQueryException
	if _, err := c.CancelQuery(ctx, &awstrail.CancelQueryInput{QueryId: q.QueryId}); !errors.As(err, &inactive) {
		ts.Fatalf("CancelQuery of a query that is over = %v, want *types.InactiveQueryException", err)
	}
	trails, err := c.DescribeTrails(ctx, &awstrail.DescribeTrailsInput{})
	ts.Check(err)
	if len(trails.TrailList) != 1 || !strings.HasSuffix(*trails.TrailList[0].TrailARN, ":trail/trailgate") {
		ts.Fatalf("DescribeTrails = %+v", trails)
	}
	events := awstrail.NewLookupEventsPaginator(c, &awstrail.LookupEventsInput{MaxResults: aws.Int32(20)})
	for pages := 0; pages < 3 && events.HasMorePages(); pages++ {
		page, err := events.NextPage(ctx)
		ts.Check(err)
		if len(page.Events) == 0 || page.Events[0].EventTime == nil {
			ts.Fatalf("LookupEvents = %+v", page)
		}
	}
}
