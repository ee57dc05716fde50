package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/config"
)

func (sh *shell) athena() *cobra.Command {
	var t athenaTable
	ddl := &cobra.Command{Use: "ddl", Short: "Print the statement that makes Athena's table over our log files", Args: cobra.NoArgs,
		Long: "Print the CREATE EXTERNAL TABLE that shows our log files to Amazon Athena. They lie in S3 as AWS's own do,\n" +
			"so the table is AWS's, with the bucket, account and region filled in.\n\n" +
			"  trailgate athena ddl\n" +
			"  trailgate athena ddl --table security.ssh_logs --bucket my-logs",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			if err := t.place(cfg); err != nil {
				return err
			}
			text, err := t.ddl()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(sh.out, text)
			return err
		}}
	ddl.Flags().StringVar(&t.name, "table", "cloudtrail_logs", "the table's name, TABLE or DATABASE.TABLE")
	ddl.Flags().StringVar(&t.bucket, "bucket", "", "the bucket (default: that of blob.url)")
	ddl.Flags().StringVar(&t.prefix, "prefix", "", "what comes before AWSLogs/ in it (default: that of blob.url)")
	return group("athena", "Our log files in Amazon Athena", ddl)
}

// athenaTable is what differs from one installation to another.
type athenaTable struct{ name, bucket, prefix, account, region string }

// place fills in from the settings what no flag says.
func (t *athenaTable) place(cfg config.Config) error {
	t.account, t.region = cfg.AccountID, cfg.Region
	if t.bucket != "" {
		return nil
	}
	if cfg.Blob.URL != "" {
		p, err := config.ParsePlace(cfg.Blob.URL)
		if err != nil {
			return fmt.Errorf("blob.url: %w", err)
		}
		t.bucket = p.Bucket
		if t.prefix == "" {
			t.prefix = p.Prefix
		}
	}
	if t.bucket == "" {
		return misused("--bucket BUCKET says where a copy of them is; blob.url: s3://BUCKET/PREFIX has them written there", "Athena reads S3, and our log files are on this machine's disk")
	}
	return nil
}

// What may stand in the statement. Athena's DDL has no parameters, and its
// strings no escape that all its parsers agree on: what does not match is
// refused.
var (
	athenaName   = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,127}$`)
	athenaBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	athenaPrefix = regexp.MustCompile(`^[A-Za-z0-9!_.*()=/-]*$`)
	athenaDigits = regexp.MustCompile(`^[0-9]{12}$`)
	athenaRegion = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// ddl is the statement. Source: Athena User Guide, "Create a table for CloudTrail
// logs in Athena using partition projection".
func (t athenaTable) ddl() (string, error) {
	parts := strings.Split(t.name, ".")
	if len(parts) > 2 {
		return "", misused("DATABASE.TABLE or TABLE", "%q has too many dots for a table's name", t.name)
	}
	for _, p := range parts {
		if !athenaName.MatchString(p) {
			return "", misused("small letters, digits and underscores", "%q is no name for a table or database in Athena", p)
		}
	}
	for _, c := range []struct {
		what, value string
		may         *regexp.Regexp
		safe        string
	}{
		{"a bucket's name", t.bucket, athenaBucket, "3 to 63 small letters, digits, hyphens and dots, without s3://; --prefix is what comes after it"},
		{"a prefix for Athena", t.prefix, athenaPrefix, "letters, digits and / are safe, and so are ! _ . * ( ) = -"},
		{"an account's ID", t.account, athenaDigits, "12 digits; account_id in the settings says it"},
		{"a region's name", t.region, athenaRegion, "such as eu-west-1; region in the settings says it"},
	} {
		if !c.may.MatchString(c.value) {
			return "", misused(c.safe, "%q is not %s", c.value, c.what)
		}
	}
	place := "s3://" + t.bucket + "/"
	if p := strings.Trim(t.prefix, "/"); p != "" {
		place += p + "/"
	}
	place += "AWSLogs/" + t.account + "/CloudTrail/" + t.region
	table := "`" + strings.Join(parts, "`.`") + "`"
	return strings.NewReplacer("TABLE_NAME", table, "LOG_PLACE", place, "TABLE_READ", `"`+strings.Join(parts, `"."`)+`"`).Replace(athenaDDL), nil
}

const athenaDDL = `-- Trailgate's log files in Amazon Athena. Run this once, in the query editor or with
--   aws athena start-query-execution --query-string file://ddl.sql --work-group primary
-- New days appear by themselves: "timestamp" is projected from the keys. Name it in every
-- query, or all days are read:
--   SELECT eventtime, useridentity.username, eventname, errorcode FROM TABLE_READ
--   WHERE "timestamp" >= '2026/11/01' AND eventsource LIKE '%ssh%' ORDER BY eventtime
CREATE EXTERNAL TABLE TABLE_NAME (
  eventversion STRING,
  useridentity STRUCT<
    type:STRING,
    principalid:STRING,
    arn:STRING,
    accountid:STRING,
    invokedby:STRING,
    accesskeyid:STRING,
    username:STRING,
    onbehalfof:STRUCT<userid:STRING, identitystorearn:STRING>,
    sessioncontext:STRUCT<
      attributes:STRUCT<mfaauthenticated:STRING, creationdate:STRING>,
      sessionissuer:STRUCT<type:STRING, principalid:STRING, arn:STRING, accountid:STRING, username:STRING>,
      ec2roledelivery:STRING,
      webidfederationdata:STRUCT<federatedprovider:STRING, attributes:map<string,string>>>>,
  eventtime STRING,
  eventsource STRING,
  eventname STRING,
  awsregion STRING,
  sourceipaddress STRING,
  useragent STRING,
  errorcode STRING,
  errormessage STRING,
  requestparameters STRING,
  responseelements STRING,
  additionaleventdata STRING,
  requestid STRING,
  eventid STRING,
  readonly STRING,
  resources ARRAY<STRUCT<arn:STRING, accountid:STRING, type:STRING>>,
  eventtype STRING,
  apiversion STRING,
  recipientaccountid STRING,
  serviceeventdetails STRING,
  sharedeventid STRING,
  vpcendpointid STRING,
  vpcendpointaccountid STRING,
  eventcategory STRING,
  addendum STRUCT<reason:STRING, updatedfields:STRING, originalrequestid:STRING, originaleventid:STRING>,
  sessioncredentialfromconsole STRING,
  edgedevicedetails STRING,
  tlsdetails STRUCT<tlsversion:STRING, ciphersuite:STRING, clientprovidedhostheader:STRING>
)
PARTITIONED BY (` + "`timestamp`" + ` string)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 'LOG_PLACE'
TBLPROPERTIES (
  'projection.enabled'='true',
  'projection.timestamp.type'='date',
  'projection.timestamp.format'='yyyy/MM/dd',
  'projection.timestamp.interval'='1',
  'projection.timestamp.interval.unit'='DAYS',
  'projection.timestamp.range'='2020/01/01,NOW',
  'storage.location.template'='LOG_PLACE/${timestamp}'
)
`
