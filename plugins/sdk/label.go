package sdk

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// Label is the class of an example, which a model's networks are told. The spec names the field of the data that holds it by the
// model's argument `label` (LabelParam); a network takes it as its last parameter, either as `y: real[classes]`, 1 at the class and 0
// elsewhere, of the classes that the spec chooses or of all, or as its number, `y: step`. Samples are of the class that the sampler's option `label` names (LabelOption), else of
// those that the host chooses, by the action's setting `labels`, the reference or in turn.
//
// Where the model has the argument `drop` (DropParam), training steps withhold the class so often, and samplers may let it lead by
// the option `guidance` (GuidanceOption): classifier-free guidance (Ho & Salimans 2022).
//
// The zero Label is that of a model without the argument: no network is told anything, and its methods leave out what concerns
// the class. See the example.
type Label struct {
	Field   string  // of the data, i32[N]; "" where no network is told
	Classes int     // they are 0 to Classes-1
	All     int     // as many classes as the data set has, Classes or, where the spec chooses some of them, more
	Drop    float64 // how often a training step withholds the class, 0..1
}

// LabelParam declares a model's argument `label`. told ends the sentence on it: "which both networks are then told".
func LabelParam(told string) schema.Param {
	return schema.Param{Name: "label", Type: schema.AField, Doc: "field of the data with the class of an image, " + told}
}

// DropParam declares a model's argument `drop`.
func DropParam() schema.Param {
	none, all := 0.0, 1.0
	return schema.Param{Name: "drop", Type: schema.Real, Default: "0", Min: &none, Max: &all, Doc: "how often the network is told no class in training, as `guidance` wants it"}
}

// LabelOption declares a sampler's option `label`.
func LabelOption() schema.Param {
	first := 0.0
	return schema.Param{Name: "label", Type: schema.Int, Min: &first, Doc: "the class to draw; absent: those that the action says, see `labels`"}
}

// GuidanceOption declares a sampler's option `guidance`. what names the network's answer: "velocity".
func GuidanceOption(what string) schema.Param {
	none := 0.0
	return schema.Param{Name: "guidance", Type: schema.Real, Default: "1", Min: &none, Doc: "how far the class leads: the " + what + " without it, and so many times what the class changes of it"}
}

// Label returns what the arguments `label` and `drop` say, or what is wrong with them.
func (r BuildRequest) Label() (Label, []schema.Complaint) {
	l := Label{Field: r.Arguments["label"].Text, Drop: r.Arguments["drop"].Number} // "" and 0 where the model declares none
	if l.Field == "" {
		if l.Drop > 0 {
			return l, Complain("drop", "write `label = label` as well", "`drop` is how often no class is told, and the model has no `label`")
		}
		return l, nil
	}
	field, ok := r.Fields[l.Field]
	l.Classes = r.Classes[l.Field]
	l.All = max(l.Classes, r.All[l.Field])
	switch {
	case !ok:
		return l, Complain("label", "the usual name is `label`", "the data have no field `%s`", l.Field)
	case !field.Equal(Int()) || l.Classes < 1:
		return l, Complain("label", "name a field that holds class numbers", "field `%s` is %s, no class number", l.Field, Wire(field))
	case l.Drop == 1:
		return l, Complain("drop", "write `drop = 0.1`, or leave both `drop` and `label` out", "with `drop = 1` no network is ever told a class")
	}
	return l, nil
}

// Told reports whether a role is told the class: whether it takes one parameter behind the `own` that it has without it.
func (l Label) Told(r *program.Role, own int) bool { return l.Field != "" && len(r.In) == own+1 }

// Check judges the parameter behind the `own` that a network has without the class. It says nothing of networks with other numbers
// of parameters: whether one must be told is the model's to say.
func (l Label) Check(n schema.Network, r *program.Role, own int) []schema.Complaint {
	if len(r.In) != own+1 {
		return nil
	}
	if l.Field == "" {
		return Complain(n.Role, "write `label = label` in the model for the class, or take the last parameter away", "this network takes %d parameters, and the model is told of no label", len(r.In))
	}
	takes, rows, why := r.In[own], l.Classes, ""
	if l.Drop > 0 {
		rows, why = rows+1, ": one more where no class is told"
	}
	if !takes.Equal(Int()) && !takes.Equal(graph.Real(l.Classes)) && !takes.Equal(graph.Real(l.All)) {
		return Complain(n.Role, fmt.Sprintf("write `real[%d]` or `step`", l.All), "the last parameter is the class, one of %d as the classes of the data are 0 to %d, and this one is %s", l.Classes, l.Classes-1, Wire(takes))
	}
	if table := ShortestTable(n.Graph, own); table > 0 && table < rows {
		return Complain(n.Role, fmt.Sprintf("write `count = %d` in its `embedding`", rows), "this network has a table of %d classes, and is told of %d%s", table, rows, why)
	}
	return nil
}

// CheckOptions judges the options `label` and `guidance` of a sampler.
func (l Label) CheckOptions(options schema.Arguments) []schema.Complaint {
	switch {
	case l.Field == "" && options.Has("label"):
		return Complain("sampler.label", "write `label = label` in the model", "the model is told of no label, and the sampler draws one class")
	case options.Has("label") && options.Int("label") >= l.Classes:
		return Complain("sampler.label", fmt.Sprintf("the classes are 0 to %d", l.Classes-1), "there is no class %d", options.Int("label"))
	case options.Has("guidance") && options.Real("guidance") != 1 && l.Drop == 0:
		return Complain("sampler.guidance", "train it with `label = label, drop = 0.1`", "guidance asks the network without a class, which it has never seen: the model has no `drop`")
	}
	return nil
}

// Fields returns the fields of a stream of examples: the given ones and the class.
func (l Label) Fields(names ...string) []string {
	if l.Field == "" {
		return names
	}
	return append(slices.Clone(names), l.Field)
}

// Input declares the class among a function's inputs, i32[N], and returns it; without a label it is no value.
func (l Label) Input(f *Function) graph.Value {
	if l.Field == "" {
		return graph.Value{}
	}
	return f.Input(l.Field, Int())
}

// Drawn returns the class of samples in a function of a sampler: the one that the sampler's options name, else that which each is
// given (see Given), an input of the function.
func (l Label) Drawn(f *Function, options schema.Arguments) graph.Value {
	if l.Field != "" && options.Has("label") {
		return l.of(f, options.Int("label"))
	}
	return l.Input(f)
}

// Given names what a sampler with these options is given: the field Given of program.Sampler.
func (l Label) Given(options schema.Arguments) []string {
	if l.Field == "" || options.Has("label") {
		return nil
	}
	return []string{l.Field}
}

// of returns a class number for each example.
func (l Label) of(f *Function, class int) graph.Value {
	return f.Expand(f.Int(f.Const(float64(class))), Int())
}

// None returns the number that stands for no class, the one behind the last: as `y: real[classes]` it is told as zeros.
func (l Label) None(f *Function) graph.Value { return l.of(f, l.Classes) }

// Withheld returns the class as a training step tells it: as often as Drop says it is None, drawn for each example by itself (Ho &
// Salimans 2022, algorithm 1).
func (l Label) Withheld(f *Function, class graph.Value) graph.Value {
	if l.Drop == 0 {
		return class
	}
	return f.Op(graph.OpWhere, nil, f.Op(graph.OpLess, nil, f.Uniform("drop", graph.Real()), f.Const(l.Drop)), l.None(f), class)
}

// Apply applies a role as Function.Apply does, to the class as well where the role takes one parameter more.
func (l Label) Apply(f *Function, role string, m Mode, class graph.Value, in ...graph.Value) []graph.Value {
	if r := f.p.Role(role); r != nil && l.Told(r, len(in)) {
		if r.In[len(in)].DType != graph.I32 {
			width := r.In[len(in)].Dims[0]
			if l.Drop > 0 && width > l.Classes { // None is told as zeros whatever the width
				class = f.Op(graph.OpWhere, nil, f.Op(graph.OpLess, nil, class, l.None(f)), class, l.of(f, width))
			}
			class = f.OneHot(class, width)
		}
		in = append(slices.Clone(in), class)
	}
	return f.Apply(role, m, in...)
}

// Guided returns 1 - w of what is said without the class and w of what is said with it (Ho & Salimans 2022, equation 6, whose w is
// one less), w being the option `guidance`, without which it is 1. say applies the network to a class.
func (l Label) Guided(f *Function, options schema.Arguments, class graph.Value, say func(class graph.Value) graph.Value) graph.Value {
	told := say(class)
	w := options["guidance"].Number
	if l.Field == "" || !options.Has("guidance") || w == 1 {
		return told
	}
	free := say(l.None(f))
	return f.Add(free, f.Scale(f.Sub(told, free), w))
}
