package event

// The operations of the CloudTrail API that Trailgate does not have. Calls of
// them are refused with UnsupportedOperationException and recorded under their
// own names, because rules for CloudTrail watch for them: who tries to stop a
// trail is worth knowing here, too.

// AddTags is that call of the CloudTrail API, always refused.
type AddTags struct {
	managementWrite
	Name string `request:"resourceId"` // what it was about
}

// CreateChannel is that call of the CloudTrail API, always refused.
type CreateChannel struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// CreateDashboard is that call of the CloudTrail API, always refused.
type CreateDashboard struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// CreateEventDataStore is that call of the CloudTrail API, always refused.
type CreateEventDataStore struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// CreateTrail is that call of the CloudTrail API, always refused.
type CreateTrail struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// DeleteChannel is that call of the CloudTrail API, always refused.
type DeleteChannel struct {
	managementWrite
	Name string `request:"channel"` // what it was about
}

// DeleteDashboard is that call of the CloudTrail API, always refused.
type DeleteDashboard struct {
	managementWrite
	Name string `request:"dashboardId"` // what it was about
}

// DeleteEventDataStore is that call of the CloudTrail API, always refused.
type DeleteEventDataStore struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// DeleteResourcePolicy is that call of the CloudTrail API, always refused.
type DeleteResourcePolicy struct {
	managementWrite
	Name string `request:"resourceArn"` // what it was about
}

// DeleteTrail is that call of the CloudTrail API, always refused.
type DeleteTrail struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// DeregisterOrganizationDelegatedAdmin is that call of the CloudTrail API, always refused.
type DeregisterOrganizationDelegatedAdmin struct {
	managementWrite
	Name string `request:"delegatedAdminAccountId"` // what it was about
}

// DisableFederation is that call of the CloudTrail API, always refused.
type DisableFederation struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// EnableFederation is that call of the CloudTrail API, always refused.
type EnableFederation struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// GenerateQuery is that call of the CloudTrail API, always refused.
type GenerateQuery struct {
	managementWrite
	Name string `request:"prompt"` // what it was about
}

// GetDashboard is that call of the CloudTrail API, always refused.
type GetDashboard struct {
	managementRead
	Name string `request:"dashboardId"` // what it was about
}

// GetImport is that call of the CloudTrail API, always refused.
type GetImport struct {
	managementRead
	Name string `request:"importId"` // what it was about
}

// ListDashboards is that call of the CloudTrail API, always refused.
type ListDashboards struct {
	managementRead
	Name string `request:"namePrefix"` // what it was about
}

// ListImportFailures is that call of the CloudTrail API, always refused.
type ListImportFailures struct {
	managementRead
	Name string `request:"importId"` // what it was about
}

// ListImports is that call of the CloudTrail API, always refused.
type ListImports struct {
	managementRead
	Name string `request:"destination"` // what it was about
}

// ListInsightsData is that call of the CloudTrail API, always refused.
type ListInsightsData struct {
	managementRead
	Name string `request:"insightSource"` // what it was about
}

// ListInsightsMetricData is that call of the CloudTrail API, always refused.
type ListInsightsMetricData struct {
	managementRead
	Name string `request:"eventSource"` // what it was about
}

// PutEventConfiguration is that call of the CloudTrail API, always refused.
type PutEventConfiguration struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// PutEventSelectors is that call of the CloudTrail API, always refused.
type PutEventSelectors struct {
	managementWrite
	Name string `request:"trailName"` // what it was about
}

// PutInsightSelectors is that call of the CloudTrail API, always refused.
type PutInsightSelectors struct {
	managementWrite
	Name string `request:"trailName"` // what it was about
}

// PutResourcePolicy is that call of the CloudTrail API, always refused.
type PutResourcePolicy struct {
	managementWrite
	Name string `request:"resourceArn"` // what it was about
}

// RegisterOrganizationDelegatedAdmin is that call of the CloudTrail API, always refused.
type RegisterOrganizationDelegatedAdmin struct {
	managementWrite
	Name string `request:"memberAccountId"` // what it was about
}

// RemoveTags is that call of the CloudTrail API, always refused.
type RemoveTags struct {
	managementWrite
	Name string `request:"resourceId"` // what it was about
}

// RestoreEventDataStore is that call of the CloudTrail API, always refused.
type RestoreEventDataStore struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// StartDashboardRefresh is that call of the CloudTrail API, always refused.
type StartDashboardRefresh struct {
	managementWrite
	Name string `request:"dashboardId"` // what it was about
}

// StartEventDataStoreIngestion is that call of the CloudTrail API, always refused.
type StartEventDataStoreIngestion struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// StartLogging is that call of the CloudTrail API, always refused.
type StartLogging struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// StopEventDataStoreIngestion is that call of the CloudTrail API, always refused.
type StopEventDataStoreIngestion struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// StopImport is that call of the CloudTrail API, always refused.
type StopImport struct {
	managementWrite
	Name string `request:"importId"` // what it was about
}

// StopLogging is that call of the CloudTrail API, always refused.
type StopLogging struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// UpdateChannel is that call of the CloudTrail API, always refused.
type UpdateChannel struct {
	managementWrite
	Name string `request:"channel"` // what it was about
}

// UpdateDashboard is that call of the CloudTrail API, always refused.
type UpdateDashboard struct {
	managementWrite
	Name string `request:"dashboardId"` // what it was about
}

// UpdateEventDataStore is that call of the CloudTrail API, always refused.
type UpdateEventDataStore struct {
	managementWrite
	Name string `request:"eventDataStore"` // what it was about
}

// UpdateTrail is that call of the CloudTrail API, always refused.
type UpdateTrail struct {
	managementWrite
	Name string `request:"name"` // what it was about
}

// PutObject is an attempt to write to the trail's bucket, always refused.
type PutObject struct {
	dataWrite
	Bucket string `request:"bucketName"` // the bucket
	Key    string `request:"key"`        // the object
}

// DeleteObject is an attempt to delete from the trail's bucket, always refused.
type DeleteObject struct {
	dataWrite
	Bucket string `request:"bucketName"` // the bucket
	Key    string `request:"key"`        // the object
}
