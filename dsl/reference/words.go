package reference

import (
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
)

// statements are the statements of a file.
func statements() []Entry {
	list := []Entry{
		{Name: "snn", Form: "snn 1", Doc: "The first line of a spec: the version of the language."},
		{Name: "param", Form: "param NAME: TYPE = VALUE in LO..HI", Doc: "A value that the rest of the file uses; the range may be left out, and the value, which then has to come from outside. Types are `int real bool string time range size` and lists of these, such as `[int]`. `param dt: time = 1 ms` says how long a time step is."},
		{Name: "data", Form: "data NAME = SET(...)", Doc: "A data set."},
		{Name: "neuron", Form: "neuron NAME = OTHER(...)\nneuron NAME(params) { equations }", Doc: "A neuron: another one with other arguments, or equations."},
		{Name: "coder", Form: "coder NAME = OTHER(...)\ncoder NAME(params) { encode x { equations }, decode s { equations } }", Doc: "A coder: how values become signals over time, and back."},
		{Name: "block", Form: "block NAME(x, params) { body }", Doc: "A piece of a network that is copied, with weights of its own, where it is used."},
		{Name: "network", Form: "network NAME(x: TYPE) -> TYPE { body }", Doc: "A network. `pure` behind its result's type demands that weighted layers are fed with spikes."},
		{Name: "model", Form: "model NAME = KIND(...)", Doc: "What networks make up together, and its loss."},
		{Name: "target", Form: "target NAME = CHIP(...)", Doc: "A chip."},
		{Name: "preset", Form: "preset NAME { PATH = VALUE }", Doc: "A set of changes that `--preset NAME` makes."},
		{Name: "use", Form: "use \"PLUGIN\" as NAME, version \"~> 0.3\"", Doc: "A plugin of somebody else. NAME stands for its component of the kind that is wanted."},
		{Name: "import", Form: "import \"path.snn\"", Doc: "Brings the definitions, not the actions, of another file of the spec's folder."},
		{Name: "train", Form: "train MODEL { settings }", Doc: "Trains a model."},
		{Name: "sample", Form: "sample MODEL { settings }", Doc: "Draws samples from a trained model."},
		{Name: "evaluate", Form: "evaluate MODEL { settings }", Doc: "Measures a trained model."},
		{Name: "deploy", Form: "deploy MODEL { settings }", Doc: "Puts a trained model's networks on an emulated chip."},
	}
	return of("statement", list)
}

// words are those of bodies.
func words() []Entry {
	return of("word", []Entry{
		{Name: "return", Form: "return x -> ...", Doc: "What the body gives: its last line."},
		{Name: "for", Form: "for NAME in LIST { body }", Doc: "Unrolls its body for each item. `first` and `last` are true in the first and last turn."},
		{Name: "repeat", Form: "repeat N { body }", Doc: "Unrolls its body N times."},
		{Name: "if", Form: "if CONDITION { body } else { body }", Doc: "Chooses while the network is unrolled: the condition is made of values, not of wires."},
		{Name: "first", Form: "if first { body }", Doc: "True in the first turn of the innermost loop."},
		{Name: "last", Form: "if not last { body }", Doc: "True in the last turn of the innermost loop."},
		{Name: "pure", Form: "network NAME(x: TYPE) -> TYPE pure { body }", Doc: "Demands that every `conv`, `deconv`, `linear` and `project` is fed with spikes or straight from `encode`, through `flatten` and `reshape` at most."},
		{Name: "encode", Form: "x -> encode(CODER)", Doc: "A real becomes a signal or spikes over the coder's time steps."},
		{Name: "decode", Form: "s -> decode(CODER)", Doc: "What has time steps becomes a real."},
		{Name: "push", Form: "x -> push(STACK)", Doc: "Passes a wire on and remembers it."},
		{Name: "pop", Form: "pop(STACK)", Doc: "Takes the newest remembered wire."},
		{Name: "concat", Form: "concat(a, b, ...)", Doc: "Joins wires along the channels. Spikes stay spikes; mixed with others they become a signal."},
		{Name: "reverse", Form: "reverse(LIST)", Doc: "The list turned around."},
	})
}

// equations are the lines of neurons and coders, and what their expressions may call.
func equations() []Entry {
	return of("equation", []Entry{
		{Name: "input", Form: "input x, y", Doc: "What flows in: the first from the arrow, the others as arguments by name."},
		{Name: "state", Form: "state v = 0, a = 1", Doc: "Values kept from time step to time step, with what they start at."},
		{Name: "noise", Form: "noise n = normal(0, 1)", Doc: "A random number for each neuron and time step: `normal(mean, std)`, `uniform(lo, hi)` or `bernoulli(p)`."},
		{Name: "spike", Form: "spike when CONDITION\nspike s when CONDITION", Doc: "A spike where the condition holds, judged where the line stands. `s` read above it is the last step's spike, below it this step's."},
		{Name: "on", Form: "on spike { v = rest }", Doc: "Assignments to states where there was a spike."},
		{Name: "refractory", Form: "refractory TIME holds v\nrefractory forever", Doc: "No spike in the steps after a spike; with `holds` states keep their values in them. `forever`: at most one spike in a sequence."},
		{Name: "output", Form: "output EXPR", Doc: "What comes out instead of spikes."},
		{Name: "trainable", Form: "NAME: TYPE = VALUE trainable per WHAT", Doc: "A parameter of a neuron that is a weight: one `per layer`, which is the default, `per channel`, `per neuron` or `per step`."},
		{Name: "min", Form: "min(a, b)", Doc: "The smaller number."},
		{Name: "max", Form: "max(a, b)", Doc: "The larger number."},
		{Name: "clamp", Form: "clamp(x, lo, hi)", Doc: "x between bounds."},
		{Name: "where", Form: "where(CONDITION, a, b)", Doc: "a where the condition holds, else b."},
		{Name: "abs", Form: "abs(x)", Doc: "The absolute value."},
		{Name: "sign", Form: "sign(x)", Doc: "-1, 0 or 1."},
		{Name: "exp", Form: "exp(x)", Doc: "The exponential."},
		{Name: "log", Form: "log(x)", Doc: "The natural logarithm."},
		{Name: "sqrt", Form: "sqrt(x)", Doc: "The square root."},
		{Name: "tanh", Form: "tanh(x)", Doc: "The hyperbolic tangent."},
		{Name: "sigmoid", Form: "sigmoid(x)", Doc: "1 / (1 + exp(-x))."},
		{Name: "sin", Form: "sin(x)", Doc: "The sine."},
		{Name: "cos", Form: "cos(x)", Doc: "The cosine."},
		{Name: "round", Form: "round(x)", Doc: "The nearest whole number."},
		{Name: "floor", Form: "floor(x)", Doc: "The next whole number below."},
		{Name: "stop", Form: "stop(x)", Doc: "x without its gradient."},
		{Name: "uniform", Form: "uniform(lo, hi)", Doc: "A random number between bounds."},
		{Name: "normal", Form: "normal(mean, std)", Doc: "A normal random number."},
		{Name: "bernoulli", Form: "bernoulli(p)", Doc: "A condition that holds with probability p."},
	})
}

// wires are the types of wires.
func wires() []Entry {
	return of("wire", []Entry{
		{Name: check.RealWire.String(), Form: "real[DIMS]", Doc: "One value per example. Dims are those of one example, channels first: `[n]` or `[channels, height, width]`."},
		{Name: check.SignalWire.String(), Form: "signal[DIMS]", Doc: "Reals over time steps."},
		{Name: check.SpikesWire.String(), Form: "spikes[DIMS]", Doc: "0 or 1 over time steps."},
		{Name: check.TimesWire.String(), Form: "times[DIMS]", Doc: "Spikes, at most one per neuron: behind a neuron with `refractory forever`."},
		{Name: check.TokensWire.String(), Form: "tokens[DIMS]", Doc: "Whole numbers, one per example and place."},
		{Name: check.StepWire.String(), Form: "step", Doc: "The number of the step at which a model asks a network that it runs many times for one sample."},
	})
}

// valueTypes are the types of parameters.
func valueTypes() []Entry {
	return of("type", []Entry{
		{Name: string(schema.Int), Form: "3", Doc: "A whole number; a real without a fraction is taken."},
		{Name: string(schema.Real), Form: "0.5", Doc: "A number; an int is taken."},
		{Name: string(schema.Bool), Form: "true", Doc: "`true` or `false`."},
		{Name: string(schema.String), Form: "\"text\"", Doc: "A text on one line, with the escapes `\\\\ \\\" \\n \\t`."},
		{Name: string(schema.Time), Form: "2 steps", Doc: "A time, always with a unit; `param dt: time = 1 ms` says how long a step is."},
		{Name: string(schema.Range), Form: "-1..1", Doc: "From the lower to the higher value, both included."},
		{Name: string(schema.Size), Form: "28x28", Doc: "Height x width; a single number stands for both."},
		{Name: string(schema.List), Form: "[1, 2, 4]", Doc: "Items of one type, written `[int]` as a type."},
	})
}

// units are the words that are units behind a number.
func units() []Entry {
	words := []struct{ what, names string }{
		{"time steps", "step steps"}, {"time", "s ms us ns"}, {"voltage", "V mV uV"}, {"current", "A mA uA nA pA"}, {"rate", "Hz kHz"},
		{"energy", "J mJ uJ nJ pJ"}, {"memory, in powers of 1000", "B KB MB GB"},
	}
	var out []Entry
	for _, w := range words {
		for _, name := range strings.Fields(w.names) {
			out = append(out, Entry{Name: name, Form: "5 " + name, Doc: "A unit of " + w.what + "."})
		}
	}
	return of("unit", out)
}

// of says what kind entries are of.
func of(kind string, list []Entry) []Entry {
	for i := range list {
		list[i].Kind = kind
	}
	return list
}
