// Command snnc compiles and runs specs of spiking neural networks: `snnc run x.snn` trains, samples and evaluates what the
// file says. Each command is a file here that reads its flags, calls one exported function and prints.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// The exit statuses.
const (
	statusFailed      = 1   // the run failed
	statusUsage       = 2   // the command line is wrong
	statusSpec        = 3   // the spec has errors
	statusInterrupted = 130 // Ctrl-C
)

func main() {
	confine.Main()
	builtin.Main()
	os.Exit(command(os.Args[1:], os.Stdout, os.Stderr))
}

type cli struct {
	Run     runCommand     `cmd:"" help:"Do what a spec says: train, sample, evaluate, deploy. Goes on where an earlier run was interrupted."`
	Sample  sampleCommand  `cmd:"" help:"Draw samples from a run, finished or not."`
	Check   checkCommand   `cmd:"" help:"Check specs without running anything."`
	Plan    planCommand    `cmd:"" help:"Show what a spec would run: networks, parameters, memory."`
	Bench   benchCommand   `cmd:"" help:"Measure how fast a spec's training and networks are."`
	Deploy  deployCommand  `cmd:"" help:"Put a model of a run on chips, emulate these, and compare; or list the chips that there are."`
	Emulate emulateCommand `cmd:"" help:"Run a network that is given in the terms of a chip, step by step."`
	Compare compareCommand `cmd:"" help:"Lay the figures and samples of several runs side by side."`
	New     newCommand     `cmd:"" help:"Write a spec to begin with."`
	Doc     docCommand     `cmd:"" help:"Explain what a spec may name, and the codes of diagnostics."`
	Data    dataCommand    `cmd:"" help:"List, fetch and look at data sets."`
	Plugin  pluginCommand  `cmd:"" help:"Plugins: neurons, coders, models and targets."`
	Version versionCommand `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// streams are where a command prints.
type streams struct{ out, err io.Writer }

// status is an error that only sets the exit status: what there is to say has been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// command runs one command line and returns the exit status.
func command(args []string, out, errs io.Writer) int {
	code := -1
	var c cli
	parser, err := kong.New(&c, kong.Name("snnc"), kong.UsageOnError(), kong.Writers(out, errs), kong.Exit(func(n int) {
		if code < 0 {
			code = n
		}
	}), kong.Description("A compiler and runtime for spiking neural networks."), kong.Vars{"version": "snnc " + version()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(errs, "snnc:", err)
		return statusFailed
	}
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	k, err := parser.Parse(args)
	if code >= 0 { // --help
		return code
	}
	if err != nil {
		fmt.Fprintf(errs, "snnc: %v\nsee `snnc --help`\n", err)
		return statusUsage
	}
	ctx, stop := interruptible()
	defer stop()
	k.BindTo(ctx, (*context.Context)(nil))
	err = k.Run(streams{out, errs})
	var s status
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &s):
		return int(s)
	case errors.As(err, &usage):
		fmt.Fprintln(errs, "snnc:", err)
		return statusUsage
	case errors.Is(err, context.Canceled):
		if strings.HasPrefix(k.Command(), "run") {
			fmt.Fprintln(errs, "snnc: interrupted; the same command goes on from here")
		} else {
			fmt.Fprintln(errs, "snnc: interrupted")
		}
		return statusInterrupted
	}
	fmt.Fprintln(errs, "snnc:", err)
	var f *host.Failure
	if errors.As(err, &f) && f.Mend() != "" {
		fmt.Fprintln(errs, "help:", f.Mend())
	}
	return statusFailed
}

// usageError is a mistake of the command line that the parser cannot see.
type usageError struct{ error }

func wrongUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// interruptible returns a context that the first Ctrl-C ends; the second ends the process at once.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-signals:
				if n > 0 {
					os.Exit(statusInterrupted)
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(signals); close(done); cancel() }
}

// specFlags are common to the commands that read specs.
type specFlags struct {
	PluginDev map[string]string `placeholder:"NAME=DIR" help:"Take the plugin that a spec uses as NAME from the folder DIR."`
	sandboxFlag
}

// changeFlags are common to the commands that change a spec.
type changeFlags struct {
	Preset string   `placeholder:"NAME" help:"Use a preset of the spec."`
	Set    []string `sep:"none" placeholder:"PATH=VALUE" help:"Replace a definition, setting or argument, such as train.digit.epochs=2; may be given several times. LO..HI for an int, or a list for what is none, is a sweep, which run and check take: a run for each value."`
}

func (f changeFlags) options() experiment.Options {
	return experiment.Options{Preset: f.Preset, Sets: f.Set}
}

// near starts what runs the plugins of a spec in a folder. Close it.
func (f specFlags) near(s streams, dir string, locked bool) (*host.Host, error) {
	places, err := installed.Near(dir)
	if err != nil {
		return nil, err
	}
	return f.hosted(s, host.Options{Places: places, Locked: locked})
}

// hosted starts what runs the plugins of the options and of the flags. Close it.
func (f specFlags) hosted(s streams, o host.Options) (*host.Host, error) {
	o.Dev, o.Notice, o.Printed = f.PluginDev, s.notice, s.printed
	for _, name := range slices.Sorted(maps.Keys(f.PluginDev)) {
		dir := f.PluginDev[name]
		m, err := installed.ReadManifest(dir)
		if err != nil {
			continue // which is told by who uses it
		}
		if newer := installed.Stale(dir, m); newer != "" {
			s.notice(fmt.Sprintf("plugin %s: its program is older than %s, and runs as it is: build it by `snnc plugin check %s`, which runs `%s`", name, newer, dir, strings.Join(m.Build, " ")))
		}
	}
	return newHost(o, f.confined())
}

// notice tells what the user should know besides.
func (s streams) notice(what string) { fmt.Fprintln(s.err, "snnc:", what) }

// printed shows who develops a plugin what that prints.
func (s streams) printed(plugin, line string) { fmt.Fprintf(s.err, "%s: %s\n", plugin, line) }

// newHost starts what runs plugins, the built-in one and those of the options, which are confined or not. Close it.
func newHost(o host.Options, confined bool) (*host.Host, error) {
	argv, err := builtin.Argv()
	if err != nil {
		return nil, err
	}
	o.Builtin = argv
	if dir, err := os.UserCacheDir(); err == nil {
		o.Cache = filepath.Join(dir, "snnc", "describe")
	}
	if o.Notice != nil {
		o.Notice = news(o.Notice)
	}
	if confined {
		o.Confine = argv[0]
	}
	return host.New(o), nil
}

// load reads and checks a spec, and prints what was found where it does not hold. Warnings are for `snnc check`.
func load(ctx context.Context, h *host.Host, file string, o experiment.Options, s streams) (*experiment.Experiment, error) {
	text, err := readSpec(file)
	if err != nil {
		return nil, err
	}
	x, found, sources := experiment.Load(ctx, h, file, text, o)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if x == nil {
		if err := printFindings(s.err, found, sources); err != nil {
			return nil, err
		}
		return nil, judged(found)
	}
	return x, nil
}

// judged returns the exit status of findings: a plugin that failed, or that is not the one of the lock, is no error of the spec.
func judged(found diag.List) error {
	for _, d := range found {
		if d.Severity == diag.Error && !slices.Contains([]diag.Code{diag.PluginFailed, diag.PluginChanged, diag.PluginUnlocked}, d.Code) {
			return status(statusSpec)
		}
	}
	if found.HasErrors() {
		return status(statusFailed)
	}
	return nil
}

// readSpec reads a file, but no more of it than shows that it is too large.
func readSpec(file string) ([]byte, error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for who writes into it
		return nil, wrongUsage("read spec: %s is no plain file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, wrongUsage("read spec: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, dsl.MaxFile+1))
	if err != nil {
		return nil, wrongUsage("read spec: %w", err)
	}
	return text, nil
}

// printFindings prints findings, and behind them how their codes are explained.
func printFindings(w io.Writer, found diag.List, sources diag.Sources) error {
	if err := printTexts(w, found, sources); err != nil {
		return err
	}
	return printHint(w, found)
}

// printTexts prints findings alone.
func printTexts(w io.Writer, found diag.List, sources diag.Sources) error {
	if len(found) == 0 {
		return nil
	}
	return found.Text(w, sources, terminal(w) && colours(os.Getenv("NO_COLOR"), os.Getenv("TERM")))
}

// printHint says how the codes of findings are explained: of the first three, for who looks one up knows how from then on.
func printHint(w io.Writer, found diag.List) error {
	const most = 3
	var codes []string
	for _, d := range found.Sorted() {
		if !slices.Contains(codes, string(d.Code)) && len(codes) < most {
			codes = append(codes, string(d.Code))
		}
	}
	if len(codes) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nmore about these: `snnc doc %s`\n", strings.Join(codes, " "))
	return err
}

// colours reports whether a terminal is to get colours: with a variable NO_COLOR that is set to anything it gets none
// (no-color.org), and one that says of itself that it is dumb has none.
func colours(no, term string) bool { return no == "" && term != "dumb" }

// split cuts a list of flags with commas.
func split(list []string) []string {
	var out []string
	for _, item := range list {
		for _, part := range strings.Split(item, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}
