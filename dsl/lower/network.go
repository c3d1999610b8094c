package lower

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// Share says of the modules of a model's roles which of their variables are one. A network that fills a role has weights of
// its own there; where it is used as a layer, in the networks of whichever roles, it has the same ones. The variables belong to
// the role that the used network fills itself, else to the first that it is used in, in the order of roles.
func Share(roles []check.Role, modules map[string]*graph.Module) {
	owned := map[check.Place]string{} // home of a layer -> the role and position whose variables it has
	each := func(f func(path string, n *check.Network, i int, home check.Place)) {
		for _, r := range roles {
			if r.Network == nil {
				continue
			}
			for i, l := range r.Network.Layers {
				if l.Weights == i {
					f(r.Path, r.Network, i, l.Home)
				}
			}
		}
	}
	position := func(path string, i int) string { return path + "." + strconv.Itoa(i) + "." }
	each(func(path string, n *check.Network, i int, home check.Place) {
		if home.Network == n {
			owned[home] = position(path, i)
		}
	})
	prefixes := map[string]string{}
	each(func(path string, n *check.Network, i int, home check.Place) {
		if home.Network == n {
			return
		}
		own := position(path, i)
		if owned[home] == "" {
			owned[home] = own
		}
		if owned[home] != own {
			prefixes[own] = owned[home]
		}
	})
	for _, r := range roles {
		m := modules[r.Path]
		if m == nil {
			continue
		}
		for i := range m.Variables {
			v := &m.Variables[i]
			at, part, _ := strings.Cut(v.Name, ".")
			if p, ok := prefixes[r.Path+"."+at+"."]; ok {
				v.Of = p + part
			}
		}
	}
}

// Network lowers a network to a module with the functions "train" and "eval". steps is the number of time steps at which a
// network that does not encode is written down; it works at any other, unless it is tied to it, see check.Network.Tied, or a
// batchnorm is `over = step`: the running
// statistics then move once for each of these steps.
func Network(n *check.Network, steps int) (*graph.Module, diag.List) {
	if !n.FreeSteps {
		steps = n.Steps
	}
	m := &graph.Module{}
	env := graph.ModuleEnv{Module: m, Types: map[string]graph.Type{}}
	texts := map[string]*graph.Equation{}
	var found diag.List
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		l := &lowering{m: m, n: n, b: graph.NewBuilder(mode, env), train: mode == program.TrainFunction, steps: steps, types: env.Types, texts: texts}
		l.values = make([]graph.Value, len(n.Layers))
		for i, layer := range n.Layers {
			l.i, l.layer = i, layer
			l.b.Layer = strings.TrimPrefix(layer.Title, n.Name+".")
			l.b.Origin = layer.Origin
			v, err := l.lower()
			if err == nil {
				err = l.b.Err()
			}
			if err == nil && layer.Kind != "input" {
				if want := Type(layer.Wire, steps); !v.Type().Equal(want) {
					err = fmt.Errorf("the graph gives %v where the checker found %v", v.Type(), want)
				}
			}
			if err != nil {
				d := diag.Diagnostic{Code: diag.LoweringFailed, Summary: err.Error()}
				if len(layer.Origin) > 0 {
					d.Range = layer.Origin[0]
				}
				return nil, append(found, d)
			}
			l.values[i] = v
		}
		l.b.Layer, l.b.Origin = "", nil
		l.b.Output("y", l.values[n.Output])
		g := l.b.Graph()
		g.FreeSteps = n.FreeSteps && !n.Tied()
		g.Prune()
		m.Functions = append(m.Functions, g)
	}
	return m, found
}

// Type returns the graph's type of a wire; steps stands for a number of steps that is not fixed.
func Type(w check.Wire, steps int) graph.Type {
	if w.Steps > 0 {
		steps = w.Steps
	}
	switch w.Kind {
	case check.SignalWire:
		return graph.Signal(steps, w.Dims...)
	case check.SpikesWire, check.TimesWire:
		return graph.Spikes(steps, w.Dims...)
	case check.TokensWire, check.StepWire:
		return graph.Real(w.Dims...).With(graph.I32)
	}
	return graph.Real(w.Dims...)
}

// lowering is one network on its way into one function.
type lowering struct {
	m      *graph.Module
	n      *check.Network
	b      *graph.Builder
	train  bool
	steps  int
	types  map[string]graph.Type      // of the module's variables
	texts  map[string]*graph.Equation // the module's equations by their text without the name
	values []graph.Value
	i      int
	layer  *check.Layer
}

func (l *lowering) in(k int) graph.Value { return l.values[l.layer.In[k]] }

// named is the structural name of a variable of the layer: the position of the layer whose weights it uses, and the part.
func (l *lowering) named(part string) string { return strconv.Itoa(l.layer.Weights) + "." + part }

// variable declares a variable of the layer, unless an earlier layer with the same weights has, and reads it.
func (l *lowering) variable(part string, kind graph.VariableKind, init graph.Init, dims ...int) graph.Value {
	name := l.named(part)
	if t, ok := l.types[name]; ok && !t.Equal(graph.Type{Dims: dims}) {
		l.b.Fail(fmt.Errorf("variable %s is %v here and %v in an earlier use", name, graph.Type{Dims: dims}, t))
	} else if !ok {
		l.types[name] = graph.Type{Dims: dims}
		l.m.Variables = append(l.m.Variables, graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Kind: kind, Init: init,
			Title: strings.TrimPrefix(l.layer.Title, l.n.Name+".") + "." + part})
	}
	return l.b.Op(graph.OpRead, graph.Attrs{"var": name})
}

// starts returns how weights and biases begin: as `init` says, else uniform in +-1/sqrt(fan in) for both.
func (l *lowering) starts(fanIn, fanOut int) (weight, bias graph.Init) {
	bound := 1 / math.Sqrt(float64(fanIn))
	even := graph.Init{Kind: "uniform", A: -bound, B: bound}
	zero := graph.Init{Kind: "constant"}
	init := l.layer.Args["init"]
	switch init.Text {
	case "xavier": // Glorot & Bengio 2010, uniform
		bound := init.Args.Real("gain") * math.Sqrt(6/float64(fanIn+fanOut))
		return graph.Init{Kind: "uniform", A: -bound, B: bound}, zero
	case "uniform":
		items := init.Args["range"].Items
		return graph.Init{Kind: "uniform", A: items[0].Number, B: items[1].Number}, zero
	case "normal":
		return graph.Init{Kind: "normal", B: init.Args.Real("std")}, zero
	case "zeros":
		return zero, zero
	}
	return even, even
}

func (l *lowering) bias(y graph.Value, init graph.Init, channels int) graph.Value {
	if !l.layer.Args.Bool("bias") {
		return y
	}
	return l.b.Add(y, l.variable("bias", graph.Parameter, init, channels))
}

func (l *lowering) lower() (graph.Value, error) {
	b, layer, args := l.b, l.layer, l.layer.Args
	w := layer.Wire
	switch layer.Kind {
	case "input":
		x := b.Input(l.n.Params[l.i].Name, Type(w, l.steps))
		x.Node.Once = w.Kind == check.TimesWire
		return x, nil
	case "linear":
		in, out := l.in(0).Type().Dims[0], w.Dims[0]
		weight, bias := l.starts(in, out)
		y := b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, l.in(0), l.variable("weight", graph.Parameter, weight, out, in))
		return l.bias(y, bias, out), nil
	case "conv":
		if args.Has("width") {
			return l.oblong(), nil
		}
		in, out, k := l.in(0).Type().Dims[0], w.Dims[0], args.Int("kernel")
		weight, bias := l.starts(in*k*k, out*k*k)
		y := b.Op(graph.OpConv, graph.Attrs{"stride": args.Int("stride"), "pad": args.Int("pad")},
			l.in(0), l.variable("weight", graph.Parameter, weight, out, in, k, k))
		return l.bias(y, bias, out), nil
	case "deconv": // its weights are those of the convolution that it transposes: [in out k k]
		in, out, k := l.in(0).Type().Dims[0], w.Dims[0], args.Int("kernel")
		weight, bias := l.starts(out*k*k, in*k*k)
		y := b.Op(graph.OpConvInput, graph.Attrs{"stride": args.Int("stride"), "pad": args.Int("pad"), "height": w.Dims[1], "width": w.Dims[2]},
			l.in(0), l.variable("weight", graph.Parameter, weight, in, out, k, k))
		return l.bias(y, bias, out), nil
	case "batchnorm":
		return l.batchnorm(), nil
	case "groupnorm":
		x, g := l.in(0), args.Int("groups")
		dims := x.Type().Dims
		y := b.Op(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{1}, "epsilon": args.Real("epsilon")}, b.Reshape(x, g, x.Type().Size()/g))
		return l.affine(b.Reshape(y, dims...), dims[0]), nil
	case "layernorm":
		x := l.in(0)
		axes := graph.AllAxes(graph.Type{Dims: x.Type().Dims})
		y := b.Op(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": args.Real("epsilon")}, x)
		return l.affine(y, x.Type().Dims...), nil
	case "dropout":
		return l.dropout(), nil
	case "maxpool":
		return b.Op(graph.OpMaxPool, graph.Attrs{"kernel": args.Int("kernel"), "stride": args.Int("stride")}, l.edges(l.in(0), args.Int("pad"))), nil
	case "avgpool":
		return l.average(), nil
	case "upsample":
		x, f := l.in(0), args.Int("factor")
		for axis := graph.Axis(1); axis <= 2; axis++ {
			x = b.Op(graph.OpRepeat, graph.Attrs{"axis": axis, "count": f}, x)
		}
		return x, nil
	case "flatten", "reshape":
		return b.Reshape(l.in(0), w.Dims...), nil
	case "expand":
		x := l.in(0)
		return b.Expand(x, x.Type().WithDims(w.Dims...)), nil
	case "concat":
		in := make([]graph.Value, len(layer.In))
		for i := range in {
			in[i] = l.in(i)
		}
		return b.Concat(0, l.timed(in)...), nil
	case "add", "sub", "mul", "div":
		ops := map[string]graph.Op{"add": graph.OpAdd, "sub": graph.OpSub, "mul": graph.OpMul, "div": graph.OpDiv}
		return b.Op(ops[layer.Kind], nil, l.operands()...), nil
	case "neg":
		return b.Neg(l.in(0)), nil
	case "relu": // the 0 comes first: at a tie the derivative is that of the first, so 0 at 0
		return b.Op(graph.OpMax, nil, b.Const(0), l.in(0)), nil
	case "leaky_relu":
		x := l.in(0)
		return b.Add(b.Op(graph.OpMax, nil, b.Const(0), x), b.Scale(b.Op(graph.OpMin, nil, x, b.Const(0)), args.Real("slope"))), nil
	case "swish":
		return b.Mul(l.in(0), b.Op(graph.OpSigmoid, nil, l.in(0))), nil
	case "sigmoid":
		return b.Op(graph.OpSigmoid, nil, l.in(0)), nil
	case "tanh":
		return b.Op(graph.OpTanh, nil, l.in(0)), nil
	case "softmax":
		return l.softmax(l.in(0), 0), nil
	case "gelu":
		return l.gelu(), nil
	case "attention":
		return l.attention(), nil
	case "sinusoid":
		table := l.variable("table", graph.Frozen, graph.Init{Kind: "sinusoid", A: 10_000}, args.Int("count"), w.Dims[0])
		return b.Op(graph.OpRows, nil, table, l.in(0)), nil
	case "embedding":
		return l.embedding(), nil
	case "raw":
		return b.Reshape(b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, l.in(0)), w.Dims...), nil
	case "neuron":
		if layer.Neuron.Opaque != nil {
			return l.opaque()
		}
		e, err := Neuron(layer.Neuron)
		if err != nil {
			return graph.Value{}, err
		}
		in := make([]graph.Value, len(layer.In))
		for i := range in {
			in[i] = l.in(i)
		}
		return l.equation(e, layer.Neuron.Trainable, layer.Neuron.Ranges, layer.Neuron.Params, graph.Attrs{}, in)
	case "encode", "decode":
		return l.port()
	}
	return graph.Value{}, fmt.Errorf("`%s` cannot be run in this version", layer.Kind)
}

// operands are the inputs of an arithmetic layer; a number stands in the argument "value", on the side that "left" says.
func (l *lowering) operands() []graph.Value {
	var in []graph.Value
	for i := range l.layer.In {
		in = append(in, l.in(i))
	}
	if v, ok := l.layer.Args["value"]; ok {
		c := l.b.Const(v.Number)
		if l.layer.Args.Bool("left") {
			return append([]graph.Value{c}, in...)
		}
		return append(in, c)
	}
	return in
}

// affine multiplies by a trained weight and adds a trained bias.
func (l *lowering) affine(y graph.Value, dims ...int) graph.Value {
	y = l.b.Mul(y, l.variable("weight", graph.Parameter, graph.Init{Kind: "constant", A: 1}, dims...))
	return l.b.Add(y, l.variable("bias", graph.Parameter, graph.Init{Kind: "constant"}, dims...))
}

// batchnorm normalises over batch and space, and over all steps (Zheng et al. 2021, tdBN, where scale is alpha * threshold)
// or each step by itself: y = scale * weight * (x - mean) / sqrt(variance + epsilon) + bias. Train mode moves the running
// statistics, with the unbiased variance; eval mode uses them.
func (l *lowering) batchnorm() graph.Value {
	b, args, x := l.b, l.layer.Args, l.in(0)
	t := x.Type()
	c := t.Dims[0]
	one := graph.Init{Kind: "constant", A: 1}
	weight := l.variable("weight", graph.Parameter, one, c)
	bias := l.variable("bias", graph.Parameter, graph.Init{Kind: "constant"}, c)
	mean := l.variable("running_mean", graph.Statistic, graph.Init{Kind: "constant"}, c)
	variance := l.variable("running_var", graph.Statistic, one, c)
	if scale := args.Real("scale"); scale != 1 {
		weight = b.Scale(weight, scale)
	}
	eps := args.Real("epsilon")
	if !l.train {
		gain := b.Div(weight, b.Op(graph.OpSqrt, nil, b.Add(variance, b.Const(eps))))
		return b.Add(b.Mul(b.Sub(x, mean), gain), bias)
	}
	perStep := args.Text("over") == "step" && t.Steps > 0
	var axes graph.Axes
	for _, a := range graph.AllAxes(t) {
		if a == 0 || a == graph.TimeAxis && perStep {
			continue
		}
		axes = append(axes, a)
	}
	res := b.Ops(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": eps}, x)
	y := b.Add(b.Mul(res[0], weight), bias)
	count := b.Op(graph.OpCount, graph.Attrs{"axes": axes}, x)
	unbias := b.Div(count, b.Op(graph.OpMax, nil, b.Sub(count, b.Const(1)), b.Const(1)))
	m := args.Real("momentum")
	move := func(running, batch graph.Value) graph.Value {
		return b.Add(b.Scale(running, 1-m), b.Scale(batch, m))
	}
	turns := 1
	if perStep {
		turns = t.Steps
	}
	for i := range turns {
		bm, bv := res[1], res[2]
		if perStep {
			bm = b.Reduce("sum", b.Slice(bm, graph.TimeAxis, i, 1), graph.TimeAxis)
			bv = b.Reduce("sum", b.Slice(bv, graph.TimeAxis, i, 1), graph.TimeAxis)
		}
		mean = move(mean, bm)
		variance = move(variance, b.Mul(bv, unbias))
	}
	b.Ops(graph.OpAssign, graph.Attrs{"var": l.named("running_mean")}, mean)
	b.Ops(graph.OpAssign, graph.Attrs{"var": l.named("running_var")}, variance)
	return y
}

// port adds a coder's equation: encode is one fed with a constant, decode one whose last output is taken.
func (l *lowering) port() (graph.Value, error) {
	c, d := l.layer.Coder, l.layer.Coder.Definition
	if d == nil {
		return l.graphCoder()
	}
	p, attrs := d.Encode, graph.Attrs{"steps": l.layer.Wire.Steps}
	if l.layer.Kind == "decode" {
		p, attrs = d.Decode, graph.Attrs{"last": true}
	}
	if p == nil {
		return graph.Value{}, fmt.Errorf("coder `%s` cannot %s", c.Name, l.layer.Kind)
	}
	e, err := Port(c, p)
	if err != nil {
		return graph.Value{}, err
	}
	return l.equation(e, c.Trainable, c.Ranges, c.Params, attrs, []graph.Value{l.in(0)})
}

// equation adds an equation node; its trained parameters become variables of the layer.
func (l *lowering) equation(e *graph.Equation, trainable map[string]string, ranges map[string][2]float64, start map[string]float64, attrs graph.Attrs, in []graph.Value) (graph.Value, error) {
	b := l.b
	dims := in[0].Type().Dims
	for _, p := range e.Params {
		var d []int
		switch trainable[p] {
		case "layer":
		case "channel":
			d = dims[:1]
		case "neuron":
			d = dims
		case "step":
			in = append(in, l.perStep(p, ranges[p], start[p]))
			continue
		default:
			return graph.Value{}, fmt.Errorf("parameter `%s` is trained per %s, which is unknown", p, trainable[p])
		}
		in = append(in, l.held(p, ranges[p], start[p], d...))
	}
	e = l.declared(e)
	if e.Random() {
		attrs["label"] = strconv.Itoa(l.i)
	}
	return b.Equation(graph.OpEquation, e, attrs, in...)[0], nil
}

// held reads a parameter that training keeps in the range of its declaration.
func (l *lowering) held(name string, r [2]float64, start float64, dims ...int) graph.Value {
	v := l.variable(name, graph.Parameter, graph.Init{Kind: "constant", A: start}, dims...)
	l.m.Variable(l.named(name)).Range = graph.Range{Low: r[0], High: r[1]}
	return v
}

// perStep reads a parameter with one trained value for each time step, as a value that changes over time.
func (l *lowering) perStep(name string, r [2]float64, start float64) graph.Value {
	b, steps := l.b, l.steps
	table := b.Reshape(l.held(name, r, start, steps), steps, 1)
	index := b.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, b.Op(graph.OpIota, graph.Attrs{"steps": steps}))
	return b.Reshape(b.Op(graph.OpRows, nil, table, b.Reshape(index, 1)))
}

// opaque adds a neuron that its plugin computes. Inputs without time steps are the same at all.
func (l *lowering) opaque() (graph.Value, error) {
	m, err := graph.Parse(l.layer.Opaque)
	if err != nil {
		return graph.Value{}, fmt.Errorf("read what the plugin of neuron `%s` declares: %w", l.layer.Neuron.Name, err)
	}
	if len(m.Opaques) != 1 {
		return graph.Value{}, fmt.Errorf("neuron `%s` is computed by its plugin, which declares %d operators", l.layer.Neuron.Name, len(m.Opaques))
	}
	in := make([]graph.Value, len(l.layer.In))
	for i := range in {
		in[i] = l.in(i)
	}
	attrs := graph.Attrs{}
	if m.Opaques[0].Random {
		attrs["label"] = strconv.Itoa(l.i)
	}
	return l.b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: l.outsourced(m.Opaques[0])}, attrs, l.timed(in)...)[0], nil
}

// outsourced returns the module's opaque operator that is declared as o is, which is added if there is none. It is called by its number.
func (l *lowering) outsourced(o *graph.Opaque) *graph.Opaque {
	own := *o
	for _, other := range l.m.Opaques {
		if own.Name = other.Name; reflect.DeepEqual(&own, other) {
			return other
		}
	}
	own.Name = "o" + strconv.Itoa(len(l.m.Opaques))
	l.m.Opaques = append(l.m.Opaques, &own)
	return &own
}

// declared returns the module's equation with the text of e, which is added if there is none. It is called by its number:
// what the spec calls a neuron changes nothing.
func (l *lowering) declared(e *graph.Equation) *graph.Equation {
	e.Name = ""
	text := (&graph.Module{Equations: []*graph.Equation{e}}).Print()
	if other := l.texts[text]; other != nil {
		return other
	}
	e.Name = "e" + strconv.Itoa(len(l.m.Equations))
	l.m.Equations = append(l.m.Equations, e)
	l.texts[text] = e
	return e
}
