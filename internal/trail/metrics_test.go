package trail

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// gathered is what a collector shows.
func gathered(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		figures[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return figures
}
