package experiment

import (
	"context"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// featuresArgument is the argument of a metric that says what an image is before it is compared.
const featuresArgument = "features"

// features returns what a metric's argument `features` names: the pixels, or a trained model of the spec.
func (e *evaluation) features(v schema.Value) (*metric.Features, error) {
	name := v.Args[featuresArgument]
	if name.Type != schema.ARole {
		t := e.set.Fields()[imageField]
		return metric.Pixels(t.Size()), nil
	}
	m := e.x.named(name.Text)
	trained, err := e.trained(&job{model: m})
	if err != nil {
		return nil, err
	}
	t := e.training(m)
	lo, hi := e.sets[t.Data.Name+"/"+string(data.Train)].Range()
	return network(name.Text, trained, e.set.Fields()[imageField], lo, hi)
}

// network returns the features of images of a type that a trained model exports, for pixels from lo to hi.
func network(name string, m *train.Model, images graph.Type, lo, hi float64) (*metric.Features, error) {
	f := &metric.Features{Name: name, Weights: m.Digest()}
	var input graph.Type
	for _, export := range []struct {
		name string
		size *int
	}{{featuresArgument, &f.Size}, {logits, &f.Classes}} {
		g := m.Program.Export(export.name)
		if g == nil {
			continue
		}
		if len(g.Inputs) != 1 || !image(g.Inputs[0].Out[0]) {
			return nil, fmt.Errorf("export `%s` of model `%s` is no function of one image", export.name, name)
		}
		out := g.Outputs[0].Value.Type()
		if out.DType != graph.F32 || out.Steps > 0 || !out.Batch {
			return nil, fmt.Errorf("export `%s` of model `%s` gives %v and no vector of real numbers", export.name, name, out)
		}
		input, *export.size = g.Inputs[0].Out[0], out.Size()
	}
	channels, height, width := input.Dims[0], input.Dims[1], input.Dims[2]
	if channels != images.Dims[0] && images.Dims[0] != 1 {
		return nil, fmt.Errorf("model `%s` sees images of %d channels, these have %d", name, channels, images.Dims[0])
	}
	if height != images.Dims[1] || width != images.Dims[2] {
		f.Prepare = fmt.Sprintf("%dx%d bilinear to %dx%d", images.Dims[1], images.Dims[2], height, width)
	}
	f.Apply = func(_ context.Context, m2 metric.Images) (vectors, classes []float32, err error) {
		in := tensor.New(input, m2.N)
		fill(in, m2.Resize(height, width), lo, hi)
		for _, export := range []struct {
			name string
			to   *[]float32
		}{{featuresArgument, &vectors}, {logits, &classes}} {
			g := m.Program.Export(export.name)
			if g == nil {
				continue
			}
			out, err := m.Apply(export.name, map[string]*tensor.Tensor{g.Inputs[0].Text("name"): in}, m2.N, 0, 0)
			if err != nil {
				return nil, nil, err
			}
			*export.to = appendPixels(nil, out)
		}
		return vectors, classes, nil
	}
	return f, nil
}

// image reports whether a value is an image: real numbers of channels, rows and columns, without time.
func image(t graph.Type) bool {
	return t.DType == graph.F32 && t.Batch && t.Steps == 0 && len(t.Dims) == 3
}

// fill writes images into a tensor as pixels from lo to hi; grey ones into each of its channels.
func fill(to *tensor.Tensor, m metric.Images, lo, hi float64) {
	channels, plane := to.Type.Dims[0], m.Height*m.Width
	for n := range m.N {
		for c := range channels {
			from := m.Image(n)[min(c, m.Channels-1)*plane:]
			for p := range plane { // in memory, channels come last
				to.F32[(n*plane+p)*channels+c] = float32(lo + (hi-lo)*float64(from[p]))
			}
		}
	}
}

// named returns a model of the spec that is trained in it; nil where there is none of that name.
func (x *Experiment) named(name string) *Model {
	i := slices.IndexFunc(x.Models, func(m *Model) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return x.Models[i]
}

// featureModels returns the models that the metrics of an action take features from, and which of its metrics do, in order.
func (x *Experiment) featureModels(j *job) (models []string, metrics []int) {
	for i, v := range j.Settings["metrics"].Items {
		if f, ok := v.Args[featuresArgument]; ok && f.Type == schema.ARole {
			models, metrics = append(models, f.Text), append(metrics, i)
		}
	}
	return models, metrics
}

// exportOf returns the export that a metric asks a model of its argument `features` for.
func exportOf(name string) string {
	list := metric.Schemas()
	i := slices.IndexFunc(list, func(c schema.Choice) bool { return c.Name == name })
	p := list[i].Params
	return p[slices.IndexFunc(p, func(p schema.Param) bool { return p.Name == featuresArgument })].Export
}

// unready finds models that give features and are not trained before the action, as far as the spec says.
func (x *Experiment) unready(j *job) (found diag.List) {
	models, metrics := x.featureModels(j)
	for i, name := range models {
		place := j.Places[fmt.Sprintf("metrics[%d].%s", metrics[i], featuresArgument)]
		jobs := x.jobs()
		own := slices.IndexFunc(jobs, func(o *job) bool { return o.id == j.id })
		t := slices.IndexFunc(jobs, func(o *job) bool { return o.Kind == "train" && o.model.Name == name })
		if t >= 0 && t < own {
			// What a component may export, a Program need not, where its arguments do not ask for it.
			if export := exportOf(j.Settings["metrics"].Items[metrics[i]].Text); jobs[t].model.Program.Export(export) == nil {
				found.Add(diag.Diagnostic{Code: diag.BadAction, Range: place, Summary: fmt.Sprintf("model `%s` does not export `%s`, as its arguments say", name, export)})
			}
			continue
		}
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: place, Summary: fmt.Sprintf("model `%s` gives features before it is trained", name),
			Help: fmt.Sprintf("write its `train %s` above `%s`", name, j.name)})
	}
	return found
}
