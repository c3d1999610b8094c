package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
	"snnc.dev/snnc/specs/features"
)

// featuresArgument is the argument of a metric that says what an image is before it is compared.
const featuresArgument = "features"

// largestBatch is how many numbers the images have that a feature network sees at once: 8 of Inception, and all of a small one.
const largestBatch = 1 << 21

// featuresOf returns the features that a metric names, or has without naming them.
func featuresOf(v schema.Value) schema.Value {
	name, ok := v.Args[featuresArgument]
	if ok || v.Text != metric.FID && v.Text != "inception_score" {
		return name
	}
	w, ok := v.Args[weightsArgument]
	if !ok {
		w = schema.Value{Type: schema.String, Text: metric.InceptionWeights}
	}
	return schema.Value{Type: schema.OneOf, Text: metric.Inception, Args: schema.Arguments{weightsArgument: w}}
}

// features returns what a metric's argument `features` names: the pixels, a network of this program, or a trained model of the
// spec.
func (e *evaluation) features(ctx context.Context, v schema.Value) (*metric.Features, error) {
	name := featuresOf(v)
	switch {
	case name.Type == schema.ARole:
	case features.Text(name.Text) != nil:
		s, found := e.standard(ctx, e.job, name, featuresArgument)
		if found.HasErrors() {
			return nil, errors.New(found[0].Summary)
		}
		return s.apply(e.runner, e.set.Fields()[data.ImageField])
	default:
		t := e.set.Fields()[data.ImageField]
		return metric.Pixels(t.Size()), nil
	}
	m := e.x.named(name.Text)
	trained, err := e.trained(m)
	if err != nil {
		return nil, err
	}
	t := e.training(m)
	lo, hi := e.trainSet(t).Range()
	return network(name.Text, trained, e.set.Fields()[data.ImageField], lo, hi)
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
	if err := fits(input, images, name); err != nil {
		return nil, err
	}
	height, width := input.Dims[1], input.Dims[2]
	if height != images.Dims[1] || width != images.Dims[2] {
		f.Prepare = fmt.Sprintf("%dx%d bilinear to %dx%d", images.Dims[1], images.Dims[2], height, width)
	}
	exports := []string{featuresArgument, logits}
	if f.Classes == 0 {
		exports = exports[:1]
	} else if g := m.Program.Export(logits); f.Size == 0 || g.Output(featuresArgument).Valid() { // it gives both
		exports = exports[1:]
	}
	most := max(1, largestBatch/input.Size())
	f.Apply = func(_ context.Context, images metric.Images) (vectors, classes []float32, err error) {
		for first := 0; first < images.N; first += most {
			part := images
			part.N, part.Pixels = min(most, images.N-first), images.Pixels[first*images.Size():]
			in := tensor.New(input, part.N)
			fill(in, part.Resize(height, width), lo, hi)
			for _, export := range exports {
				g := m.Program.Export(export)
				out, err := m.Outputs(export, map[string]*tensor.Tensor{g.Inputs[0].Text("name"): in}, part.N, 0, 0)
				if err != nil {
					return nil, nil, err
				}
				switch result := out[g.Outputs[0].Name]; {
				case export == featuresArgument:
					vectors = appendPixels(vectors, result)
				case len(exports) == 1 && f.Size > 0:
					vectors = appendPixels(vectors, out[featuresArgument])
					fallthrough
				default:
					classes = appendPixels(classes, result)
				}
			}
		}
		return vectors, classes, nil
	}
	return f, nil
}

// fits says why a network that takes an input cannot see images of a type; nil where it can. Grey ones go into each of its channels.
func fits(input, images graph.Type, name string) error {
	if want := input.Dims[0]; len(images.Dims) != 3 || want != images.Dims[0] && images.Dims[0] != 1 {
		return fmt.Errorf("`%s` sees images of %d channels, these are %v", name, want, images)
	}
	return nil
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
func (x *Experiment) named(name string) *build.Model {
	i := slices.IndexFunc(x.Models, func(m *build.Model) bool { return m.Name == name })
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
				found.Add(diag.Diagnostic{Code: diag.BadAction, Range: place, Summary: fmt.Sprintf("model `%s` does not export `%s`, as its arguments say", name, export),
					Help: exportHelp(jobs[t].model, export)})
			}
			continue
		}
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: place, Summary: fmt.Sprintf("model `%s` gives features before it is trained", name),
			Help: fmt.Sprintf("write its `train %s` above `%s`", name, j.name)})
	}
	return found
}

// exportHelp says how the model comes to an export that its Program lacks: by the network that it may have for it, if there is one
// of that name.
func exportHelp(m *build.Model, export string) string {
	i := slices.IndexFunc(m.Component.Roles, func(r schema.Role) bool { return r.Name == export && r.Optional })
	if i < 0 {
		return fmt.Sprintf("`snnc doc %s` says what its arguments do", m.Component.Name)
	}
	r := m.Component.Roles[i]
	return fmt.Sprintf("write `%s = %s(..., %s = NETWORK)`: %s", m.Name, m.Component.Name, r.Name, r.Doc)
}
