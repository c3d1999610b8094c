package flow_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
)

// exact is the network that no training can surpass, the mean of image - noise at x = t image + (1 - t) noise. x is distributed as a
// mixture with centres t m and variance v = t^2 spread^2 + (1 - t)^2; with r the chance of each centre given x, it is the sum of
// r (m + (t spread^2 - (1 - t)) / v (x - t m)).
func exact(t *testing.T) *graph.Module {
	t.Helper()
	mixture := modeltest.Three()
	shares, centres, spread := mixture.Shares, mixture.Centres, mixture.Spread
	return modeltest.Network(t, false, func(b *graph.Builder) {
		x, time := b.Input("image", graph.Real(2)), b.Input("t", graph.Real(1))
		left := b.Sub(b.Const(1), time)
		v := b.Add(b.Scale(b.Mul(time, time), spread*spread), b.Mul(left, left))
		pull := b.Op(graph.OpDiv, nil, b.Sub(b.Scale(time, spread*spread), left), v)
		var logs, says []graph.Value
		for i, c := range centres {
			centre := b.Expand(b.Op(graph.OpConstant, graph.Attrs{"values": c[:], "dims": []int{2}}), graph.Real(2))
			away := b.Sub(x, b.Mul(centre, time))
			far := b.Reshape(b.Reduce("sum", b.Mul(away, away), 0), 1)
			logs = append(logs, b.Sub(b.Const(math.Log(shares[i])), b.Op(graph.OpDiv, nil, b.Scale(far, 0.5), v)))
			says = append(says, b.Add(centre, b.Mul(away, pull)))
		}
		most := b.Op(graph.OpMax, nil, b.Op(graph.OpMax, nil, logs[0], logs[1]), logs[2])
		var sum, all graph.Value
		for i := range logs {
			p := b.Op(graph.OpExp, nil, b.Sub(logs[i], most))
			if part := b.Mul(says[i], p); i == 0 {
				sum, all = p, part
			} else {
				sum, all = b.Add(sum, p), b.Add(all, part)
			}
		}
		b.Output("velocity", b.Op(graph.OpDiv, nil, all, sum))
	})
}

// With the exact velocity the samplers draw from the mixture. What Euler's method is off by is of first order in a turn.
func TestExact(t *testing.T) {
	b := load(t, "network net(image: real[2], t: real[1]) -> real[2] { return image + 0 * t }\nmodel m = flow(velocity = net, clip = none)", 2).With(t, "velocity", exact(t))
	m := b.Start(t)
	for name, steps := range map[string]int{"euler": 200, "midpoint": 50, "heun": 50} {
		bias := 0.02
		if name == "euler" {
			bias = 0.05
		}
		modeltest.Three().Judge(t, name, modeltest.Points(b.Sampler(t, name, options(steps, 1)).Draw(t, m, 4096, 0)), bias)
	}
}
