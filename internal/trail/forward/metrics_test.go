package forward_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

func TestMetricsShowHowForwardersDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{Events: 2})
		b.journal.Add(2)
		b.start()
		after(2 * time.Second)
		b.sink.answer(refuse)
		b.journal.Add(3)
		after(10 * time.Second)
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(forward.Metrics([]*forward.Runner{b.r}))
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			m := f.GetMetric()[0]
			got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			if len(m.GetLabel()) != 2 || m.GetLabel()[0].GetValue() != "siem" || m.GetLabel()[1].GetValue() != "fake" {
				t.Errorf("%s has labels %v", f.GetName(), m.GetLabel())
			}
		}
		for name, want := range map[string]float64{"sent_total": 2, "refused_total": 0, "lag_events": 3, "failing_seconds": 10} {
			if v, ok := got["trailgate_forward_"+name]; !ok || v != want {
				t.Errorf("trailgate_forward_%s = %v, want %v", name, v, want)
			}
		}
		if got["trailgate_forward_errors_total"] < 3 || got["trailgate_forward_lag_seconds"] < 9 {
			t.Errorf("metrics %v", got)
		}
		b.stop()
	})
}
