package event

// LookupEvents searches the management events of the last 90 days.
type LookupEvents struct {
	managementRead
	Attributes []map[string]string `request:"lookupAttributes"` // attributeKey and attributeValue of each filter
	Start      string              `request:"startTime"`        // RFC 3339, UTC
	End        string              `request:"endTime"`          // RFC 3339, UTC
	Category   string              `request:"eventCategory"`    // insight, or absent
	Max        *int                `request:"maxResults"`       // events wanted at most
	NextToken  string              `request:"nextToken"`        // where the last answer ended
}

// DescribeQuery asks how a query does.
type DescribeQuery struct {
	managementRead
	QueryID string `request:"queryId"`        // the query
	Alias   string `request:"queryAlias"`     // its alias, instead of an ID
	Store   string `request:"eventDataStore"` // ARN or ID of the event data store
}

// GetQueryResults reads a page of a query's rows.
type GetQueryResults struct {
	managementRead
	QueryID   string `request:"queryId"`         // the query
	Store     string `request:"eventDataStore"`  // ARN or ID of the event data store
	Max       *int   `request:"maxQueryResults"` // rows wanted at most
	NextToken string `request:"nextToken"`       // where the last answer ended
}

// ListQueries lists the queries of the last seven days.
type ListQueries struct {
	managementRead
	Store     string `request:"eventDataStore"` // ARN or ID of the event data store
	Status    string `request:"queryStatus"`    // QUEUED, RUNNING, FINISHED, FAILED, CANCELLED or TIMED_OUT
	Start     string `request:"startTime"`      // RFC 3339, UTC
	End       string `request:"endTime"`        // RFC 3339, UTC
	Max       *int   `request:"maxResults"`     // queries wanted at most
	NextToken string `request:"nextToken"`      // where the last answer ended
}

// CancelQuery stops a query.
type CancelQuery struct {
	managementWrite
	QueryID string `request:"queryId"`        // the query
	Store   string `request:"eventDataStore"` // ARN or ID of the event data store
}

// ListEventDataStores lists the event data store of this installation.
type ListEventDataStores struct {
	managementRead
	Max       *int   `request:"maxResults"` // stores wanted at most
	NextToken string `request:"nextToken"`  // where the last answer ended
}

// GetEventDataStore describes an event data store.
type GetEventDataStore struct {
	managementRead
	Store string `request:"eventDataStore"` // ARN or ID of the event data store
}

// ListPublicKeys lists the keys that digests are signed with.
type ListPublicKeys struct {
	managementRead
	Start     string `request:"startTime"` // RFC 3339, UTC
	End       string `request:"endTime"`   // RFC 3339, UTC
	NextToken string `request:"nextToken"` // where the last answer ended
}

// DescribeTrails describes trails.
type DescribeTrails struct {
	managementRead
	Names  []string `request:"trailNameList"`       // names or ARNs; none for all
	Shadow *bool    `request:"includeShadowTrails"` // whether those of other regions are wanted
}

// GetTrail describes a trail.
type GetTrail struct {
	managementRead
	Name string `request:"name"` // name or ARN
}

// ListTrails lists the trails.
type ListTrails struct {
	managementRead
	NextToken string `request:"nextToken"` // where the last answer ended
}

// GetTrailStatus asks how a trail's delivery does.
type GetTrailStatus struct {
	managementRead
	Name string `request:"name"` // name or ARN
}

// SearchSampleQueries looks for a sample query.
type SearchSampleQueries struct {
	managementRead
	Phrase    string `request:"searchPhrase"` // what it is about
	Max       *int   `request:"maxResults"`   // samples wanted at most
	NextToken string `request:"nextToken"`    // where the last answer ended
}

// ListTags lists the tags of trails, event data stores and channels.
type ListTags struct {
	managementRead
	Resources []string `request:"resourceIdList"` // ARNs
	NextToken string   `request:"nextToken"`      // where the last answer ended
}

// GetEventSelectors asks which events a trail has.
type GetEventSelectors struct {
	managementRead
	Name string `request:"trailName"` // name or ARN
}

// GetInsightSelectors asks which Insights a trail has; ours has none.
type GetInsightSelectors struct {
	managementRead
	Name  string `request:"trailName"`      // name or ARN
	Store string `request:"eventDataStore"` // ARN or ID of the event data store
}

// GetEventConfiguration asks how large events may be.
type GetEventConfiguration struct {
	managementRead
	Name  string `request:"trailName"`      // name or ARN
	Store string `request:"eventDataStore"` // ARN or ID of the event data store
}

// ListChannels lists the channel that takes events from outside.
type ListChannels struct {
	managementRead
	Max       *int   `request:"maxResults"` // channels wanted at most
	NextToken string `request:"nextToken"`  // where the last answer ended
}

// GetChannel describes a channel.
type GetChannel struct {
	managementRead
	Channel string `request:"channel"` // ARN or ID
}

// GetResourcePolicy asks for a resource's policy; access is decided by
// Trailgate's own policies, so there is none.
type GetResourcePolicy struct {
	managementRead
	Resource string `request:"resourceArn"` // ARN
}

// PutAuditEvents brings events from outside into the trail. They follow as
// records of their own, with eventCategory ActivityAuditLog.
type PutAuditEvents struct {
	dataWrite
	Channel    string `request:"channelArn"`  // ARN or ID of the channel
	ExternalID string `request:"externalId"`  // what the caller said for the channel's policy
	Events     int    `request:"auditEvents"` // how many were sent
	Accepted   int    `response:"successful"` // how many of them follow in the trail
	Refused    int    `response:"failed"`     // how many of them do not
}

// GetBucketLocation asks for the region of the trail's bucket.
type GetBucketLocation struct {
	managementRead
	Bucket string `request:"bucketName"` // the bucket
}

// HeadBucket asks whether there is a bucket.
type HeadBucket struct {
	managementRead
	Bucket string `request:"bucketName"` // the bucket
}

// ListObjects lists log files and digests.
type ListObjects struct {
	dataRead
	Bucket string `request:"bucketName"` // the bucket
	Prefix string `request:"prefix"`     // what the keys start with
	Marker string `request:"marker"`     // the key that the list begins after
}

// GetObject reads a log file or digest.
type GetObject struct {
	dataRead
	Bucket string `request:"bucketName"` // the bucket
	Key    string `request:"key"`        // the object
}

// HeadObject reads the metadata of a log file or digest.
type HeadObject struct {
	dataRead
	Bucket string `request:"bucketName"` // the bucket
	Key    string `request:"key"`        // the object
}
