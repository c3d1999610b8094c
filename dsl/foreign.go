package dsl

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/dsl/diag"
)

// foreign says how a statement is written here that begins with a word of other languages; "" for other words.
func (p *parser) foreign(ts []token) string {
	name := "NAME"
	if len(ts) > 1 && ts[1].kind == tokName {
		name = p.value(ts[1])
	}
	value := func() string { // the text behind `=`
		for i, t := range ts {
			if t.kind == tokOp && p.value(t) == "=" && i+1 < len(ts) {
				return shorten(p.text[ts[i+1].start:ts[len(ts)-1].end])
			}
		}
		return "VALUE"
	}
	switch p.value(ts[0]) {
	case "class", "def", "func", "fn", "function", "net", "module", "graph", "fun":
		return fmt.Sprintf("a network is written `network %s(x: real[1, 28, 28]) -> real[10] { return x -> ... }`", name)
	case "let", "const", "var", "val", "set", "int", "real", "float", "double", "bool", "string", "auto":
		return fmt.Sprintf("write `param %s: TYPE = %s`, with one of the types int, real, bool, string, time, range, size or a list such as [int]", name, value())
	case "layer", "linear", "conv":
		return "a layer stands in a flow, such as `x -> linear(64)`; what is used several times is a `block`"
	case "dataset", "dataloader", "loader", "datasets":
		return "write `data`"
	case "optimizer", "optimiser", "optim", "scheduler":
		return "an optimizer is a setting: `train MODEL { ..., optimizer = adam(rate = 1e-3) }`"
	case "loss", "criterion":
		return "a loss is an argument of the model: `model NAME = KIND(..., loss = mse)`"
	case "metric", "metrics":
		return "metrics are a setting: `evaluate MODEL { metrics = [mse] }`"
	case "encoder", "decoder", "encode", "decode":
		return "write `coder`"
	case "fit", "learn", "optimize":
		return "write `train`"
	case "test", "eval", "validate", "score":
		return "write `evaluate`"
	case "generate", "predict", "infer":
		return "write `sample`"
	case "from", "include", "require", "using", "package":
		return "layers, neurons and coders need no import; definitions of another spec come by `import \"path.snn\"`, a plugin by `use \"author/plugin\" as NAME`"
	case "version":
		return "begin the file with the line `snn 1`"
	case "print":
		return "delete it: `snnc plan FILE` shows the networks"
	case "init", "torch", "nn", "import_module":
		return "delete it: a spec has no modules"
	}
	return ""
}

// modules words `nn.Linear` behind an arrow, and `F.relu(x)`: there are no modules, and no functions in front of what flows in.
// It reports whether one of the two stands here.
func (s *stop) modules(d *diag.Diagnostic) bool {
	name := func(i int) bool { return s.kind(i) == tokName }
	from, to, flows := s.i-1, s.i-1, true
	switch {
	case s.word(s.i) == "." && name(s.i-1) && name(s.i+1) && s.word(s.i-2) == "->":
		for s.word(to+1) == "." && name(to+2) {
			to += 2
		}
	case s.word(s.i) == "(" && name(s.i-1) && s.word(s.i-2) == "." && name(s.i-3):
		for flows = false; s.word(from-1) == "." && name(from-2); {
			from -= 2
		}
	default:
		return false
	}
	last := strings.ToLower(s.word(to))
	d.Summary = fmt.Sprintf("`%s` is no name, for there are no modules", s.parser.text[s.tokens[from].start:s.tokens[to].end])
	d.Range = s.place(from).Join(s.place(to))
	switch {
	case flows:
		d.Help = fmt.Sprintf("write `%s`", last)
	case last == "cat" || last == "concat" || last == "stack":
		d.Help = "wires are joined by `concat(a, b)`"
	case s.word(s.from) == "neuron" || s.word(s.from) == "coder": // equations have functions
		d.Help = fmt.Sprintf("write `%s`", last)
	default:
		d.Help = fmt.Sprintf("what flows in stands in front of an arrow: `x -> %s`", last)
	}
	return true
}
