package event

// StartQuery is a query put to the trail.
type StartQuery struct {
	managementRead
	Statement string `request:"queryStatement"`
	Rows      int    `response:"rows"`
	Millis    int64  `details:"milliseconds"`
}

// StartNode is a Trailgate process starting.
type StartNode struct {
	managementWrite
	Version     string `request:"version"`
	TailCut     int64  `details:"tornTailBytes"`
	SessionsCut int    `details:"sessionsEnded"`
}

// StopNode is a Trailgate process stopping.
type StopNode struct {
	managementWrite
	Cause string `request:"cause"`
}

// DetectGap is a stretch of time or of the trail that was not covered: a
// failed write, a schedule that could not catch up.
type DetectGap struct {
	managementWrite
	What   string `request:"what"` // journal, schedule, worker
	From   string `request:"from"`
	To     string `request:"to"`
	Reason string `request:"reason"`
}

// CollapseEvents stands for many unauthenticated failures of one source.
type CollapseEvents struct {
	managementWrite
	Of     string `request:"eventName"`
	Reason string `request:"reason"`
	Count  int    `request:"count"`
	First  string `request:"first"`
	Last   string `request:"last"`
}

// FailPolicy is a policy that failed to evaluate; the decision was a denial.
type FailPolicy struct {
	managementWrite
	Policy string `request:"policyName"`
	Target string `request:"target"`
	Login  string `request:"login"`
	Reason string `request:"reason"`
}
