//go:build !linux

package app

// stepBack leaves the priority as it is.
func stepBack() {}
