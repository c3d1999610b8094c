package exec_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
)

// network draws a random network of the layers that passes of a plan look for, over images of numbers and of spikes.
type network struct {
	*rapid.T
	b       *graph.Builder
	types   variables
	filters []*graph.Equation
	at      int // of the layer that is drawn
}

func (d *network) draw(name string, least, most int) int {
	return rapid.IntRange(least, most).Draw(d.T, fmt.Sprint(name, d.at))
}

// read returns a new variable.
func (d *network) read(dims ...int) graph.Value {
	name := fmt.Sprint("v", len(d.types))
	d.types[name] = graph.Type{Dims: dims}
	return d.b.Op(graph.OpRead, graph.Attrs{"var": name})
}

// channels returns a new variable with a number per channel of x.
func (d *network) channels(x graph.Value) graph.Value { return d.read(x.Type().Dims[0], 1, 1) }

// affine scales and shifts the channels of x.
func (d *network) affine(x graph.Value) graph.Value {
	return d.b.Add(d.b.Mul(x, d.channels(x)), d.channels(x))
}

// normalised is batch normalisation with a trained scale and shift.
func (d *network) normalised(x graph.Value) graph.Value {
	axes := graph.Axes{graph.BatchAxis, 1, 2}
	if x.Type().Steps > 0 {
		axes = append(graph.Axes{graph.TimeAxis}, axes...)
	}
	return d.affine(d.b.Ops(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": 0.5}, x)[0])
}

// convolved returns x by a convolution, or its transpose; false where its kernel does not fit.
func (d *network) convolved(x graph.Value, transposed bool) (graph.Value, bool) {
	k, t := d.draw("kernel", 1, 4), x.Type()
	stride, pad, out := max(1, d.draw("stride", -2, 2)), d.draw("pad", 0, k-1), d.draw("out", 1, 4)
	attrs := graph.Attrs{"stride": stride, "pad": pad}
	if transposed {
		high, wide := (t.Dims[1]-1)*stride+k-2*pad, (t.Dims[2]-1)*stride+k-2*pad
		attrs["height"], attrs["width"] = high, wide
		if min(high, wide) < 1 {
			return x, false
		}
		return d.b.Op(graph.OpConvInput, attrs, x, d.read(t.Dims[0], out, k, k)), true
	}
	if min(t.Dims[1], t.Dims[2])+2*pad < k {
		return x, false
	}
	return d.b.Op(graph.OpConv, attrs, x, d.read(out, t.Dims[0], k, k)), true
}

// upsampled repeats the pixels of x, along either side first.
func (d *network) upsampled(x graph.Value) graph.Value {
	count, first := d.draw("count", 2, 3), d.draw("side", 1, 2)
	for _, side := range []int{first, 3 - first} {
		x = d.b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(side), "count": count}, x)
	}
	return x
}

// fired is 1 where x is above a number that no sum of multiples of 1/4 comes near.
func (d *network) fired(x graph.Value) graph.Value {
	return d.b.Op(graph.OpGreater, nil, x, d.b.Const(0.5137))
}

// linear returns the product of the elements of x by a matrix.
func (d *network) linear(x graph.Value, dims ...int) graph.Value {
	in, out := x.Type().Size(), (graph.Type{Dims: dims}).Size()
	y := d.b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, d.b.Reshape(x, in), d.read(out, in))
	return d.b.Reshape(y, dims...)
}

var layers = []string{"conv", "conv", "transposed conv", "upsampled", "conv of upsampled", "concat", "conv of concat", "conv of spikes of concat", "linear of concat",
	"normalised conv", "scaled conv", "normalised", "scaled", "bias", "spikes", "add", "mul", "slice", "pool", "linear", "readout", "readout of conv", "readout of linear"}

// filters are linear equations of two states, and of time.
const filters = `graph 1

equation "filter" {
  input x
  state u = 0.0
  state v = 0.0
  %0 = constant value=0.5 : f32[]
  %1 = mul %u %0 : f32[]
  %2 = add %1 %x : f32[]
  %3 = neg %v : f32[]
  %4 = mul %0 %3 : f32[]
  %5 = sub %2 %4 : f32[]
  %6 = sub %5 %u : f32[]
  emit %6
  next u %2
  next v %5
}

equation "ramp" {
  input x
  state v = 0.0
  %0 = time : f32[]
  %1 = steps : f32[]
  %2 = div %0 %1 : f32[]
  %3 = mul %2 %x : f32[]
  %4 = add %v %3 : f32[]
  emit %4
  next v %4
}
`

// readout returns the last output of a linear equation over x; false where that has no time.
func (d *network) readout(x graph.Value) (graph.Value, bool) {
	if x.Type().Steps == 0 {
		return x, false
	}
	if x.Type().DType == graph.Bit {
		x = d.b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
	}
	return d.b.Equation(graph.OpEquation, d.filters[d.draw("filter", 0, 1)], graph.Attrs{"last": true}, x)[0], true
}

// layer returns a layer of x, or of x and y; false where it does not fit.
func (d *network) layer(kind string, x, y graph.Value) (v graph.Value, ok bool) {
	t, u := x.Type(), y.Type()
	join := t.DType == u.DType && t.Steps == u.Steps && slices.Equal(t.Dims[1:], u.Dims[1:])
	switch kind {
	case "conv", "normalised conv", "scaled conv":
		if v, ok = d.convolved(x, false); ok && kind == "normalised conv" {
			v = d.normalised(v)
		} else if ok && kind == "scaled conv" {
			v = d.affine(d.b.Sub(v, d.channels(v)))
		}
		return v, ok
	case "readout":
		return d.readout(x)
	case "readout of conv", "readout of linear":
		if kind == "readout of linear" {
			v = d.linear(x, 3, 1, 1)
		} else if v, ok = d.convolved(x, d.draw("transposed", 0, 1) == 1); !ok {
			return v, false
		}
		if d.draw("bias", 0, 1) == 1 {
			v = d.b.Add(v, d.channels(v))
		}
		if kind == "readout of linear" {
			v = d.b.Reshape(v, 1, 3, 1)
		}
		return d.readout(v)
	case "transposed conv":
		return d.convolved(x, true)
	case "upsampled":
		return d.upsampled(x), true
	case "conv of upsampled":
		return d.convolved(d.upsampled(x), false)
	case "concat", "conv of concat", "conv of spikes of concat", "linear of concat":
		if !join || kind == "conv of spikes of concat" && t.DType == graph.Bit {
			return x, false
		}
		v = d.b.Concat(0, x, y)
		switch kind {
		case "conv of concat":
			return d.convolved(v, false)
		case "conv of spikes of concat":
			return d.convolved(d.fired(v), false)
		case "linear of concat":
			v = d.linear(v, t.Dims...)
		}
		return v, true
	case "normalised":
		return d.normalised(x), true
	case "scaled":
		return d.affine(d.b.Sub(x, d.channels(x))), true
	case "bias":
		return d.b.Add(x, d.channels(x)), true
	case "spikes":
		return d.fired(x), true
	case "add", "mul":
		if _, misfit := graph.Broadcast(t, u); misfit != nil {
			return x, false
		}
		return d.b.Op(graph.Op(kind), nil, x, y), true
	case "slice":
		if t.Dims[0] < 2 {
			return x, false
		}
		return d.b.Slice(x, 0, t.Dims[0]/2, t.Dims[0]-t.Dims[0]/2), true
	case "pool":
		if min(t.Dims[1], t.Dims[2]) < 2 {
			return x, false
		}
		return d.b.Op(graph.OpMaxPool, graph.Attrs{"kernel": 2, "stride": d.draw("stride", 1, 2)}, x), true
	default:
		return d.linear(d.linear(x, 3, 1, 1), t.Dims...), true
	}
}

// TestRandomNetworks: random networks with their gradients compute what the interpreter does, which knows no pass, with all
// results kept and with as many computed twice as can be. No result is rounded more than a few thousand times on its way.
func TestRandomNetworks(t *testing.T) {
	pools := []*exec.Pool{exec.NewPool(1), exec.NewPool(2)}
	for _, p := range pools {
		defer p.Close()
	}
	m, err := graph.Parse(filters)
	if err != nil {
		t.Fatal(err)
	}
	passes := map[string]bool{}
	networks := 0
	rapid.Check(t, func(rt *rapid.T) {
		networks++
		d := &network{T: rt, types: variables{}, filters: m.Equations}
		d.b = graph.NewBuilder("f", d.types)
		n, steps, seed := d.draw("batch", 1, 9), d.draw("steps", 0, 3), rapid.Uint64().Draw(rt, "seed")
		image := graph.Signal(steps, d.draw("channels", 1, 5), d.draw("high", 2, 5), d.draw("wide", 2, 5))
		values := []graph.Value{d.b.Input("x", image), d.b.Input("s", image.With(graph.Bit))}
		if steps > 0 { // what is the same at all steps
			values = append(values, d.b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": steps}, d.b.Input("u", image.WithSteps(0))))
		}
		given := len(values)
		for d.at = range d.draw("layers", 1, 8) {
			kind := rapid.SampledFrom(layers).Draw(rt, fmt.Sprint("kind", d.at))
			x, y := values[d.draw("from", 0, len(values)-1)], values[d.draw("by", 0, len(values)-1)]
			if v, ok := d.layer(kind, x, y); ok && v.Type().Size() <= 700 {
				if v.Type().DType == graph.F32 {
					v = d.b.Scale(v, 0.25)
				}
				values = append(values, v)
			}
		}
		loss := d.b.Const(0)
		for i, v := range values[given:] {
			if i%3 == 0 || given+i == len(values)-1 {
				d.b.Output(fmt.Sprint("y", i), v)
				loss = d.b.Add(loss, d.b.Mean(d.b.Mul(v, v)))
			}
		}
		d.b.Output("loss", loss)
		if rapid.Bool().Draw(rt, "gradients") {
			by := values[:1:1]
			for _, node := range d.b.Graph().Nodes {
				if node.Op == graph.OpRead {
					by = append(by, graph.Value{Node: node})
				}
			}
			for i, g := range graph.Gradient(d.b, loss, by) {
				d.b.Output(fmt.Sprint("g", i), g)
			}
		}
		g, err := d.b.Finish()
		if err != nil {
			rt.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 0))
		w := filled(r, g, n, 1)
		for _, name := range slices.Sorted(maps.Keys(d.types)) {
			w.variables[name] = grid(r, d.types[name], 1, 1)
		}
		want := w.interpret(rt, g)
		for bytes, pool := range pools { // no bound, then the least that is possible
			x := compiledWithin(rt, pool, g, n, bytes)
			for _, p := range x.Plan().Passes {
				passes[p.Name] = passes[p.Name] || len(p.Places) > 0
			}
			env, _ := w.env()
			if err := x.Run(env); err != nil {
				rt.Fatal(err)
			}
			for _, o := range g.Outputs {
				close(rt, o.Name, x.Output(o.Name).Logical(), want.Outputs[o.Name].Data, ulps(3000), 0.05)
			}
		}
	})
	for _, name := range []string{"upsampled convolutions", "fixed scales", "normalisation", "factors"} {
		if !t.Failed() && !passes[name] && networks >= 100 { // of few networks, none may
			t.Errorf("pass %s: no network that it does something for", name)
		}
	}
}
