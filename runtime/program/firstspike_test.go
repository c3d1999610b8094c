package program_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// window is the number of steps in which a first-spike neuron of testdata may fire; a silent one counts as firing at it.
const window = 4

// spiking is a fully connected layer of neurons that fire once, in the step after their input summed up to more than 1,
// computed in spike times (S4NN, Kheradpisheh & Masquelier 2020).
type spiking struct {
	weight, gradient []float64 // [out in]
	in, out          []int     // spike times of one example
}

func (l *spiking) forward(in []int) []int {
	n := len(in)
	l.in, l.out = in, make([]int, len(l.weight)/n)
	for j := range l.out {
		l.out[j] = window
		sum := 0.0
		for k := 0; k < window-1 && l.out[j] == window; k++ {
			for i, t := range in {
				if t == k {
					sum += l.weight[j*n+i]
				}
			}
			if sum > 1 {
				l.out[j] = k + 1
			}
		}
	}
	return l.out
}

// backward takes the error e_j of each neuron, divides it by the norm over the layer, adds delta_j [t_i < t_j] to the
// gradient of each weight and returns sum_j delta_j w_ji [t_i < t_j], without the brackets if open.
func (l *spiking) backward(e []float64, open bool) []float64 {
	norm := 0.0
	for _, v := range e {
		norm += v * v
	}
	if norm > 0 {
		norm = math.Sqrt(norm)
	} else {
		norm = 1
	}
	n := len(l.in)
	back := make([]float64, n)
	for j, v := range e {
		for i, t := range l.in {
			if t < l.out[j] || open {
				back[i] += v / norm * l.weight[j*n+i]
				l.gradient[j*n+i] += v / norm
			}
		}
	}
	return back
}

// score returns the loss of one example whose output `right` is to fire first by a gap of one step, and the errors
// (T_j - t_j) / window of its outputs.
func score(times []int, right int) (loss float64, e []float64) {
	const gap = 1
	tau := min(times[0], times[1])
	e = make([]float64, 2)
	for j, t := range times {
		aim := t
		switch {
		case j == right && tau == window:
			aim = window - gap
		case j == right:
			aim = tau
		case t-tau < gap:
			aim = min(tau+gap, window)
		}
		e[j] = float64(aim-t) / window
		loss += e[j] * e[j] / 2
	}
	return loss, e
}

// The steps of the first-spike GAN have the losses and gradients of the rule computed in spike times: through the strict gate
// for the weights that a step moves, through the open one in the discriminator while the generator learns.
func TestFirstSpikeRule(t *testing.T) {
	p, _ := system(t, "spiking-gan")
	l := linked(t, "spiking-gan")
	silent, fired := 0, 0
	for _, step := range p.Stages[0].Steps {
		g, moved, err := l.Step(step)
		if err != nil {
			t.Fatal(err)
		}
		env := environment(l, g)
		res, err := interp.Run(g, env)
		if err != nil {
			t.Fatal(err)
		}
		layers := map[string]*spiking{}
		layer := func(name string) *spiking {
			w := env.Variables[name].Data
			if layers[name] == nil {
				layers[name] = &spiking{weight: w, gradient: make([]float64, len(w))}
			}
			return layers[name]
		}
		run := func(role string, times []int) []int {
			return layer(role + ".1.weight").forward(layer(role + ".0.weight").forward(times))
		}
		fake := func(label string, example int) []int {
			z := make([]int, 6)
			for i := range z {
				z[i] = int((window + 1) * draw(0)(label, false, uint64(example), uint64(i)))
			}
			return run("generator", z)
		}
		loss := 0.0
		judge := func(times []int, right int, open bool) []float64 {
			out := run("discriminator", times)
			for _, t := range append(out, layers["discriminator.0.weight"].out...) {
				if t == window {
					silent++
				} else {
					fired++
				}
			}
			part, e := score(out, right)
			loss += part
			return layers["discriminator.0.weight"].backward(layers["discriminator.1.weight"].backward(e, open), open)
		}
		for example := range examples {
			if step.Function == "g_step" {
				pixels := judge(fake("g", example), 1, true)
				layers["generator.0.weight"].backward(layers["generator.1.weight"].backward(pixels, false), false)
				continue
			}
			times := make([]int, 4)
			for i := range times {
				times[i] = int(math.Floor((1-env.Inputs["image"].Data[example*4+i])*window + 0.001))
			}
			judge(times, 1, false)
			judge(fake("d", example), 0, false)
		}
		if got := res.Outputs["total"].Data[0]; math.Abs(got-loss/examples) > 1e-12 {
			t.Errorf("%s: loss %v, in spike times %v", step.Function, got, loss/examples)
		}
		for _, name := range moved {
			for i, want := range layers[name].gradient {
				if got := res.Outputs[program.Grad+name].Data[i]; math.Abs(got-want) > 1e-12 {
					t.Errorf("%s: derivative by %s[%d] is %v, in spike times %v", step.Function, name, i, got, want)
				}
			}
		}
		if len(moved) != 2 {
			t.Errorf("%s moves %v", step.Function, moved)
		}
	}
	if silent < 5 || fired < 5 {
		t.Errorf("%d neurons are silent and %d fire: the test sees one case only", silent, fired)
	}
}
