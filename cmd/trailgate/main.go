// Trailgate is an SSH access proxy whose audit log is CloudTrail and whose alarms act.
package main

import (
	"os"

	"github.com/trailgate/trailgate/internal/cli"
)

func main() { os.Exit(cli.Main()) }
