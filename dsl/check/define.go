package check

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// neuronOf returns the neuron of a definition; nil where something was found.
func (c *checker) neuronOf(d *def) *Neuron {
	if d.state == unseen {
		switch x := d.item.(type) {
		case *dsl.Neuron:
			d.state = busy
			if c.holds(x, false) {
				d.neuron = c.neuron(d.name.Text, c.standing(d, &instance{base: neuronBase(x, nil), args: map[string]given{}, at: x.Name.Range, bare: true}))
			}
		default:
			d.state = busy
			if in := c.standing(d, c.instance("neuron", d.value, &scope{own: d.name.Text})); in != nil {
				d.neuron = c.neuron(d.name.Text, in)
			}
		}
		d.state = done
	}
	return d.neuron
}

// neuron makes a neuron of its equations, or of the component that computes it, and arguments.
func (c *checker) neuron(name string, in *instance) *Neuron {
	if in.neuron == nil {
		o := &Opaque{Component: in.comp, Plugin: in.pluginName(), Places: map[string]diag.Range{}}
		var ok bool
		if o.Args, ok = c.fill(in.comp.Params, in.args, &owner{what: "neuron `" + in.name + "`", places: o.Places, partial: in.partial}, "", in.at); !ok {
			return nil
		}
		return &Neuron{Name: name, Opaque: o, Spikes: in.comp.Opaque.Spikes, Once: in.comp.Opaque.Once}
	}
	if !c.spend(len(in.neuron.Body), in.at) {
		return nil
	}
	n := &Neuron{Name: name, Definition: in.neuron, Integrate: "euler", Surrogate: Surrogate{Kind: "atan", Alpha: 2}, Times: c.times}
	var ok bool
	n.Params, n.Trainable, n.Ranges, ok = c.parameters("neuron", in, in.neuron.Params)
	for _, q := range in.neuron.Body {
		switch q := q.(type) {
		case *dsl.SpikeWhen:
			n.Spikes = true
		case *dsl.Refractory:
			n.Once = n.Once || q.Forever
		}
	}
	if g, is := in.args["integrate"]; is {
		v, fine := c.argument(&schema.Param{Name: "integrate", Type: schema.OneOf, Choices: Integrators()}, g, &owner{}, "")
		n.Integrate, ok = v.Text, ok && fine
	}
	if g, is := in.args["detach_reset"]; is {
		v, fine := c.argument(&schema.Param{Name: "detach_reset", Type: schema.Bool}, g, &owner{}, "")
		n.DetachReset, ok = v.Number != 0, ok && fine
	}
	if g, is := in.args["surrogate"]; is {
		if !n.Spikes {
			c.fail(diag.BadArguments, g.at, "leave it out", "neuron `%s` has an `output` and no spike, so no surrogate either", in.name)
			return nil
		}
		s, fine := c.surrogate(g, in.neuron)
		n.Surrogate, ok = s, ok && fine
	}
	if !ok {
		return nil
	}
	if g, is := in.args["integrate"]; is && !c.integrable(n, in, g.at) {
		return nil
	}
	return n
}

// parameters computes the arguments of a neuron or coder; times are in steps.
func (c *checker) parameters(kind string, in *instance, params []dsl.Parameter) (values map[string]float64, trainable map[string]string, ranges map[string][2]float64, ok bool) {
	values, trainable, ranges, ok = map[string]float64{}, map[string]string{}, map[string][2]float64{}, !in.partial
	var missing []string
	for _, p := range params {
		g, set := in.args[p.Name.Text]
		if !set {
			if p.Default == nil {
				missing = append(missing, p.Name.Text)
				continue
			}
			g = given{p.Default, &scope{plugin: in.plugin}, p.Default.Span()}
		}
		v, fine := c.parameter(kind, in, p, g)
		values[p.Name.Text], ok = v, ok && fine
		if p.Trainable != "" {
			trainable[p.Name.Text] = p.Trainable
			if p.In != nil && fine { // judged with the value
				var ends [2]float64
				for i, end := range c.eval(p.In, &scope{plugin: in.plugin}).items {
					if ends[i] = end.number(); end.kind == quantityValue {
						ends[i], _ = c.inSteps(end)
					}
				}
				ranges[p.Name.Text] = ends
			}
		}
	}
	if len(missing) > 0 {
		if in.partial || in.bare { // a definition that cannot be used as it is may still be used with arguments
			return nil, nil, nil, false
		}
		c.report(diag.Diagnostic{Code: diag.BadArguments, Range: in.at, Summary: fmt.Sprintf("%s `%s` needs %s", kind, in.name, quoted(missing)),
			Help:  fmt.Sprintf("write `%s(%s = ...)`", in.name, strings.Join(missing, " = ..., ")),
			Notes: []diag.Note{in.source(kind)}})
		return nil, nil, nil, false
	}
	return values, trainable, ranges, ok && c.divides(kind, in, values, trainable)
}

// divides judges that no equation divides by a parameter that is 0; one that asks with `where` knows what it does.
func (c *checker) divides(kind string, in *instance, values map[string]float64, trainable map[string]string) bool {
	var bodies []dsl.Equation
	if in.neuron != nil {
		bodies = in.neuron.Body
	} else {
		for _, p := range []*dsl.Port{in.coder.Encode, in.coder.Decode} {
			if p != nil {
				bodies = append(bodies, p.Body...)
			}
		}
	}
	zero := ""
	for _, e := range dsl.Expressions(bodies) {
		divisor, asks := "", false
		dsl.Inspect(e, func(e dsl.Expr) {
			switch e := e.(type) {
			case *dsl.Ref:
				asks = asks || e.Called && e.Name.Text == "where"
			case *dsl.Binary:
				if by := reference(e.Right); e.Op == "/" && by != nil && !by.Called && trainable[by.Name.Text] == "" {
					if v, is := values[by.Name.Text]; is && v == 0 {
						divisor = by.Name.Text
					}
				}
			}
		})
		if !asks && divisor != "" {
			zero = divisor
		}
	}
	if zero == "" {
		return true
	}
	if in.bare { // it may still be used with another value
		return false
	}
	at := in.at
	if g, is := in.args[zero]; is {
		at = g.value.Span()
	}
	c.report(diag.Diagnostic{Code: diag.OutOfRange, Range: at, Summary: fmt.Sprintf("`%s` is 0, and %s `%s` divides by it", zero, kind, in.name),
		Help: "give it another value", Notes: []diag.Note{in.source(kind)}})
	return false
}

// parameter computes one argument of a neuron or coder; a time is in steps.
func (c *checker) parameter(kind string, in *instance, p dsl.Parameter, g given) (float64, bool) {
	note := in.source(kind)
	note.Message = fmt.Sprintf("`%s` is %s", p.Name.Text, note.Message)
	if !note.Range.IsZero() {
		note = diag.Note{Message: fmt.Sprintf("`%s` is declared by %s `%s`", p.Name.Text, kind, in.name), Range: p.Range}
	}
	v := c.judged(p, g, in.plugin, []diag.Note{note})
	if v.kind == quantityValue {
		f, ok := c.inSteps(v)
		if !ok {
			c.fail(diag.NoStepLength, g.value.Span(), "declare `param dt: time = 1 ms`, or write the time in steps", "`%s` is %v, but the spec does not say how long a step is", p.Name.Text, v)
		}
		return f, ok
	}
	return v.number(), v.kind != poison
}

// judged computes a value for a parameter and judges it by the parameter's type and range.
func (c *checker) judged(p dsl.Parameter, g given, plugin bool, notes []diag.Note) value {
	t := schema.Param{Type: schema.Real}
	if p.Type != nil {
		t.Type = schema.Type(p.Type.Name.Text)
	}
	what := "`" + p.Name.Text + "`"
	v := c.eval(g.value, g.s)
	if v.kind == poison {
		return v
	}
	if t.Type == schema.Time && v.numeric() {
		c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: g.value.Span(), Label: "dimensionless",
			Summary: fmt.Sprintf("%s is a time, but %v has no unit", what, v), Help: c.unitHelp(v), Notes: notes})
		return value{}
	}
	if p.Type == nil && v.kind == quantityValue && (v.s == "s" || v.s == "steps") {
		help := "leave the unit out"
		if g.value == p.Default {
			help += fmt.Sprintf(", or write `%s: time = %v`", p.Name.Text, v)
		} else if !plugin {
			help += fmt.Sprintf(", or declare it as a time: `%s: time`", p.Name.Text)
		}
		c.report(diag.Diagnostic{Code: diag.BadType, Range: g.value.Span(), Help: help, Notes: notes,
			Summary: fmt.Sprintf("%s is %s, and this is %s", what, typeName(t.Type, t.Of), v.describe())})
		return value{}
	}
	if p.Type == nil && p.Default != nil { // without a type a parameter has the unit of its default
		if d := c.eval(p.Default, &scope{plugin: plugin}); d.kind == quantityValue {
			switch {
			case v.numeric():
				c.report(diag.Diagnostic{Code: diag.MissingUnit, Range: g.value.Span(), Label: "dimensionless", Notes: notes,
					Summary: fmt.Sprintf("%s is in %s, but %v has no unit", what, d.s, v), Help: fmt.Sprintf("write a unit, such as `%v`", d)})
				return value{}
			case v.kind == quantityValue && v.s != d.s:
				c.report(diag.Diagnostic{Code: diag.WrongUnit, Range: g.value.Span(), Notes: notes,
					Summary: fmt.Sprintf("%s is in %s, and this is %v", what, d.s, v), Help: fmt.Sprintf("write it as in `%v`", d)})
				return value{}
			case v.kind == quantityValue && (p.In == nil || c.within(v, c.eval(p.In, &scope{plugin: plugin}), what, g.value.Span(), p.In.Span())):
				return v
			case v.kind == quantityValue:
				return value{}
			}
		}
	}
	v, ok := c.convert(v, t, what, g.value.Span())
	if !ok || p.In != nil && !c.within(v, c.eval(p.In, &scope{plugin: plugin}), what, g.value.Span(), p.In.Span()) {
		return value{}
	}
	return v
}

// unitHelp says how a time is written.
func (c *checker) unitHelp(v value) string {
	if c.dt > 0 {
		return fmt.Sprintf("write `%v steps` or `%v ms`", v, v)
	}
	return fmt.Sprintf("write `%v steps`, or `%v ms` if the spec declares a dt", v, v)
}

// coderOf returns the coder of a definition; nil where something was found.
func (c *checker) coderOf(d *def) *Coder {
	if d.state == unseen {
		d.state = busy
		if x, ok := d.item.(*dsl.Coder); ok {
			if c.holds(x, false) {
				d.coder = c.coder(d.name.Text, c.standing(d, &instance{base: coderBase(x, nil), args: map[string]given{}, at: x.Name.Range, bare: true}))
			}
		} else if in := c.standing(d, c.instance("coder", d.value, &scope{own: d.name.Text})); in != nil {
			d.coder = c.coder(d.name.Text, in)
		}
		d.state = done
	}
	return d.coder
}

// coder makes a coder of its equations and arguments.
func (c *checker) coder(name string, in *instance) *Coder {
	k := &Coder{Name: name, Definition: in.coder, Times: c.times}
	if in.coder == nil {
		places := map[string]diag.Range{}
		args, ok := c.fill(in.comp.Params, in.args, &owner{what: "coder `" + in.name + "`", places: places, partial: in.partial}, "", in.at)
		if !ok {
			return nil
		}
		k.Component, k.Plugin, k.Args, k.Places = in.comp, in.pluginName(), args, places
		if k.Component.Goes(schema.Encode) {
			k.Steps = args.Int("steps")
		}
		return k
	}
	var ok bool
	if k.Params, k.Trainable, k.Ranges, ok = c.parameters("coder", in, in.coder.Params); !ok {
		return nil
	}
	if in.coder.Encode != nil {
		steps := k.Params["steps"]
		k.Steps = int(steps)
		at := in.at
		if g, is := in.args["steps"]; is {
			at = g.at
		}
		if steps < 1 || steps > 1<<20 {
			c.fail(diag.OutOfRange, at, "", "a coder takes between 1 and %d time steps, not %v", 1<<20, realOf(steps))
			return nil
		}
	}
	return k
}

// dataOf returns the data set of a definition; nil where something was found.
func (c *checker) dataOf(d *def) *Data {
	if d.state != unseen {
		return d.data
	}
	d.state = busy
	defer func() { d.state = done }()
	in := c.instance("data", d.value, &scope{own: d.name.Text})
	if in == nil {
		return nil
	}
	args, ok := c.fill(in.choice.Params, in.args, &owner{what: "data set `" + in.name + "`", partial: in.partial}, "", in.at)
	if !ok {
		return nil
	}
	x := &Data{Name: d.name.Text, Set: in.choice.Name, Args: args, Later: in.choice.Later, Range: d.item.Span()}
	if c.cat.Shape != nil {
		var err error
		if x.Channels, x.Height, x.Width, x.Steps, err = c.cat.Shape(x.Set, args); err != nil && !x.Later {
			c.fail(diag.DataFailed, d.value.Span(), "", "data set `%s`: %v", x.Set, err)
			return nil
		}
	}
	d.data = x
	return x
}

// targetOf returns the target of a definition as a choice; nil where something was found.
func (c *checker) targetOf(d *def) *schema.Value {
	if d.state == unseen {
		d.state = busy
		if in := c.instance("target", d.value, &scope{own: d.name.Text}); in != nil {
			if args, ok := c.fill(in.comp.Params, in.args, &owner{what: "target `" + in.name + "`", partial: in.partial}, "", in.at); ok {
				d.target, d.plugin = &schema.Value{Type: schema.OneOf, Text: in.comp.Name, Args: args}, in.from
			}
		}
		d.state = done
	}
	return d.target
}
