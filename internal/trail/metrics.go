package trail

import "github.com/prometheus/client_golang/prometheus"

// compactMetrics shows a compactor to Prometheus.
type compactMetrics struct {
	c                              *Compactor
	merges, merged, bytes, failure *prometheus.Desc
	files, size                    *prometheus.Desc
}

// Metrics collects the figures of a trail's seals and of who merges them.
func Metrics(c *Compactor) prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("trailgate_trail_"+name, help, nil, nil)
	}
	return &compactMetrics{
		c:       c,
		merges:  desc("merges_total", "Merges of seals."),
		merged:  desc("merged_files_total", "Seals that were merged."),
		bytes:   desc("merged_bytes_total", "Bytes of the files that merges wrote."),
		failure: desc("merge_failures_total", "Merges that failed; they are tried again."),
		files:   desc("sealed_files", "Parquet files that queries read, without imported ones."),
		size:    desc("sealed_bytes", "Their size."),
	}
}

// Describe sends the descriptions.
func (m *compactMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.merges, m.merged, m.bytes, m.failure, m.files, m.size} {
		ch <- d
	}
}

// Collect sends the figures.
func (m *compactMetrics) Collect(ch chan<- prometheus.Metric) {
	show := func(d *prometheus.Desc, kind prometheus.ValueType, v int64) {
		ch <- prometheus.MustNewConstMetric(d, kind, float64(v))
	}
	f := &m.c.figures
	show(m.merges, prometheus.CounterValue, f.merges.Load())
	show(m.merged, prometheus.CounterValue, f.files.Load())
	show(m.bytes, prometheus.CounterValue, f.bytes.Load())
	show(m.failure, prometheus.CounterValue, f.failures.Load())
	c, _ := m.c.t.sealed.get()
	var size int64
	for _, s := range c.Files {
		size += s.Bytes
	}
	show(m.files, prometheus.GaugeValue, int64(len(c.Files)))
	show(m.size, prometheus.GaugeValue, size)
}
