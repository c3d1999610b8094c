package absorbing

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// sampler returns the program of a sampler for its options.
func sampler(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	d, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	if name != "reveal" {
		return "", nil, fmt.Errorf("build sampler: unknown sampler %q", name)
	}
	turns := d.steps()
	if options.Has("steps") {
		turns = options.Int("steps")
	}
	levels, c := d.levels(turns, options.Text("spacing"))
	if len(c) > 0 {
		return "", c, nil
	}
	d.reveal(levels, options.Real("temperature"))
	text, err := d.b.Finish()
	return text, nil, err
}

// levels returns the steps at which the denoiser is asked, from all cells hidden down, and behind them 0, where none is.
func (d *absorbing) levels(turns int, spacing string) ([]int, []schema.Complaint) {
	all := d.steps()
	if turns > all {
		return nil, sdk.Complain("sampler.steps", fmt.Sprintf("write `steps = %d`", all), "the model has %d steps of diffusion, and the sampler wants %d", all, turns)
	}
	var out []int
	for k := range turns + 1 {
		s := turns - k
		if spacing != "last" {
			s = int(math.RoundToEven(float64(all) * float64(turns-k) / float64(turns)))
		}
		out = append(out, s)
	}
	return out, nil
}

// columns of the sampler's table. One row is one turn: the denoiser is asked at step s, and each hidden cell is revealed with
// probability `reveal`, that of being seen at the next level where it is hidden at this one (Austin et al. 2021, appendix A.2.2).
func columns() []string { return []string{"s", "reveal"} }

// reveal adds the sampler along levels. A category is drawn as the largest of its numbers, each with its own Gumbel noise
// (Gumbel 1954); that of numbers over the temperature is that of the numbers and the noise times the temperature.
func (d *absorbing) reveal(levels []int, temperature float64) {
	b := d.b
	var table [][]float64
	for i, s := range levels[:len(levels)-1] {
		table = append(table, []float64{float64(s), float64(s-levels[i+1]) / float64(s)})
	}
	b.Function("start", func(f *sdk.Function) { f.Output("h", f.Expand(d.whole(f, d.kinds), d.cells)) })
	b.Function("turn", func(f *sdk.Function) {
		h := f.Input("h", d.cells)
		s, reveal := f.Input("s", graph.Scalar()), f.Input("reveal", graph.Scalar())
		at := f.Expand(f.Int(s), sdk.Int())
		l := f.Apply(denoiser, sdk.Mode{Eval: true}, h, at)[0]
		if temperature > 0 {
			log := func(x graph.Value) graph.Value { return f.Op(graph.OpLog, nil, x) }
			l = f.Add(l, f.Scale(f.Neg(log(f.Neg(log(f.Uniform("gumbel", l.Type()))))), temperature))
		}
		drawn := f.Reduce("argmax", l, 0)
		hidden := f.Op(graph.OpEqual, nil, h, d.whole(f, d.kinds))
		now := f.Op(graph.OpLess, nil, f.Uniform("reveal", d.cells.With(graph.F32)), reveal)
		f.Output("h", f.Op(graph.OpWhere, nil, f.Op(graph.OpAnd, nil, hidden, now), drawn, h))
	})
	b.Function("generate", func(f *sdk.Function) {
		f.Output("image", f.Apply(decode, sdk.Mode{Eval: true}, f.Input("h", d.cells))[0])
	})
	b.Sampler(program.Sampler{Name: "reveal", Init: "start", Loop: "turn", Turns: len(table), Result: "generate", Columns: columns(), Table: table})
}
