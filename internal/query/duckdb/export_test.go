package duckdb

// Kill is kill -9 from outside.
func (e *Engine) Kill() { e.kill() }
