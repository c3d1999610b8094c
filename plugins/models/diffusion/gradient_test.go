package diffusion_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// tiny makes a spec small: all of its layers, in few channels, for images of a size.
func tiny(spec string, size int, more ...string) experiment.Options {
	sets := []string{"channels=1", fmt.Sprint("size=", size), "width=4", "levels=[1, 2]", "blocks=1"}
	if spec == "sddpm" {
		sets = append(sets, "steps=2")
	} else {
		sets = append(sets, fmt.Sprintf("attend=[%d]", size/2), "groups=2")
	}
	return experiment.Options{Sets: append(sets, more...)}
}

// draw is a number of its own for each label, example and element.
func draw(label string, normal bool, index, element uint64) float64 {
	h := fnv.New64a()
	fmt.Fprint(h, label, " ", index)
	r := rand.New(rand.NewPCG(h.Sum64(), element))
	if normal {
		return r.NormFloat64()
	}
	return r.Float64()
}

// The gradient of a whole denoiser's training step, with skips, normalisations, attention, dropout, the step's embedding and,
// where it spikes, surrogates over time, is that of finite differences of its smoothed twin: the network in which every spike is
// the line through it with the slope of its surrogate.
func TestWholeNetworkGradient(t *testing.T) {
	for _, spec := range []string{"sddpm", "ddpm-ann"} {
		t.Run(spec, func(t *testing.T) {
			m := fromSpec(t, published(t, spec), tiny(spec, 4, "images=mnist(size = 4, range = -1..1)"))
			const examples = 2
			env := &interp.Env{N: examples, Variables: map[string]interp.Value{}, Random: draw}
			for _, v := range m.Linker.Variables() {
				x := interp.NewValue(v.Type, 1)
				for i := range x.Data {
					switch {
					case v.Init.Kind == "sinusoid":
						x.Data[i] = v.Init.Sinusoid(i, v.Type.Dims[1])
					case v.Init.Kind == "constant" && v.Init.A != 0: // of a normalisation: near 1
						x.Data[i] = 0.8 + 0.4*draw(v.Name, false, 0, uint64(i))
					default: // also where the spec starts with all but zeros
						x.Data[i] = 0.6*draw(v.Name, false, 0, uint64(i)) - 0.3
					}
				}
				env.Variables[v.Name] = x
			}
			g, moved, err := m.Linker.Step(m.Program.Stages[0].Steps[0])
			if err != nil {
				t.Fatal(err)
			}
			image := interp.NewValue(g.Input("image").Out[0], examples)
			for i := range image.Data {
				image.Data[i] = 2*draw("image", false, 0, uint64(i)) - 1
			}
			env.Inputs = map[string]interp.Value{"image": image}
			res, err := interp.Run(g, env)
			if err != nil {
				t.Fatal(err)
			}
			loss, err := m.Linker.Function("step")
			if err != nil {
				t.Fatal(err)
			}
			env.Base = &interp.Base{Record: true}
			at := func() float64 {
				r, err := interp.Run(loss, env)
				if err != nil {
					t.Fatal(err)
				}
				return r.Outputs["total"].Data[0]
			}
			if a, b := at(), res.Outputs["total"].Data[0]; a != b {
				t.Fatalf("the loss is %v alone and %v beside its gradient", a, b)
			}
			env.Base.Record = false
			const h = 1e-6
			for _, name := range moved {
				x, gradient := env.Variables[name].Data, res.Outputs[program.Grad+name].Data
				i := len(x) / 2
				was := x[i]
				x[i] = was - h
				low := at()
				x[i] = was + h
				high := at()
				x[i] = was
				// Rounding of a loss of some units gives 1e-15 / h, the third derivative up to 1e-5 of the value.
				if want := (high - low) / (2 * h); math.Abs(gradient[i]-want) > 1e-8+1e-5*math.Abs(want) {
					t.Errorf("derivative by %s[%d] is %v, finite differences give %v", name, i, gradient[i], want)
				}
			}
			parameters := 0
			for _, v := range m.Linker.Variables() {
				if v.Kind == graph.Parameter {
					parameters++
				}
			}
			if len(moved) != parameters {
				t.Errorf("%d tensors are moved, the denoiser has %d", len(moved), parameters)
			}
		})
	}
}
