package experiment

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/specs/features"
)

// ActionMemory is what an action takes at once, in bytes: of a training the first four, of one that draws or judges samples the
// others.
type ActionMemory struct {
	Action   string `json:"action"`
	Bytes    int    `json:"bytes"`
	Weights  int    `json:"weights,omitempty"`  // with their moments and averages
	Steps    int    `json:"steps,omitempty"`    // buffers of its steps
	Sheets   int    `json:"sheets,omitempty"`   // buffers of what draws the sheets of an epoch
	Streams  int    `json:"streams,omitempty"`  // examples that other models compute, twice: the file that keeps them is made or read besides
	Samples  int    `json:"samples,omitempty"`  // all that are drawn
	Features int    `json:"features,omitempty"` // of samples and of the reference
}

func (a *ActionMemory) add() {
	a.Bytes = a.Weights + a.Steps + a.Sheets + a.Streams + a.Samples + a.Features
}

// part is a part of what an action takes.
type part struct {
	what  string
	bytes int
}

// parts returns what an action takes something for.
func (a ActionMemory) parts() []part {
	all := []part{{"weights, moments and averages", a.Weights}, {"steps", a.Steps}, {"sheets", a.Sheets}, {"streams", a.Streams}, {"samples", a.Samples}, {"features", a.Features}}
	return slices.DeleteFunc(all, func(p part) bool { return p.bytes == 0 })
}

// streams returns what the streams of a stage take that are computed of so many examples.
func streams(m *build.Model, stage program.Stage, examples int) (bytes int) {
	for _, s := range m.Mapped(stage) {
		bytes += 2 * tensor.Bytes(m.Program.Role(s.Export).Out[0], examples)
	}
	return bytes
}

// keeps returns what a sample or evaluate action keeps: the samples that it draws, as bytes where they are rounded, and features
// of them, of the reference and of held-out images, each kind once.
func (x *Experiment) keeps(j *job) ActionMemory {
	out := ActionMemory{Action: j.name}
	if j.use == nil || j.use.sampler == nil {
		return out
	}
	count := j.Settings.Int("count")
	drawn := j.use.drawn.Program.Function(j.use.sampler.Result).Outputs[0].Value.Type()
	if j.Kind == "sample" {
		out.Samples = tensor.Bytes(drawn, count)
		out.add()
		return out
	}
	looked := map[string]bool{}
	for _, v := range j.Settings["metrics"].Items {
		if m := measures()[v.Text]; !m.samples || m.drawing {
			continue
		}
		if out.Samples = tensor.Bytes(drawn, count); j.Settings.Bool(roundSetting) {
			out.Samples = drawn.Size() * count
		}
		f := featuresOf(v)
		if f.Type == "" {
			continue
		}
		of := []string{"samples", "reference"}
		if measures()[v.Text].splits {
			of = []string{"samples", "held out"}
		}
		for _, what := range of {
			if id := render(f) + "/" + what; !looked[id] {
				looked[id] = true
				out.Features += count * x.featureSize(j, f) * tensor.Bytes(graph.Real(), 1)
			}
		}
	}
	out.add()
	return out
}

// featureSize returns how many numbers an evaluation keeps of an image for features, logits among them.
func (x *Experiment) featureSize(j *job, v schema.Value) (n int) {
	if v.Type == schema.OneOf && features.Text(v.Text) != nil {
		return features.Size(v.Text)
	}
	if v.Type != schema.ARole {
		return data.Fields(j.Data.Set, j.Data.Args)[data.ImageField].Size()
	}
	m := x.named(v.Text)
	if m == nil {
		return 0 // which has its finding
	}
	for _, export := range []string{featuresArgument, logits} {
		if g := m.Program.Export(export); g != nil {
			n += g.Outputs[0].Value.Type().Size()
		}
	}
	return n
}
