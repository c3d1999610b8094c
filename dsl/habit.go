package dsl

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/diag"
)

// habit words what is written by the habit of another language, or mistyped, better than the grammar does; false where it is
// nothing of that kind.
func (s *stop) habit(d *diag.Diagnostic) bool {
	i, kind := s.i, s.word(s.from)
	this, next, before := s.word(i), s.word(i+1), s.word(i-1)
	number := func(i int) bool { return s.kind(i) == tokNumber }
	say := func(summary, help string, from, to int) bool {
		d.Summary, d.Help, d.Range = summary, help, s.place(from).Join(s.place(to))
		return true
	}
	body := s.bracket == "{" && (kind == "block" || kind == "network")
	wants := func(list ...string) bool { return slices.Contains(list, s.want) }
	switch {
	case s.modules(d):
		return true
	case number(i-1) && this == "," && s.grouped(i):
		return say("digits are grouped by `_`", fmt.Sprintf("write `%s_%s`", before, next), i-1, i+1)
	case number(i-1) && this == "," && wants("`)`") && number(i+1) && s.word(i+2) == ")" && s.word(i-2) == "(":
		other := fmt.Sprintf("`%sx%s` for a size", before, next)
		if before == "0" {
			other = fmt.Sprintf("`%s..%s` for a range", before, next)
		}
		return say("a value has no commas", fmt.Sprintf("write %s, `[%s, %s]` for a list", other, before, next), i-2, i+2)
	case this == "," && wants("`)`") && s.bracket == "(" && s.valued():
		d.Summary, d.Help = "a value has no commas", "write one value, or a list in brackets: `[...]`"
		return true
	case this == "->" && wants("`{`") && kind == "block":
		d.Summary, d.Help = "a block does not say what it gives", "delete `-> TYPE`, or write `network` where a model takes it"
		return true
	case s.want == aValue && this == "{" && before == "=":
		d.Summary, d.Help = "a list stands in brackets", "write `[...]` for `{...}`"
		return true
	case this == "(" && wants("`,` or `)`") && kind == "network" && s.head == s.from && s.word(i-2) == ":":
		d.Summary, d.Help = "dimensions stand in brackets", fmt.Sprintf("write `%s[...]`", before)
		return true
	case this == "(" && before == ")" && body:
		d.Summary, d.Help = "nothing stands in parentheses behind a call", "what flows in stands in front of an arrow, such as `x -> linear(10)`"
		return true
	case this == ":" && number(i-1) && (number(i+1) || next == "-" && number(i+2)) && s.bracket == "(" && wants("`,` or `)`"):
		d.Summary, d.Help = "a range is written `LO..HI`", "write `..`"
		return true
	case s.kind(i) == tokName && wants("`,` or `)`") && s.head == s.from && slices.Contains([]string{"learnable", "learned", "learn"}, this):
		d.Help = "write `trainable`"
		return true
	case (kind == "neuron" || kind == "coder") && i == s.head && this == "reset" && s.kind(i+1) == tokName && s.word(i+2) == "=":
		d.Summary, d.Help = "a reset stands in `on spike`", fmt.Sprintf("write `on spike { %s = ... }`", next)
		return true
	case kind == "neuron" && this == "return" && s.inPort():
		d.Summary, d.Help = "`on spike` holds equations", "write `NAME = value`, with the name of a state"
		return true
	case s.want == aValue && (before == "-" && (this == "->" || this == ">") || before == ">" && this == ">"):
		return say("a flow is written `->`", "write `->`", i-1, i)
	case s.want == aValue && before == "==" && this == "=":
		return say("there is no operator `===`", "write `==`", i-1, i)
	case this == "=" && s.word(s.head) == "spike" && !wants("`when`"):
		d.Summary, d.Help = "`=` gives a name to a value, and a condition compares", "write `==`"
		return true
	case wants("`=`") && s.kind(i) == tokSep && s.kind(i-1) == tokName && (s.word(s.head) == "state" || kind == "state"):
		last, all := i-1, before+" = 0"
		for s.word(last+1) == "," && s.kind(last+2) == tokName && s.kind(last+3) == tokSep {
			last += 2
			all += ", " + s.word(last) + " = 0"
		}
		return say("a state has a start value", fmt.Sprintf("write `%s`", all), i-1, last)
	case kind == "import" && s.kind(i) == tokName && wants("a string in double quotes"):
		d.Help = "write `import \"path.snn\"` for the definitions of another spec; layers, neurons and coders need no import"
		return true
	case kind == "param" && wants("`:`") && this == "=" && s.typeOf(i+1) != "":
		d.Summary, d.Help = "a param has a type", fmt.Sprintf("write `: %s =`", s.typeOf(i+1))
		return true
	case this == ":" && (wants("`=`") && (kind == "preset" || slices.Contains(keywords()[len(keywords())-4:], kind)) || wants("`,` or `)`") && s.kind(i-1) == tokName && s.bracket == "(" && s.valued()):
		d.Help = "write `=`"
		return true
	case this == ":" && wants("`->`") && kind == "network":
		d.Help = "write `->`"
		return true
	case this == "{" && wants("`->`") && kind == "network":
		d.Summary, d.Help = "a network says what it gives", "write `-> TYPE` in front of `{`, such as `-> real[10]`"
		return true
	case this == "[" && s.bracket == "(" && wants("`,` or `)`") && s.head == s.from && s.kind(i-1) == tokName && (kind == "network" || kind == "block"):
		d.Summary, d.Help = "the type of a parameter stands behind its name", fmt.Sprintf("write `x: %s[...]`", before)
		return true
	case (this == "-" || this == ".") && i == s.from+2 && s.kind(i-1) == tokName && s.kind(i+1) == tokName && keyword(kind):
		return say(fmt.Sprintf("a name has no `%s`", this), fmt.Sprintf("write `%s_%s`", before, next), i-1, i+1)
	case body && (this == "elif" || this == "elsif" || this == "elseif"):
		d.Summary, d.Help = fmt.Sprintf("there is no `%s`", this), "write `else { if ... { ... } }`"
		return true
	case body && s.kind(i) == tokName && strings.HasPrefix(s.want, "the end of") && (s.kind(i-1) == tokName || before == ")" || before == "]") && s.flowing():
		d.Help = fmt.Sprintf("write `->` in front of `%s` if the flow goes on, else a new line or `,`", shorten(this))
		return true
	case before == "->" && (this == "}" || s.kind(i) == tokSep && s.word(i) != "{"):
		return say("nothing stands behind this `->`", "delete it, or write a layer, neuron, block or network behind it", i-1, i-1)
	case before == "->" && this == "->":
		return say("there are two `->`", "write `->`", i-1, i)
	case s.kind(i) == tokNumber && (wants("`,` or `]`") || wants("`,` or `)`")) && (number(i-1) || s.kind(i-1) == tokUnit):
		d.Summary, d.Help = "a `,` is missing", fmt.Sprintf("write `, %s`", this)
		return true
	case s.kind(i) == tokName && next == "=" && wants("`,` or `)`"):
		d.Summary, d.Help = "a `,` is missing", fmt.Sprintf("write `, %s`", this)
		return true
	case (kind == "neuron" || kind == "coder") && i == s.head && (next == "+" || next == "-") && s.word(i+2) == next:
		return say(fmt.Sprintf("there is no operator `%s%s`", next, next), fmt.Sprintf("write `%s %s= 1`", this, next), i, i+2)
	}
	return false
}

// flowing reports whether the statement around the stop has a flow, or is a `return`, before it.
func (s *stop) flowing() bool {
	return s.word(s.head) == "return" || slices.ContainsFunc(s.tokens[s.head:s.i], func(t token) bool { return t.kind == tokOp && s.value(t) == "->" })
}

// typeOf returns the type of the value that begins at token i, as far as its first tokens tell it; "" where they do not.
func (s *stop) typeOf(i int) string {
	switch k, v := s.kind(i), s.word(i); {
	case k == tokNumber && s.kind(i+1) == tokUnit:
		if slices.Contains([]string{"step", "steps", "s", "ms", "us", "ns"}, s.word(i+1)) {
			return "time"
		}
	case k == tokNumber && s.word(i+1) == "..":
		return ""
	case k == tokNumber && strings.ContainsAny(v, ".e"):
		return "real"
	case k == tokNumber:
		return "int"
	case k == tokString:
		return "string"
	case k == tokSize:
		return "size"
	case v == "true" || v == "false":
		return "bool"
	case v == "[":
		if of := s.typeOf(i + 1); of != "" {
			return "[" + of + "]"
		}
	}
	return ""
}

// grouped reports whether the comma at token i stands between digits in groups of three, as in 60,000.
func (s *stop) grouped(i int) bool {
	return s.kind(i+1) == tokNumber && len(s.word(i+1)) == 3 && s.tokens[i-1].end == s.tokens[i].start && s.tokens[i].end == s.tokens[i+1].start
}

// foreignUnit returns the unit of the closed list that a word stands for; "" for other words.
func foreignUnit(word string) string {
	switch strings.ToLower(word) {
	case "sec", "secs", "second", "seconds":
		return "s"
	case "msec", "msecs", "millis", "millisecond", "milliseconds":
		return "ms"
	case "usec", "microsecond", "microseconds":
		return "us"
	case "nanosecond", "nanoseconds", "nsec":
		return "ns"
	case "timestep", "timesteps", "tick", "ticks", "iteration", "iterations", "stps":
		return "steps"
	case "volt", "volts":
		return "V"
	case "millivolt", "millivolts":
		return "mV"
	case "hertz":
		return "Hz"
	}
	return ""
}
