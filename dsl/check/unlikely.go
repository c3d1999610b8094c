package check

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// warn keeps a warning: what the language allows and nobody means. Warnings are told of specs without errors, each place once.
func (c *checker) warn(code diag.Code, at diag.Range, help, summary string, args ...any) {
	if !slices.ContainsFunc(c.warnings, func(d diag.Diagnostic) bool { return d.Range == at && d.Code == code }) && len(c.warnings) < maxErrors {
		c.warnings.Add(diag.Diagnostic{Code: code, Severity: diag.Warning, Range: at, Help: help, Summary: fmt.Sprintf(summary, args...)})
	}
}

// unlikely warns of a layer whose argument by position is read as something else than who comes from PyTorch means by it, and
// of one that changes nothing.
func (b *builder) unlikely(l *layerUse) {
	name := l.ref.Name.Text
	positional := func(i int) (value int, ok bool) {
		if i >= len(l.ref.Args) || l.ref.Args[i].Name.Text != "" {
			return 0, false
		}
		p := b.c.layers[name].params[i].Name
		return l.args.Int(p), l.args.Real(p) == float64(l.args.Int(p)) && l.args.Int(p) > 1
	}
	switch name {
	case "batchnorm":
		if n, ok := positional(0); ok && n == l.in.Dims[0] {
			b.c.warn(diag.UnlikelyArgument, l.ref.Range, fmt.Sprintf("write `batchnorm`, which knows the number of channels, or `batchnorm(scale = %d)` if it is to multiply", n),
				"the first argument of `batchnorm` is `scale`: this multiplies what is normalised by %d", n)
		}
	case "layernorm":
		if n, ok := positional(0); ok {
			b.c.warn(diag.UnlikelyArgument, l.ref.Range, "write `layernorm`, which knows the shape", "the first argument of `layernorm` is `epsilon`: this adds %d to the variance", n)
		}
	case "groupnorm":
		if n, ok := positional(1); ok {
			b.c.warn(diag.UnlikelyArgument, l.ref.Range, fmt.Sprintf("write `groupnorm(%d)`, which knows the number of channels", l.args.Int("groups")),
				"the second argument of `groupnorm` is `epsilon`: this adds %d to the variance", n)
		}
	case "relu", "leaky_relu":
		if l.in.Kind == SpikesWire || l.in.Kind == TimesWire {
			b.c.warn(diag.NoEffect, l.ref.Range, "leave it out", "`%s` changes nothing: spikes are 0 or 1", name)
		}
	}
}

// probabilities warns of images with values beyond 0..1 that a coder takes as the probabilities of spikes: what is below 0 never
// spikes, and what is above 1 always.
func (c *checker) probabilities() {
	for _, a := range c.spec.Actions {
		if a.Kind != "train" || a.Data == nil || len(a.Data.Args["range"].Items) != 2 {
			continue
		}
		low, high := a.Data.Args["range"].Items[0].Number, a.Data.Args["range"].Items[1].Number
		if low >= 0 && high <= 1 {
			continue
		}
		image := []int{a.Data.Channels, a.Data.Height, a.Data.Width}
		for _, r := range a.Model.Roles {
			if r.Network == nil {
				continue
			}
			for _, l := range r.Network.Layers {
				if l.Kind != "encode" || l.In[0] >= len(r.Network.Params) || !slices.Equal(l.Wire.Dims, image) || l.Coder.Definition == nil || !drawn(l.Coder.Definition.Encode) {
					continue
				}
				c.warn(diag.BadProbability, l.Origin[0], fmt.Sprintf("write `range = 0..1` where `%s` is defined", a.Data.Name),
					"coder `%s` takes values as the probabilities of spikes, and those of `%s` go from %v to %v", l.Coder.Name, a.Data.Name, low, high)
			}
		}
	}
}

// narrow warns of networks that give images and end in a function whose values do not reach as far as those of the data.
func (c *checker) narrow() {
	reach := map[string][2]float64{"sigmoid": {0, 1}, "tanh": {-1, 1}, "relu": {0, math.Inf(1)}}
	for _, a := range c.spec.Actions {
		if a.Kind != "train" || a.Data == nil || len(a.Data.Args["range"].Items) != 2 {
			continue
		}
		low, high := a.Data.Args["range"].Items[0].Number, a.Data.Args["range"].Items[1].Number
		for _, r := range a.Model.Roles {
			if r.Network == nil || r.Network.Result.Timed() || !slices.Equal(r.Network.Result.Dims, []int{a.Data.Channels, a.Data.Height, a.Data.Width}) {
				continue
			}
			last := r.Network.Layers[r.Network.Output]
			for last.Kind == "reshape" {
				last = r.Network.Layers[last.In[0]]
			}
			ends, bounded := reach[last.Kind]
			if !bounded || low >= ends[0] && high <= ends[1] {
				continue
			}
			help := fmt.Sprintf("write `range = %v..%v` where `%s` is defined", ends[0], ends[1], a.Data.Name)
			switch {
			case last.Kind == "relu":
				help = "leave it out, or write a `range` from 0 on where `" + a.Data.Name + "` is defined"
				c.warn(diag.NarrowResult, last.Origin[0], help, "`relu` gives no number below 0, and images of `%s` go from %v to %v", a.Data.Name, low, high)
				continue
			case last.Kind == "sigmoid" && low >= -1 && high <= 1:
				help = "end it with `tanh`, or " + help
			}
			c.warn(diag.NarrowResult, last.Origin[0], help, "`%s` gives numbers from %v to %v, and images of `%s` go from %v to %v", last.Kind, ends[0], ends[1], a.Data.Name, low, high)
		}
	}
}

// flat warns of neurons behind weights that are trained and whose spike has no derivative: what stands before them stays as it is.
func (c *checker) flat() {
	for _, a := range c.spec.Actions {
		if a.Kind != "train" {
			continue
		}
		for _, r := range a.Model.Roles {
			if r.Network == nil {
				continue
			}
			behind := make([]bool, len(r.Network.Layers)) // weights
			for i, l := range r.Network.Layers {
				behind[i] = l.count.Trainable > 0 || slices.ContainsFunc(l.In, func(j int) bool { return behind[j] })
				if n := l.Neuron; n == nil || n.Opaque != nil || !behind[i] || n.Surrogate.Kind == "temporal" || !level(n.Definition.Body) {
					continue
				}
				c.warn(diag.NoDerivative, l.Origin[0], "write one comparison: `spike when where(also, v, 0) >= 1` in place of `v >= 1 and also`",
					"nothing before neuron `%s` is trained: its spike has no derivative, as the condition is no single `>=`, `>`, `<=` or `<`", l.Neuron.Name)
			}
		}
	}
}

// level reports whether a neuron spikes by a condition that has no surrogate.
func level(body []dsl.Equation) bool {
	return slices.ContainsFunc(body, func(q dsl.Equation) bool {
		when, is := q.(*dsl.SpikeWhen)
		return is && dsl.Comparison(when.Cond) == nil
	})
}

// drawn reports whether a coder spikes with its input as the probability.
func drawn(p *dsl.Port) bool {
	return slices.ContainsFunc(p.Body, func(q dsl.Equation) bool {
		when, is := q.(*dsl.SpikeWhen)
		if !is {
			return false
		}
		call := reference(when.Cond)
		if call == nil || call.Name.Text != "bernoulli" || len(call.Args) != 1 {
			return false
		}
		of := reference(call.Args[0].Value)
		return of != nil && !of.Called && of.Name.Text == p.Input.Text
	})
}

// unused warns of definitions of a spec that trains something, and of parameters, states and wires, that nothing reads.
func (c *checker) unused(o Options) {
	read := map[string]bool{}
	seen := func(name string) { read[name] = true }
	for _, f := range c.file.Files() {
		for _, item := range f.Items {
			itemNames(item, seen)
		}
	}
	for _, x := range o.Sets {
		eachName(x.Value, seen)
	}
	if len(c.acts) > 0 {
		for _, d := range c.order {
			if !read[d.name.Text] && d.name.Range.File == c.file.Name && d.name.Text != "dt" {
				c.warn(diag.Unused, d.name.Range, "leave it out, or use it", "nothing uses %s `%s`", kindName(d.kind), d.name.Text)
			}
		}
	}
	for _, item := range c.file.Items {
		c.unreadIn(item, read)
	}
}

// unreadIn warns of what the body of an item declares and does not read; elsewhere are the names that the file reads.
func (c *checker) unreadIn(item dsl.Item, elsewhere map[string]bool) {
	in := map[string]bool{}
	seen := func(name string) { in[name] = true }
	tell := func(what string, n dsl.Name) {
		if n.Text != "" && !in[n.Text] {
			c.warn(diag.Unused, n.Range, "leave it out, or use it", "nothing reads %s `%s`", what, n.Text)
		}
	}
	switch x := item.(type) {
	case *dsl.Block:
		statementNames(x.Body, seen)
		typeNames(x.Params, seen)
		for _, p := range x.Params {
			tell("parameter", p.Name)
		}
		eachBinding(x.Body, func(n dsl.Name) { tell("the wire or value", n) })
	case *dsl.Network:
		statementNames(x.Body, seen)
		for _, p := range x.Params {
			tell("parameter", p.Name)
		}
		eachBinding(x.Body, func(n dsl.Name) { tell("the wire or value", n) })
	case *dsl.Neuron:
		equationNames(x.Body, seen)
		for _, p := range x.Params {
			if !elsewhere[p.Name.Text] { // else an expression of a surrogate may read it
				tell("parameter", p.Name)
			}
		}
		declared(x.Body, tell)
	case *dsl.Coder:
		for _, p := range []*dsl.Port{x.Encode, x.Decode} {
			if p != nil {
				equationNames(p.Body, seen)
			}
		}
		for _, p := range x.Params {
			if p.Name.Text != "steps" {
				tell("parameter", p.Name)
			}
		}
		for _, p := range []*dsl.Port{x.Encode, x.Decode} {
			if p != nil {
				declared(p.Body, tell)
			}
		}
	}
}

// declared calls tell for the inputs, states and noises of equations.
func declared(body []dsl.Equation, tell func(what string, n dsl.Name)) {
	for _, q := range body {
		switch q := q.(type) {
		case *dsl.Input:
			for _, n := range q.Names {
				tell("input", n)
			}
		case *dsl.State:
			for _, n := range q.Names {
				tell("state", n)
			}
		case *dsl.Noise:
			tell("noise", q.Name)
		}
	}
}

// itemNames calls f for the names that an item reads: not those that it declares, and not those that a preset changes. On its
// own right side a name is that of a built-in.
func itemNames(item dsl.Item, f func(string)) {
	switch x := item.(type) {
	case *dsl.Preset:
		for _, ch := range x.Changes {
			eachName(ch.Value, f)
		}
	case *dsl.Param:
		eachName(x.Value, f)
		eachName(x.In, f)
	case *dsl.Definition:
		eachName(x.Value, func(n string) {
			if n != x.Name.Text {
				f(n)
			}
		})
	case *dsl.Neuron:
		typeNames(x.Params, f)
	case *dsl.Coder:
		typeNames(x.Params, f)
	case *dsl.Block:
		typeNames(x.Params, f)
		statementNames(x.Body, f)
	case *dsl.Network:
		typeNames(x.Params, f)
		for _, e := range x.Result.Dims {
			eachName(e, f)
		}
		statementNames(x.Body, f)
	case *dsl.Action:
		f(x.Model.Text)
		for _, s := range x.Settings {
			eachName(s.Value, f)
		}
	}
}

// typeNames calls f for the names in types, defaults and ranges of parameters.
func typeNames(params []dsl.Parameter, f func(string)) {
	for _, p := range params {
		if p.Type != nil {
			for _, e := range p.Type.Dims {
				eachName(e, f)
			}
		}
		eachName(p.Default, f)
		eachName(p.In, f)
	}
}

// statementNames calls f for the names that statements read.
func statementNames(body []dsl.Statement, f func(string)) {
	dsl.InspectBody(body, func(st dsl.Statement) {
		switch st := st.(type) {
		case *dsl.Assign:
			eachName(st.Value, f)
		case *dsl.Return:
			eachName(st.Value, f)
		case *dsl.For:
			eachName(st.List, f)
		case *dsl.Repeat:
			eachName(st.Count, f)
		case *dsl.If:
			eachName(st.Cond, f)
		}
	})
}

// eachBinding calls f for the names that assignments bind.
func eachBinding(body []dsl.Statement, f func(dsl.Name)) {
	dsl.InspectBody(body, func(st dsl.Statement) {
		if a, ok := st.(*dsl.Assign); ok {
			f(a.Name)
		}
	})
}

// equationNames calls f for the names that equations read.
func equationNames(body []dsl.Equation, f func(string)) {
	for _, e := range dsl.Expressions(body) {
		eachName(e, f)
	}
	for _, q := range body { // v += x and v' = x read v
		switch q := q.(type) {
		case *dsl.Update:
			if q.Op != "=" {
				f(q.Name.Text)
			}
		case *dsl.Derivative:
			f(q.Name.Text)
		case *dsl.OnSpike:
			for _, u := range q.Body {
				if u.Op != "=" {
					f(u.Name.Text)
				}
			}
		}
	}
}

// eachName calls f for every name in an expression, those behind arrows and of calls among them. e may be nil.
func eachName(e dsl.Expr, f func(string)) {
	dsl.Inspect(e, func(e dsl.Expr) {
		if r, ok := e.(*dsl.Ref); ok {
			f(r.Name.Text)
		}
	})
}
