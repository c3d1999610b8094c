package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// The name of the output of the export `bound` where that is of a density of images, and not of the probability of one of some things.
const density = "density"

// grey is the number of steps from black to white in 8 bits.
const grey = 255

// bound asks the model what it takes to tell the first examples. Of a density the examples are images of 8 bits: each value is
// rounded to one of 256 and lies anywhere around that, at random. The mean of the negative logarithm of the density there, less that
// of the width of a level, is no less than that of the probability of the level (L. Theis, A. van den Oord, M. Bethge, "A note on the
// evaluation of generative models", ICLR 2016).
func (e *evaluation) bound(ctx context.Context, _ schema.Value) ([]metric.Figure, error) {
	g := e.whole.Program.Export(build.Bound)
	dense := g.Outputs[0].Name == density
	lo, hi := e.set.Range()
	var ready func(first int, in map[string]*tensor.Tensor)
	levels := 0.0 // by which the negative logarithm of a number's probability is more than that of its density
	of := "the examples"
	if dense {
		levels = math.Log(grey / (hi - lo))
		of = "the images of 8 bits"
		ready = func(first int, in map[string]*tensor.Tensor) {
			if x := in[data.ImageField]; x != nil {
				spread(x, lo, hi, rng.New(seed(e.job), build.Bound, 0), first)
			}
		}
	}
	var b metric.Bound
	err := e.applyTo(ctx, e.whole, build.Bound, e.set, min(e.count(), e.set.Len()), seed(e.job), ready, func(_ int, _ map[string]*tensor.Tensor, out *tensor.Tensor) error {
		size := out.Type.Size()
		for i := range out.N {
			nats := float64(size) * levels
			for _, v := range out.F32[i*size : (i+1)*size] {
				nats += float64(v)
			}
			b.Add(nats, size)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, o := range e.job.use.Others { // whose tokens are others after another training
		of += fmt.Sprintf(" as `%s` encodes them (weights %s)", o.Model.Name, e.frozen(o.Role)[:12])
	}
	return b.Figures(fmt.Sprintf("%s, %s of %s (data %s)", of, e.job.Settings.Text("reference"), e.set.Name(), e.pictures[:12]))
}

// spread rounds images of values in lo..hi to 8 bits and moves each value by a random number within its level.
func spread(x *tensor.Tensor, lo, hi float64, random rng.Stream, first int) {
	size := x.Type.Size()
	u := make([]float32, size)
	for i := range x.N {
		random.FillUniform(u, uint64(first+i), 0)
		for k, v := range x.F32[i*size : (i+1)*size] {
			level := math.Round(min(max((float64(v)-lo)/(hi-lo), 0), 1) * grey)
			x.F32[i*size+k] = float32(lo + (level+float64(u[k])-0.5)/grey*(hi-lo))
		}
	}
}

// frozen is the hash of the weights of a model that fills a role.
func (e *evaluation) frozen(role string) string {
	weights := train.Weights{}
	for _, v := range e.whole.Variables {
		if v.Kind == graph.Frozen && strings.HasPrefix(v.Name, role+".") {
			weights[v.Name] = e.whole.Weights[v.Name].F32
		}
	}
	return weights.Digest()
}

// unbound is the text of a Program without the export `bound`, which trains and draws nothing: trainings of before it go on.
func unbound(p *program.Program) string {
	i := slices.IndexFunc(p.Exports, func(e program.Export) bool { return e.Name == build.Bound })
	if i < 0 {
		return p.Print()
	}
	own, function := *p, p.Exports[i].Function
	own.Exports = slices.Delete(slices.Clone(p.Exports), i, i+1)
	own.Functions = slices.DeleteFunc(slices.Clone(p.Functions), func(g *graph.Graph) bool { return g.Name == function })
	return own.Print()
}
