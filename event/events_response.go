package event

// SetAlarmState is an alarm's change of state.
type SetAlarmState struct {
	insight
	Alarm    string `request:"alarmId"`
	Runbook  string `request:"runbookId"`
	Key      string `request:"key"`
	State    string `request:"state"` // OK, PENDING, ALARM, INSUFFICIENT_DATA
	Previous string `request:"previousState"`
	Severity string `request:"severity"`
	Reason   string `request:"reason"`
	// Events are the eventIDs of the matches, at most 100.
	Events  []string `details:"events"`
	Matches int      `details:"matches"`
}

// AcknowledgeAlarm is a person taking an alarm on.
type AcknowledgeAlarm struct {
	managementWrite
	Alarm string `request:"alarmId"`
	Note  string `request:"note"`
}

// StartRun is a runbook's response beginning.
type StartRun struct {
	managementWrite
	Run     string `request:"runId"`
	Runbook string `request:"runbookId"`
	Alarm   string `request:"alarmId"`
	Mode    string `request:"mode"` // observe, propose, enforce
}

// ExecuteStep is one step of a run, and what came of it.
type ExecuteStep struct {
	managementWrite
	Run    string            `request:"runId"`
	Step   string            `request:"step"`
	Action string            `request:"action"` // an action's name, or evidence, notify, manual
	With   map[string]string `request:"with"`
	Result string            `response:"result"` // done, observed, refused, failed, waiting
	Detail string            `response:"detail"`
}

// ReviewStep is a person finishing a manual step.
type ReviewStep struct {
	managementWrite
	Run      string `request:"runId"`
	Step     string `request:"step"`
	Decision string `request:"decision"` // done
	Note     string `request:"note"`
}

// EndRun is a run with no step left to do.
type EndRun struct {
	managementWrite
	Run    string `request:"runId"`
	Result string `response:"result"` // done, failed
}

// SendNotification is a message handed to a receiver, or not.
type SendNotification struct {
	managementWrite
	Run      string `request:"runId"`
	Receiver string `request:"receiver"`
	Status   int    `response:"status"` // HTTP status of a webhook
	Attempts int    `response:"attempts"`
}
