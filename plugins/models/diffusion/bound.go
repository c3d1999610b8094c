package diffusion

import (
	"math"

	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

// weights returns what the squared error of the image counts for in the bound, by step. With R(s) = kept / (1 - kept), and the
// variance of the posterior in each step back, step s > 0 has a divergence of
//
//	(R(s - 1) - R(s)) / 2 |image - estimate|^2
//
// (D. P. Kingma, T. Salimans, B. Poole, J. Ho, "Variational diffusion models", NeurIPS 2021). Step 0 goes to a normal distribution
// about the estimate, of variance 1 / R(0).
func (n schedule) weights() (out []float64) {
	for s := range n.kept {
		w := n.ratio(s)
		if s > 0 {
			w = n.ratio(s-1) - n.ratio(s)
		}
		out = append(out, w/2)
	}
	return out
}

// ratio is that of the variances of image and noise.
func (n schedule) ratio(s int) float64 { return n.kept[s] / (1 - n.kept[s]) }

// bound is the function of that export: for each number of an image its share of the bound on the negative logarithm of the
// density, in nats (Ho et al. 2020, equation 5). Of the steps one is drawn for each example, as often as it would count if the
// numbers of images were normal and of variance 1: their error at s would then be 1 / (1 + R(s)). So the sum for an example hardly
// depends on which step it is.
func (d *diffusion) bound(f *sdk.Function) {
	image, class := f.Input("image", d.image), d.label.Input(f)
	var sum float64
	var below []float64 // the chance of a step up to this one, times sum
	for s, w := range d.noise.weights() {
		sum += w / (1 + d.noise.ratio(s))
		below = append(below, sum)
	}
	for s := range below {
		below[s] /= sum
	}
	below[len(below)-1] = 2 // no number is above it, whatever the rounding
	past := f.Op(graph.OpLessEq, nil, f.Op(graph.OpConstant, graph.Attrs{"values": below, "dims": []int{len(below)}}), f.Uniform("s", graph.Real()))
	s := f.Int(f.Reduce("sum", f.Real(past), 0))

	keep, blur := d.amplitudes(f, s)
	x := f.Add(f.Mul(image, keep), f.Mul(f.Normal("noise", d.image), blur))
	missed := f.Square(f.Sub(image, d.restored(f, x, d.ask(f, sdk.Mode{Eval: true}, x, s, class), s)))
	steps := f.Mul(missed, d.at(f, s, func(s int) float64 { return sum * (1 + d.noise.ratio(s)) }))
	// The last of the steps leaves nearly noise, and samples begin with noise: the divergence of the two.
	left := d.noise.kept[len(d.noise.kept)-1]
	start := f.Scale(f.Square(image), left/2)
	constant := (-left-math.Log1p(-left))/2 + math.Log(2*math.Pi/d.noise.ratio(0))/2
	f.Output("density", f.Add(f.Add(steps, start), f.Const(constant)))
}
