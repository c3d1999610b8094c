package plugintest

import (
	"fmt"
	"strings"
)

// Name is what a verdict is about.
type Name string

// What is looked at.
const (
	Manifest    Name = "manifest"
	Handshake   Name = "handshake"
	Schema      Name = "schema"
	Files       Name = "files"
	Network     Name = "network"
	Example     Name = "example"
	Program     Name = "program"
	Samples     Name = "samples"
	Fit         Name = "fit"
	Determinism Name = "determinism"
	Agreement   Name = "agreement"
	Leak        Name = "leak"
	Operands    Name = "operands"
	Spikes      Name = "spikes"
	Examples    Name = "examples"
	Counts      Name = "counts"
	Time        Name = "time"
	Export      Name = "export"
	Steps       Name = "steps"
	Gradient    Name = "gradient"
	Malformed   Name = "malformed"
	Answer      Name = "answer"
	Deadline    Name = "deadline"
	Crash       Name = "crash"
	Restart     Name = "restart"
	Memory      Name = "memory"
	Speed       Name = "speed"
)

// Explanation says what a verdict of a name means.
type Explanation struct {
	Name Name
	Of   string // what has such a verdict
	What string // that it passed: a sentence without full stop
	Mend string // where to look where it failed
}

// Explanations are those of all names, in about the order of a report.
func Explanations() []Explanation {
	const (
		opaque = "opaque components"
		all    = "everything with a call"
	)
	return []Explanation{
		{Manifest, "the plugin", "`snn-plugin.toml` is there and strict", "its keys, against [the protocol](plugin-protocol.md#the-folder-and-the-manifest)"},
		{Handshake, "the plugin", "the process starts, and its handshake is the first that it prints", "the command; what imports print; `snnc.serve` and `sdk.Serve` do it right"},
		{Schema, "the plugin, each component", "what it says of itself holds, a component at its arguments checks in a spec, and answers are of the protocol", "the name that the finding has: a parameter's type or default, an equation, a member of an answer"},
		{Files, "the plugin", "in all calls the process tries to change no file but temporary ones and arenas", "write in the folder `$TMPDIR`, or not at all"},
		{Network, "the plugin", "in all calls the process tries to connect to nobody, and makes no socket but the one that it serves on", "ship in the folder what is fetched, such as weights"},
		{Example, "the plugin", "`example.snn`, where it is there, checks", "the spec; the version that its `use` asks for; what has changed in the plugin"},
		{Program, "models, coders that are graphs", "the graphs hold and link with the networks of the request; a training step computes numbers", "the function that is named; the shapes that it takes of networks and fields"},
		{Samples, "samplers of models", "what is drawn with the first weights is finite, and a sample is the same alone as beside others", "the first and last rows of the sampler's table; sums over the batch"},
		{Fit, "targets", "of the first circuit that is too large the layers have a problem and a change", "`problem` and `change` of each Placement that does not fit"},
		{Determinism, all, "two processes that are asked the same answer the same, bit for bit", "random numbers without the call's seeds, dates, the order of maps, sums in changing order"},
		{Agreement, "targets that emulate", "`Compile` says of a circuit what `Check` says", "one function that both begin with"},
		{Leak, all, "so does one process, whatever it was asked in between, at other dims too; a gradient comes of what was saved alone", "state that is kept from call to call; what belongs to a use and lies where all uses share it"},
		{Operands, opaque + ", targets that emulate", "a call reads what it is given and writes all numbers of its own examples, and nothing else", "offsets and sizes; examples that are left out; inputs that are changed in place"},
		{Spikes, "neurons, coders, targets that emulate", "what spikes is 0 or 1, what spikes once does so once, what does not is finite", "divisions by 0, logarithms of 0; `spikes` and `once` in the description"},
		{Examples, opaque + ", targets that emulate", "an example is the same alone as in a batch, and in parts of it that are asked for at the same time", "numbers that examples share; loops over the batch; buffers that calls share"},
		{Counts, "targets that emulate", "spikes that are counted are those that are given, at each time step, and counts of examples add up; taps change nothing", "time steps of the network and of the chip; what is counted for a call, and what for the process"},
		{Time, "targets that emulate", "circuits of few neurons that the chip takes spike at the very time steps at which their equations do", "depths, delays and populations that are late; when bias and drive begin to flow in; what a spike and a time step do to a membrane"},
		{Export, "targets that emulate", "an export is JSON, the same each time, holds the example that it is of, and is what `Trace` runs", "the order of maps; what `Trace` reads and `Export` does not write"},
		{Steps, "opaque neurons", "a block is what its time steps are one by one with the states carried", "states that are not declared, or not as they are behind the last step"},
		{Gradient, "neurons, coders, models", "the derivative is that of what is computed, smoothed where it spikes", "signs, time steps, ways through the states in `Backward`; derivatives of functions that have their own"},
		{Malformed, all, "a request that is wrong has an error, and the process lives on", "checks of what a request says, before it is followed"},
		{Answer, all, "each call that is right has an answer, no error", "the error, which is the plugin's own; what it says of the place it comes from"},
		{Deadline, all, "each call has an answer in time (`--timeout`)", "loops without end, locks, reads from standard input"},
		{Crash, all, "the process lives through each call", "the last lines that it printed, which the report shows"},
		{Restart, all, "a process that takes the place of a killed one answers the same", "files, locks and anything else outside of the process that calls depend on"},
		{Memory, all, "an answer has at most 64 MB, and equal calls do not let an opaque component's process grow", "numbers that are sent in answers; what is kept of calls"},
		{Speed, opaque, "nothing: how long blocks of 16 MB take is said", ""},
	}
}

// Markdown is the table of explanations in docs/plugin-tests.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| verdict | of | passed says that | where to look else |\n|---|---|---|---|\n")
	for _, x := range Explanations() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", x.Name, x.Of, x.What, x.Mend)
	}
	return b.String()
}
