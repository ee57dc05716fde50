package forward

import "github.com/prometheus/client_golang/prometheus"

// metrics shows runners to Prometheus. Its labels are the names in the settings.
type metrics struct {
	runners                              []*Runner
	sent, refused, errors                *prometheus.Desc
	lagEvents, lagSeconds, failingSecond *prometheus.Desc
}

// Metrics collects the figures of all runners.
func Metrics(runners []*Runner) prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("trailgate_forward_"+name, help, []string{"forwarder", "kind"}, nil)
	}
	return &metrics{
		runners:       runners,
		sent:          desc("sent_total", "Events that the sink acknowledged."),
		refused:       desc("refused_total", "Events that the sink will never take: put aside in refused.jsonl."),
		errors:        desc("errors_total", "Attempts to send that failed."),
		lagEvents:     desc("lag_events", "Events of the trail that have not been forwarded."),
		lagSeconds:    desc("lag_seconds", "Age of the oldest event that has not been forwarded."),
		failingSecond: desc("failing_seconds", "How long the sink has taken nothing; 0 while all is well."),
	}
}

// Describe sends the descriptions.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.sent, m.refused, m.errors, m.lagEvents, m.lagSeconds, m.failingSecond} {
		ch <- d
	}
}

// Collect sends the figures.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, r := range m.runners {
		st := r.Status()
		show := func(d *prometheus.Desc, kind prometheus.ValueType, v float64) {
			ch <- prometheus.MustNewConstMetric(d, kind, v, st.Name, st.Kind)
		}
		show(m.sent, prometheus.CounterValue, float64(st.Sent))
		show(m.refused, prometheus.CounterValue, float64(st.Refused))
		show(m.errors, prometheus.CounterValue, float64(st.Errors))
		show(m.lagEvents, prometheus.GaugeValue, float64(st.LagEvents))
		show(m.lagSeconds, prometheus.GaugeValue, st.LagSeconds)
		failing := 0.0
		if !st.Failing.IsZero() {
			failing = r.o.Now().Sub(st.Failing).Seconds()
		}
		show(m.failingSecond, prometheus.GaugeValue, failing)
	}
}
