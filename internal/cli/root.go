package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trailgate/trailgate/internal/cli/table"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/suggest"
)

// shell is what every command shares: its streams and the global flags.
type shell struct {
	streams
	configFile string
	output     string
	flags      *pflag.FlagSet // of the settings
}

const longHelp = `Trailgate is an SSH access proxy whose audit log is CloudTrail and whose alarms act.

  trailgate demo                                     see all of it work, on this machine
  trailgate init --admin ada --key ~/.ssh/id_ed25519.pub
  trailgate serve
  trailgate query "SELECT eventTime, userName, target FROM CloudTrailLogs
                   WHERE eventName = 'StartSession' ORDER BY eventTime DESC LIMIT 10"
  trailgate alarm list`

// commandGroups is the order in which people meet the commands.
var commandGroups = []struct {
	title string
	names []string
}{
	{"Start", []string{"demo", "init", "serve", "doctor", "ca", "ssh-config"}},
	{"Who may do what", []string{"identity", "key", "role", "target", "policy", "why", "apply", "lock"}},
	{"What happened", []string{"query", "saved-query", "import", "trail", "forwarder", "session", "recording"}},
	{"What is done about it", []string{"runbook", "alarm", "run"}},
	{"More", []string{"athena", "config", "version"}},
}

// names are the commands below cmd.
func names(cmd *cobra.Command) []string {
	var all []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c.Name())
		}
	}
	return all
}

// newRoot builds the whole command line.
func newRoot(s streams) *cobra.Command {
	sh := &shell{streams: s}
	root := &cobra.Command{
		Use: "trailgate", Short: "An SSH access proxy whose audit log is CloudTrail and whose alarms act", Long: longHelp,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&sh.configFile, "config", "", "the settings' file (default: trailgate.yaml in the data directory)")
	f.StringVarP(&sh.output, "output", "o", "", "table, tsv, json, jsonl or csv (default: table on a terminal, tsv in a pipe)")
	sh.flags = f
	for _, k := range config.Keys() {
		if k.Flag != "" {
			help := k.Help
			if k.Name == "data_dir" {
				help += " (default: " + config.Default().DataDir + ")"
			}
			f.String(k.Flag, "", help)
			if k.Name != "data_dir" {
				f.MarkHidden(k.Flag)
			}
		}
	}
	root.AddCommand(
		sh.demo(), sh.initialise(), sh.serve(), sh.apply(), sh.doctor(), sh.version(),
		sh.sshConfig(), sh.why(), sh.config(),
		sh.identity(), sh.role(), sh.target(), sh.policy(), sh.key(), sh.lock(), sh.session(), sh.recording(),
		sh.query(), sh.savedQuery(), sh.importLogs(), sh.trail(), sh.athena(), sh.forwarder(),
		sh.runbook(), sh.alarm(), sh.run(), sh.ca(),
		exitCodesTopic(),
	)
	for _, g := range commandGroups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range root.Commands() {
			if slices.Contains(g.names, c.Name()) {
				c.GroupID = g.title
			}
		}
	}
	root.SetHelpCommand(help())
	root.SetHelpCommandGroupID("More")
	return root
}

// help is the command of that name.
func help() *cobra.Command {
	return &cobra.Command{Use: "help [COMMAND]", Short: "Say what a command does", Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			cmd, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(cmd), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			cmd, rest, err := c.Root().Find(args)
			switch {
			case err != nil:
				return err
			case len(rest) > 0 && cmd.HasSubCommands():
				return unknown(cmd, rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		}}
}

// unknown is a word that is no command below cmd: one that is elsewhere is
// named there, or else the nearest one here.
func unknown(cmd *cobra.Command, word string) error {
	meant := suggest.DidYouMean(word, names(cmd))
	if paths := elsewhere(cmd, word); len(paths) > 0 && len(paths) <= 2 {
		meant = " (did you mean " + strings.Join(paths, " or ") + "?)"
	}
	if !cmd.HasParent() {
		return misused("trailgate --help lists the commands", "unknown command %q%s", word, meant)
	}
	return misused(cmd.CommandPath()+" --help lists its verbs", "unknown verb %q for %s%s", word, cmd.Name(), meant)
}

// elsewhere are the commands of that very name, quoted: at the top, or else
// below the nouns other than noun.
func elsewhere(noun *cobra.Command, word string) []string {
	var below []string
	for _, c := range noun.Root().Commands() {
		if c.Name() == word && c.IsAvailableCommand() {
			return []string{strconv.Quote(c.CommandPath())}
		}
		for _, verb := range c.Commands() {
			if c != noun && verb.Name() == word && verb.IsAvailableCommand() {
				below = append(below, strconv.Quote(verb.CommandPath()))
			}
		}
	}
	return below
}

// settings loads the configuration: flag over environment over file over
// default. The file is --config, or trailgate.yaml in the data directory.
func (sh *shell) settings() (config.Config, config.Origins, error) {
	flags := map[string]string{}
	for _, k := range config.Keys() {
		if f := sh.flags.Lookup(k.Flag); f != nil && f.Changed {
			flags[k.Name] = f.Value.String()
		}
	}
	src := config.Source{Env: os.Environ(), Flags: flags}
	path, given := sh.configFile, sh.configFile != ""
	if !given {
		dir := flags["data_dir"]
		if dir == "" {
			dir = os.Getenv("TRAILGATE_DATA_DIR")
		}
		if dir == "" {
			dir = config.Default().DataDir
		}
		path = filepath.Join(dir, "trailgate.yaml")
	}
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		src.File, src.Data = path, data
	case given || !errors.Is(err, os.ErrNotExist):
		return config.Config{}, nil, hinted(fmt.Errorf("read the settings: %w", err), "trailgate init writes a settings file")
	}
	cfg, origins, err := config.Load(src)
	if err != nil {
		return config.Config{}, nil, misused("trailgate config show --origin says where each setting comes from", "%w", err)
	}
	return cfg, origins, nil
}

// client speaks to the server of the configured data directory.
func (sh *shell) client() (*client.Client, config.Config, error) {
	cfg, _, err := sh.settings()
	if err != nil {
		return nil, cfg, err
	}
	return client.New(cfg.DataDir), cfg, nil
}

// format is the output format asked for, or what fits where stdout goes.
func (sh *shell) format() string {
	if _, terminal := sh.terminal(); sh.output == "" && terminal {
		return "table"
	}
	return cmp.Or(sh.output, "tsv")
}

// prose says whether an answer that people read as text is text here: no other
// format was asked for.
func (sh *shell) prose() bool { return sh.output == "" || sh.output == "table" }

// orNull is a text as a cell: NULL for none.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// list is a list as a cell, never NULL.
func list[T any](all []T) any {
	if all == nil {
		return []T{}
	}
	return all
}

// print writes rows in the format asked for. Nothing to show is said on stderr
// and is no failure.
func (sh *shell) print(columns []query.Column, rows [][]any, empty string) error {
	format := sh.format()
	width, _ := sh.terminal()
	if len(rows) == 0 && empty != "" && (format == "table" || format == "tsv") {
		fmt.Fprintln(sh.err, empty)
		return nil
	}
	if !slices.Contains(table.Formats, format) {
		return misused("one of: "+strings.Join(table.Formats, ", "), "unknown output format %q", format)
	}
	return table.Write(sh.out, format, columns, rows, table.Options{Width: width})
}

// tableText is a table for a terminal of that width.
func tableText(columns []query.Column, rows [][]any, width int) []byte {
	var b bytes.Buffer
	_ = table.Write(&b, "table", columns, rows, table.Options{Width: width}) // a buffer takes all
	return b.Bytes()
}

// brief is what a table shows of many columns: those named, with times to the
// second. All of it is in the other formats.
func brief(columns []query.Column, rows [][]any, shown []string) ([]query.Column, [][]any) {
	var keep []int
	var some []query.Column
	for _, name := range shown {
		i := slices.IndexFunc(columns, func(c query.Column) bool { return c.Name == name })
		keep, some = append(keep, i), append(some, columns[i])
	}
	some[0].Type = "id" // never cut: the next command needs it
	out := make([][]any, len(rows))
	for n, r := range rows {
		for _, i := range keep {
			cell := r[i]
			if t, ok := cell.(time.Time); ok {
				cell = t.UTC().Truncate(time.Second)
			}
			out[n] = append(out[n], cell)
		}
	}
	return some, out
}

// cols makes columns from "name" or "name:type".
func cols(names ...string) []query.Column {
	out := make([]query.Column, len(names))
	for i, n := range names {
		name, kind, ok := strings.Cut(n, ":")
		if !ok {
			kind = "varchar"
		}
		out[i] = query.Column{Name: name, Type: kind}
	}
	return out
}

// done says on stderr what happened and names the next command.
func (sh *shell) done(next, format string, args ...any) {
	fmt.Fprintf(sh.err, format+"\n", args...)
	if next != "" {
		fmt.Fprintf(sh.err, "next: %s\n", next)
	}
}

// confirm asks before something is deleted: on a terminal a question, elsewhere
// it wants --yes.
func (sh *shell) confirm(yes bool, what string) error {
	if yes {
		return nil
	}
	if !sh.interactive() {
		return misused("--yes says that you mean it", "%s is not undone", what)
	}
	fmt.Fprintf(sh.err, "%s? [y/N] ", what)
	var answer string
	fmt.Fscanln(sh.in, &answer)
	if answer != "y" && answer != "yes" {
		return &failure{exitFailed, errors.New("nothing was changed"), ""}
	}
	return nil
}

func (sh *shell) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(sh.out, "trailgate", version)
			return err
		}}
}

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: `Every command ends with one of these:

  0    done
  1    failed
  2    misused: the command's own words are wrong
  3    the check ran and found something (a failed expectation, a lint finding, a broken chain)
  4    not authenticated, or denied
  130  interrupted

Over SSH the target's status passes untouched, and 254 means the gate ended the session.`}
}
