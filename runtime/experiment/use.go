package experiment

import (
	"context"
	"fmt"
	"path"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// The exports that actions ask a Program for, and the fields of images and their classes.
const (
	reconstruct = "reconstruct" // image -> image
	logits      = "logits"      // inputs -> one number per class
	imageField  = "image"
	labelField  = "label"
)

func seed(j *job) uint64 { return uint64(j.Settings.Int("seed")) }

// batches are of this size outside of training. No result depends on it.
const batch = 64

// apply runs an export on the first n examples of a set in batches.
func (r *runner) apply(ctx context.Context, m *train.Model, export string, set *data.Set, n int, seed uint64, each func(first int, in map[string]*tensor.Tensor, out *tensor.Tensor) error) error {
	g := m.Program.Export(export)
	if g == nil {
		return fmt.Errorf("the model does not export `%s`", export)
	}
	for first := 0; first < n; first += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(batch, n-first)
		examples := make([]int, size)
		for i := range examples {
			examples[i] = first + i
		}
		in := map[string]*tensor.Tensor{}
		for _, node := range g.Inputs {
			name := node.Text("name")
			in[name] = tensor.New(node.Out[0], size)
			if err := set.Fill(name, examples, in[name]); err != nil {
				return fmt.Errorf("read field %s: %w", name, err)
			}
		}
		out, err := m.Apply(export, in, size, seed, uint64(first))
		if err != nil {
			return err
		}
		if err := each(first, in, out); err != nil {
			return err
		}
	}
	return nil
}

// appendPixels appends the elements of t, channels first.
func appendPixels(to []float32, t *tensor.Tensor) []float32 {
	for _, v := range t.Logical() {
		to = append(to, float32(v))
	}
	return to
}

// images describes n images of a set, without their pixels.
func images(set *data.Set, n int) record.Images {
	dims := set.Fields()[imageField].Dims
	lo, hi := set.Range()
	return record.Images{N: n, Channels: dims[0], Height: dims[1], Width: dims[2], Lo: lo, Hi: hi}
}

// sheet writes samples as a sheet, in the range of the data.
func (r *runner) sheet(j *job, name string, m record.Images, rows, cols int) error {
	m.Lo, m.Hi = r.trainSet(r.training(j.model)).Range()
	return r.folder.WriteSheet(name, m, rows, cols)
}

// sample does a sample action.
func (r *runner) sample(ctx context.Context, j *job) error {
	m, err := r.trained(j)
	if err != nil {
		return err
	}
	_, drawn, err := j.use.as(m)
	if err != nil {
		return err
	}
	pixels, err := j.sampling(drawn, nil).images(ctx, j.Settings.Int("count"))
	if err != nil {
		return err
	}
	rows, cols := 0, 0
	if size := j.Settings["sheet"].Items; len(size) == 2 {
		rows, cols = int(size[0].Number), int(size[1].Number)
	}
	name := r.sheetName(j)
	if err := r.sheet(j, name, pixels, rows, cols); err != nil {
		return err
	}
	r.o.Watch.Say(j.name, fmt.Sprintf("%d samples in %s", pixels.N, r.relative(path.Join(record.SampleFolder, name+".png"))))
	return r.tell(record.Event{Action: r.called(j), Kind: record.Sample, File: path.Join(record.SampleFolder, name+".png")})
}

// sheetName names the sheet of a sample action.
func (r *runner) sheetName(j *job) string { return fileName(r.called(j)) }

// left reports whether the folder has all that a sample, evaluate or deploy action that is done has left there. What it has not
// the user has removed, and the action makes it again, to the same bytes.
func (r *runner) left(j *job) (bool, error) {
	switch j.Kind {
	case "sample":
		return r.folder.HasSheet(r.sheetName(j)), nil
	case "deploy":
		return !slices.ContainsFunc(targetNames(j), func(target string) bool { return !r.folder.HasDeploy(r.called(j), target) }), nil
	}
	metrics, err := r.folder.Metrics()
	if err != nil {
		return false, err
	}
	figures := metrics[r.called(j)]
	events, err := r.folder.Events()
	if err != nil {
		return false, err
	}
	for _, e := range events {
		if e.Action != r.called(j) {
			continue
		}
		for name := range e.Figures {
			if _, ok := figures[name]; !ok {
				return false, nil
			}
		}
	}
	return len(figures) > 0, nil
}

// deploy does a deploy action: it asks each target how the networks lie on the chip, and keeps the answers.
func (r *runner) deploy(ctx context.Context, j *job) error {
	var networks []schema.Network
	only := j.Settings["network"].Items // the roles of the network that is named
	applied := j.model.generates()
	for _, n := range j.model.request.Networks {
		if n.Kind == "coder" || n.Kind == "model" && !applied[n.Role] {
			continue // a coder works outside of the chip, and so does what only trains
		}
		if len(only) == 0 || slices.ContainsFunc(only, func(v schema.Value) bool { return v.Text == n.Role }) {
			networks = append(networks, n)
		}
	}
	targets := targetNames(j)
	replies := map[string]schema.TargetReply{}
	for i, target := range j.Settings["targets"].Items {
		path := fmt.Sprintf("targets[%d]", i)
		reply, err := r.x.host.Check(ctx, j.Plugins[path], schema.TargetRequest{Component: target.Text, Arguments: target.Args, Networks: networks})
		if err != nil {
			return err
		}
		if len(reply.Complaints) > 0 {
			return r.complained(j, path, target.Text, reply.Complaints)
		}
		replies[targets[i]] = reply
		r.placed(j.name, targets[i], reply)
	}
	return r.folder.SetDeploy(r.called(j), replies)
}

// targetNames names the targets of a deploy action: by their components, and by their places too where one is there twice.
func targetNames(j *job) []string {
	var names []string
	items := j.Settings["targets"].Items
	for i, t := range items {
		name := t.Text
		for k := range items {
			if k != i && items[k].Text == name {
				name = fmt.Sprintf("%s[%d]", t.Text, i)
				break
			}
		}
		names = append(names, name)
	}
	return names
}

// complained makes findings of what a target says of its arguments, each at its place in the spec.
func (r *runner) complained(j *job, path, target string, complaints []schema.Complaint) error {
	var found diag.List
	for _, c := range complaints {
		place, notes := attributed(c.Path, func(at string) (diag.Range, bool) { r, ok := j.Places[path+"."+at]; return r, ok }, j.Places[path])
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: place, Summary: c.Summary, Help: c.Help, Notes: append(notes, diag.Note{Message: fmt.Sprintf("so says target `%s`", target)})})
	}
	return &Refused{found}
}

// placed says how networks lie on a chip.
func (r *runner) placed(action, target string, reply schema.TargetReply) {
	if reply.Fits {
		r.o.Watch.Say(action, fmt.Sprintf("fits %s: %s", target, record.Amounts(reply.Used)))
	} else {
		r.o.Watch.Say(action, fmt.Sprintf("does not fit %s", target))
	}
	for _, l := range reply.Layers {
		if l.Problem == "" {
			continue
		}
		line := "    " + l.Network
		if l.Layer != "" {
			line += ", layer " + l.Layer
		}
		line += ": " + l.Problem
		if l.Change != "" {
			line += "; " + l.Change
		}
		r.o.Watch.Say(action, line)
	}
	for _, note := range reply.Notes {
		r.o.Watch.Say(action, "    "+note)
	}
}
