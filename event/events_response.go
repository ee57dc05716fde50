package event

// SetAlarmState is an alarm's change of state.
type SetAlarmState struct {
	insight
	Alarm    string   `request:"alarmId"`       // the alarm's id
	Runbook  string   `request:"runbookId"`     // the runbook's id
	Key      string   `request:"key"`           // the values of the runbook's key columns
	State    string   `request:"state"`         // OK, PENDING, ALARM, INSUFFICIENT_DATA
	Previous string   `request:"previousState"` // the state before
	Severity string   `request:"severity"`      // info, low, medium, high or critical
	Reason   string   `request:"reason"`        // why, in one sentence
	Events   []string `details:"events"`        // eventIDs of the matches, at most 100
	Matches  int      `details:"matches"`       // number of matches in the window
}

// AcknowledgeAlarm is a person taking an alarm on.
type AcknowledgeAlarm struct {
	managementWrite
	Alarm string `request:"alarmId"` // the alarm's id
	Note  string `request:"note"`    // what they said
}

// StartRun is a runbook's response beginning.
type StartRun struct {
	managementWrite
	Run     string `request:"runId"`     // the run's id
	Runbook string `request:"runbookId"` // the runbook's id
	Alarm   string `request:"alarmId"`   // the alarm's id
	Mode    string `request:"mode"`      // observe, propose, enforce
}

// ExecuteStep is one step of a run, and what came of it.
type ExecuteStep struct {
	managementWrite
	Run    string            `request:"runId"`   // the run's id
	Step   string            `request:"step"`    // the step's id
	Action string            `request:"action"`  // an action's name, or evidence, notify, manual
	With   map[string]string `request:"with"`    // its arguments, filled in
	Result string            `response:"result"` // done, observed, refused, failed, waiting
	Detail string            `response:"detail"` // what came of it, in one sentence
}

// ReviewStep is a person finishing a manual step.
type ReviewStep struct {
	managementWrite
	Run      string `request:"runId"`    // the run's id
	Step     string `request:"step"`     // the step's id
	Decision string `request:"decision"` // done
	Note     string `request:"note"`     // what they said
}

// EndRun is a run with no step left to do.
type EndRun struct {
	managementWrite
	Run    string `request:"runId"`   // the run's id
	Result string `response:"result"` // done, failed
}

// SendNotification is a message handed to a receiver, or not.
type SendNotification struct {
	managementWrite
	Run      string `request:"runId"`     // the run's id
	Receiver string `request:"receiver"`  // name of the receiver
	Status   int    `response:"status"`   // HTTP status of a webhook
	Attempts int    `response:"attempts"` // how often it was tried
}
