package gan

import (
	"slices"

	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

// firstSpike names the loss on spike times.
const firstSpike = "first_spike"

// The discriminator's outputs.
const (
	isFake = iota
	isReal
)

// window is the number of time steps in which a spike tells something. The networks run for one more: a neuron that was silent
// fires there as far as the rule is concerned, and so all of a window's spikes lie before it (Kheradpisheh & Masquelier 2020).
func (m *gan) window() int { return m.b.Role(decode).In[0].Steps }

// checkTimes judges what networks must be for a loss on spike times.
func (m *gan) checkTimes(modules map[string]*graph.Module) {
	if m.b.Role(encode) == nil || m.b.Role(decode) == nil {
		m.complain(coder, "add `coder = ttfs(steps = 100)`", "first_spike trains on spike times, and nothing turns images into spikes and back")
		return
	}
	if m.args.Has("noise") {
		m.complain("noise", "take it away", "with first_spike the noise is a spike train, each neuron's spike at a step drawn at random or missing")
	}
	if t := m.b.Role(encode).Out[0]; t.DType != graph.Bit {
		m.complain(coder, "take one that spikes, as `ttfs` does", "first_spike trains on spike times, and the coder gives %s", sdk.Wire(t))
	}
	for _, role := range []string{generator, discriminator} {
		r := m.b.Role(role)
		switch {
		case len(r.In) == 0:
		case !r.FreeSteps || r.In[0].DType != graph.Bit || r.Out[0].DType != graph.Bit:
			m.complain(role, "let it take and give `times[...]`, and encode nothing inside", "with first_spike the %s takes spikes and gives spikes at the coder's time steps, and this one takes %s and gives %s", role, sdk.Wire(r.In[0]), sdk.Wire(r.Out[0]))
		}
		if o := modules[role].Opaques; slices.ContainsFunc(o, func(o *graph.Opaque) bool { return o.Spikes }) {
			m.complain(role, "take neurons that equations say", "first_spike needs derivatives by spike times, and a plugin computes neurons of the %s with its own", role)
		}
		for _, e := range modules[role].Equations {
			if e.Spikes && e.Temporal == nil {
				m.complain(role, "give its neurons `surrogate = temporal(normalize = true)`", "first_spike needs derivatives by spike times, and neurons of the %s have those of a surrogate", role)
				break
			}
		}
	}
	if out := m.b.Role(discriminator).Out[0]; len(out.Dims) != 1 || out.Dims[0] != 2 {
		m.complain(discriminator, "end it with `linear(2)` and neurons", "with first_spike the discriminator has two outputs, \"fake\" and \"real\"; this one gives %s", sdk.Wire(out))
	}
	targets := m.args["loss"].Args["targets"]
	if gap := targets.Args.Int("gap"); targets.Args.Has("gap") && gap >= m.window() {
		m.complain("loss.targets.gap", "make it shorter", "a gap of %d steps does not fit into a window of %d", gap, m.window())
	}
}

// times adds the training functions.
func (m *gan) times() {
	b := m.b
	last := float64(m.window())
	out := m.b.Role(discriminator).Out[0].WithSteps(m.window() + 1)
	t := graph.Real(out.Dims...)
	// first_time is the step of the first spike, the window's end where there is none. Its derivative puts -dL/dt on that step.
	b.Function("first_time", func(f *sdk.Function) {
		s := f.Input("s", out)
		f.Output("t", f.Reduce("min", f.Op(graph.OpWhere, nil, s, f.Op(graph.OpIota, graph.Attrs{"steps": m.window() + 1}), f.Const(last)), graph.TimeAxis))
	})
	b.Function("first_time_backward", func(f *sdk.Function) {
		s, t, dt := f.Input("s", out), f.Input("t", t), f.Input("dt", t)
		at := f.Op(graph.OpEqual, nil, f.Op(graph.OpIota, graph.Attrs{"steps": m.window() + 1}), t)
		f.Output("ds", f.Expand(f.Op(graph.OpWhere, nil, at, f.Neg(dt), f.Const(0)), s.Type().With(graph.F32)))
	})
	b.Function("discriminate", func(f *sdk.Function) {
		x, class := m.genuineTimes(f, sdk.Mode{}), m.label.Input(f)
		onData := m.decide(f, sdk.Mode{}, x, class)
		y := f.Stop(m.fake(f, "discriminate", sdk.Mode{}, class))
		onFakes := m.decide(f, sdk.Mode{}, y, class)
		right, caught := m.error(f, onData, isReal), m.error(f, onFakes, isFake)
		f.Output("total", f.Add(right, caught))
		f.Output("real", right)
		f.Output("fake", caught)
		taken := func(t graph.Value) graph.Value { return f.Mean(f.Real(m.real(f, t))) }
		f.Output("real_found", taken(onData))
		f.Output("fake_found", f.Sub(f.Const(1), taken(onFakes)))
		if f.Err() != nil {
			return
		}
		// Pixels that fire, of a generated image: a mean that falls to a few says that the images die.
		spikes := f.Real(f.Slice(y, graph.TimeAxis, 0, m.window()))
		f.Output("active_pixels", f.Reduce("mean", f.Reduce("sum", f.Reduce("sum", spikes, graph.TimeAxis), graph.DimAxes(spikes.Type())...), graph.BatchAxis))
	})
	b.Function("deceive", func(f *sdk.Function) {
		class := m.label.Input(f)
		y := m.fake(f, "deceive", sdk.Mode{}, class)
		t := m.decide(f, sdk.Mode{Frozen: true, Gate: m.args["loss"].Args.Text("gate")}, y, class)
		f.Output("total", m.error(f, t, isReal))
	})
	b.Function("score", func(f *sdk.Function) { // how much earlier "real" fires than "fake", in shares of the window
		x, class := m.genuineTimes(f, sdk.Mode{Eval: true}), m.label.Input(f)
		t := m.decide(f, sdk.Mode{Eval: true}, x, class)
		f.Output("score", f.Scale(f.Sub(f.Slice(t, 0, isFake, 1), f.Slice(t, 0, isReal, 1)), 1/last))
	})
}

// genuineTimes declares the images of the data and returns them as spikes, with a last step in which nothing fires.
func (m *gan) genuineTimes(f *sdk.Function, mode sdk.Mode) graph.Value {
	x := m.genuine(f, mode)
	if f.Err() != nil {
		return x
	}
	return f.Join(x, f.Zeros(x.Type().WithSteps(1)))
}

// noiseTimes draws spike times, uniform over the steps of the window and silence.
func (m *gan) noiseTimes(f *sdk.Function, label string) graph.Value {
	n := m.window() + 1
	k := f.Op(graph.OpFloor, nil, f.Scale(f.Uniform(label, graph.Real(m.b.Role(generator).In[0].Dims...)), float64(n)))
	// A product that rounds up to n gives no spike at all, which is silence too.
	return f.Op(graph.OpEqual, nil, f.Op(graph.OpIota, graph.Attrs{"steps": n}), k)
}

// decide returns when the discriminator's outputs fire first.
func (m *gan) decide(f *sdk.Function, mode sdk.Mode, x, class graph.Value) graph.Value {
	s := m.apply(f, discriminator, mode, x, class)
	return f.Op(graph.OpCustom, graph.Attrs{"function": "first_time", "backward": "first_time_backward"}, s)
}

// real tells where "real" is the earlier output; where both are silent, or fire together, an image counts as fake.
func (m *gan) real(f *sdk.Function, t graph.Value) graph.Value {
	return f.Op(graph.OpLess, nil, f.Slice(t, 0, isReal, 1), f.Slice(t, 0, isFake, 1))
}

// error is the loss of spike times: 1/2 sum ((target - t) / window)^2, mean over examples, where the output `right` is to be the
// earlier one. Targets are constants.
func (m *gan) error(f *sdk.Function, t graph.Value, right int) graph.Value {
	targets := m.args["loss"].Args["targets"]
	end := float64(m.window())
	wins := f.Op(graph.OpEqual, nil, f.Op(graph.OpIota, graph.Attrs{"dims": []int{2}}), f.Const(float64(right)))
	var win, lose graph.Value
	if targets.Text == "absolute" {
		win, lose = f.Const(end*targets.Args.Real("right")), f.Const(end*targets.Args.Real("wrong"))
	} else {
		gap := f.Const(targets.Args.Real("gap"))
		tau := f.Reshape(f.Reduce("min", t, 0), 1)
		late := f.Op(graph.OpLess, nil, f.Sub(t, tau), gap)
		lose = f.Op(graph.OpWhere, nil, late, f.Op(graph.OpMin, nil, f.Add(tau, gap), f.Const(end)), t)
		first := tau
		if targets.Text == "aggressive" {
			first = f.Op(graph.OpMax, nil, f.Sub(tau, gap), f.Const(0))
		}
		win = f.Op(graph.OpWhere, nil, f.Op(graph.OpEqual, nil, tau, f.Const(end)), f.Sub(f.Const(end), gap), first)
	}
	e := f.Scale(f.Sub(f.Stop(f.Op(graph.OpWhere, nil, wins, win, lose)), t), 1/end)
	return f.Reduce("mean", f.Scale(f.Reduce("sum", f.Square(e), 0), 0.5), graph.BatchAxis)
}
