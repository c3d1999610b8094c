package gan

import (
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

// numbers adds the training functions of the losses on a critic's numbers. Both steps of an iteration see the same noise.
func (m *gan) numbers() {
	name, args := m.loss()
	b := m.b
	b.Function("discriminate", func(f *sdk.Function) {
		x, class := m.genuine(f, sdk.Mode{}), m.label.Input(f)
		y := f.Stop(m.fake(f, "z", sdk.Mode{}, class))
		onData, onFakes := m.apply(f, discriminator, sdk.Mode{}, x, class), m.apply(f, discriminator, sdk.Mode{}, y, class)
		total := discriminate(f, name, onData, onFakes)
		var penalty graph.Value
		if args.Has("penalty") {
			penalty = m.penalty(f, x, y, class)
			total = f.Add(total, f.Scale(penalty, args.Real("penalty")))
		}
		f.Output("total", total)
		f.Output("real", f.Mean(onData))
		f.Output("fake", f.Mean(onFakes))
		if penalty.Valid() {
			f.Output("penalty", penalty)
		}
	})
	b.Function("deceive", func(f *sdk.Function) {
		class := m.label.Input(f)
		y := m.fake(f, "z", sdk.Mode{}, class)
		f.Output("total", deceive(f, name, m.apply(f, discriminator, sdk.Mode{Frozen: true}, y, class)))
	})
	b.Function("score", func(f *sdk.Function) {
		x, class := m.genuine(f, sdk.Mode{Eval: true}), m.label.Input(f)
		f.Output("score", m.apply(f, discriminator, sdk.Mode{Eval: true}, x, class))
	})
}

// discriminate is the discriminator's loss of what it says of images of the data and of generated ones.
func discriminate(f *sdk.Function, loss string, onData, onFakes graph.Value) graph.Value {
	one := f.Const(1)
	switch loss {
	case "least_squares":
		return f.Scale(f.Add(f.MeanSquare(onData, one), f.Mean(f.Square(onFakes))), 0.5)
	case "non_saturating": // -log s(x) = softplus(-x), -log(1 - s(x)) = softplus(x)
		return f.Add(f.Mean(softplus(f, f.Neg(onData))), f.Mean(softplus(f, onFakes)))
	case "hinge":
		return f.Add(f.Mean(rectified(f, f.Sub(one, onData))), f.Mean(rectified(f, f.Add(one, onFakes))))
	}
	return f.Sub(f.Mean(onFakes), f.Mean(onData)) // wasserstein
}

// deceive is the generator's loss.
func deceive(f *sdk.Function, loss string, onFakes graph.Value) graph.Value {
	switch loss {
	case "least_squares":
		return f.Scale(f.MeanSquare(onFakes, f.Const(1)), 0.5)
	case "non_saturating":
		return f.Mean(softplus(f, f.Neg(onFakes)))
	}
	return f.Neg(f.Mean(onFakes)) // wasserstein, hinge
}

// softplus is log(1 + exp(x)) as (x + |x|) / 2 + log(1 + exp(-|x|)), which no x makes overflow. Its derivative is right at 0 too,
// where a critic that does not spike yet may well be: there |x| has the derivative 0, and the sum 1/2.
func softplus(f *sdk.Function, x graph.Value) graph.Value {
	size := f.Op(graph.OpAbs, nil, x)
	tail := f.Op(graph.OpLog, nil, f.Add(f.Const(1), f.Op(graph.OpExp, nil, f.Neg(size))))
	return f.Add(f.Scale(f.Add(x, size), 0.5), tail)
}

func rectified(f *sdk.Function, x graph.Value) graph.Value {
	return f.Op(graph.OpMax, nil, x, f.Const(0))
}

// penalty is the mean of (|d D / d p| - 1)^2 at points p that lie at random between images of the data and generated ones.
func (m *gan) penalty(f *sdk.Function, x, y, class graph.Value) graph.Value {
	share := f.Uniform("between", graph.Real(1))
	p := f.Add(y, f.Mul(share, f.Sub(x, y)))
	score := m.apply(f, discriminator, sdk.Mode{}, p, class)
	if f.Err() != nil {
		return p
	}
	slope := f.Ops(graph.OpGrad, nil, f.Reduce("sum", score, graph.AllAxes(score.Type())...), p)[0]
	// The addend keeps the root's derivative finite where a critic does not see its input.
	length := f.Op(graph.OpSqrt, nil, f.Add(f.Reduce("sum", f.Square(slope), graph.DimAxes(m.image)...), f.Const(1e-12)))
	return f.MeanSquare(length, f.Const(1))
}

// smooth judges whether the penalty can be differentiated: the gradient of a gradient goes through what is smooth.
func (m *gan) smooth(critic *graph.Module) {
	if m.b.Role(encode) != nil {
		m.complain("loss", "use the optimiser's `clamp` instead", "`penalty` wants points between images, and spikes have none")
		return
	}
	names := map[graph.Op]string{graph.OpEquation: "neurons or coders do not have", graph.OpMaxPool: "max pooling does not have", graph.OpNormalise: "a normalisation does not have"}
	for _, n := range critic.Function("train").Nodes {
		if what := names[n.Op]; what != "" {
			m.complain("loss", "keep its weights small by its optimiser instead, as in `rmsprop(rate = 5e-5, clamp = 0.01)`", "`penalty` wants a second derivative of the discriminator, which %s", what)
			return
		}
	}
}

// noise draws the generator's input.
func (m *gan) noise(f *sdk.Function, label string) graph.Value {
	t := m.b.Role(generator).In[0]
	how := m.args["noise"]
	if how.Text != "uniform" {
		return f.Normal(label, t)
	}
	low, high := 0.0, 1.0
	if between := how.Args["between"].Items; len(between) == 2 {
		low, high = between[0].Number, between[1].Number
	}
	u := f.Uniform(label, t)
	if low == 0 && high == 1 {
		return u
	}
	return f.Add(f.Scale(u, high-low), f.Const(low))
}

// fake returns generated images as the discriminator takes them.
func (m *gan) fake(f *sdk.Function, label string, mode sdk.Mode, class graph.Value) graph.Value {
	if name, _ := m.loss(); name == firstSpike {
		return m.apply(f, generator, mode, m.noiseTimes(f, label), class)
	}
	return m.apply(f, generator, mode, m.noise(f, label), class)
}
