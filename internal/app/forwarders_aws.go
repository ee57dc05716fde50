package app

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/aws"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

func awsOptions(cfg config.Config, u *url.URL) aws.Options {
	return aws.Options{Region: cmp.Or(u.Query().Get("region"), cfg.Region), Endpoint: u.Query().Get("endpoint")}
}

// cloudWatchSink writes to cloudwatch://GROUP, where a group may have slashes.
func cloudWatchSink(ctx context.Context, cfg config.Config, _ config.Forwarder, u *url.URL) (forward.Sink, error) {
	o := aws.CloudWatch{Options: awsOptions(cfg, u), Group: u.Host + strings.TrimSuffix(u.Path, "/")}
	o.Stream = cmp.Or(u.Query().Get("stream"), cfg.AccountID+"_CloudTrail_"+o.Region) // CloudTrail's own name
	return aws.NewCloudWatch(ctx, o)
}

func eventBridgeSink(ctx context.Context, cfg config.Config, _ config.Forwarder, u *url.URL) (forward.Sink, error) {
	return aws.NewEventBridge(ctx, aws.EventBridge{Options: awsOptions(cfg, u), Bus: u.Host + u.Path})
}

func lakeSink(ctx context.Context, cfg config.Config, _ config.Forwarder, u *url.URL) (forward.Sink, error) {
	return aws.NewLake(ctx, aws.Lake{Options: awsOptions(cfg, u), Channel: u.Opaque, ExternalID: u.Query().Get("external_id")})
}

func securityLakeSink(ctx context.Context, cfg config.Config, f config.Forwarder, u *url.URL) (forward.Sink, error) {
	q := u.Query()
	region := cmp.Or(q.Get("region"), cfg.Region)
	b, _, err := openPlace(ctx, config.Place{Bucket: u.Host, Region: region, Endpoint: q.Get("endpoint")}, "")
	if err != nil {
		return nil, err
	}
	layout := logfile.Layout{AccountID: cfg.AccountID, Region: cfg.Region, Name: cmp.Or(cfg.Value("trail.name"), "trailgate")}
	return aws.NewSecurityLake(aws.SecurityLake{
		Bucket: b, Prefix: cmp.Or(strings.Trim(u.Path, "/"), "ext"), Source: cmp.Or(q.Get("source"), "tg_"), Region: region,
		Account: cmp.Or(q.Get("account"), "external"), Writer: layout.ARN() + "\n" + f.Name, Every: securityLakeEvery,
	}), nil
}

// securityLakeEvery is how often Security Lake wants files at most.
const securityLakeEvery = 5 * time.Minute
