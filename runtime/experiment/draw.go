package experiment

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// labelsSetting says of which classes samples are.
const labelsSetting = "labels"

// sampling is how samples are drawn.
type sampling struct {
	model   *train.Model
	sampler *program.Sampler
	seed    uint64
	class   func(number int) int // of a sample, where the sampler is given classes
}

// sampling returns how an action draws samples from a model: of the classes that its setting names, in turn; else of those of the
// reference's examples, in their order, or of every class in turn where there is no reference.
func (j *job) sampling(m *train.Model, reference *data.Set) sampling {
	all := data.Labels(j.Data.Set, j.Data.Args)
	return sampling{m, j.use.sampler, seed(j), func(number int) int {
		if chosen := j.Settings[labelsSetting].Items; len(chosen) > 0 {
			return int(chosen[number%len(chosen)].Number)
		}
		if reference != nil {
			return reference.Label(number % reference.Len())
		}
		return all[number%len(all)]
	}}
}

// batches draws samples number 0 to n-1 in batches.
func (d sampling) batches(ctx context.Context, n int, each func(t *tensor.Tensor) error) error {
	for first := 0; first < n; first += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(batch, n-first)
		t, err := d.model.SampleGiven(d.sampler, d.given(first, size), size, d.seed, uint64(first))
		if err != nil {
			return err
		}
		if err := each(t); err != nil {
			return err
		}
	}
	return nil
}

// given returns what the sampler is given for samples from the number first on.
func (d sampling) given(first, size int) map[string]*tensor.Tensor {
	given := map[string]*tensor.Tensor{}
	for _, name := range d.sampler.Given {
		given[name] = tensor.New(graph.Real().With(graph.I32), size)
		for i := range size {
			given[name].I32[i] = int32(d.class(first + i))
		}
	}
	return given
}

// images draws samples number 0 to n-1.
func (d sampling) images(ctx context.Context, n int) (record.Images, error) {
	out := record.Images{N: n}
	err := d.batches(ctx, n, func(t *tensor.Tensor) error {
		dims := t.Type.Dims
		if len(dims) != 3 || t.Type.Steps > 0 {
			return fmt.Errorf("a sample is %v, which is no image", t.Type)
		}
		out.Channels, out.Height, out.Width = dims[0], dims[1], dims[2]
		if out.Pixels == nil {
			out.Pixels = make([]float32, 0, n*t.Type.Size())
		}
		out.Pixels = appendPixels(out.Pixels, t)
		return nil
	})
	return out, err
}

// largeSheet finds that a sheet has more rows or columns than there is room for; nil where there is room.
func (j *job) largeSheet(t graph.Type) *diag.Diagnostic {
	size := j.Settings["sheet"].Items
	if len(size) != 2 {
		return nil
	}
	high, wide := record.MostTiles(t.Dims[1]), record.MostTiles(t.Dims[2])
	if int(size[0].Number) <= high && int(size[1].Number) <= wide {
		return nil
	}
	return &diag.Diagnostic{Code: diag.BadAction, Range: j.Places["sheet"], Summary: fmt.Sprintf("a sheet of %s images of %dx%d pixels is too large for a picture", render(j.Settings["sheet"]), t.Dims[1], t.Dims[2]),
		Help: fmt.Sprintf("write `sheet = %dx%d` or less: the file of numbers has all samples", high, wide)}
}

// broken says that samples have pixels which a sheet cannot show; "" where they have none.
func broken(m record.Images) string {
	size := m.Channels * m.Height * m.Width
	n := 0
	for i := range m.N {
		if slices.ContainsFunc(m.Pixels[i*size:(i+1)*size], infinite) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d samples have pixels that are infinite or no number, which are white or black in the sheet: %s", n, m.N, calmer)
}

// infinite reports whether a number is infinite or none.
func infinite(v float32) bool { return v-v != 0 }

// ungiven finds what a sampler is to be given and the data do not have.
func (j *job) ungiven(s *program.Sampler, d *check.Data, at diag.Range) (found diag.List) {
	for _, name := range s.Given {
		if name != data.LabelField || data.Classes(d.Set, d.Args) == 0 {
			found.Add(diag.Diagnostic{Code: diag.BadAction, Range: at, Summary: fmt.Sprintf("sampler `%s` of model `%s` draws a sample of a class, `%s`, and the examples of `%s` have no classes of this name", s.Name, j.model.Name, name, d.Name)})
		}
	}
	return found
}

// classes finds what is wrong with the classes that an action chooses, or that it takes from the data that it compares with.
func (j *job) classes() (found diag.List) {
	chosen := j.Settings[labelsSetting].Items
	most := data.AllClasses(j.model.Data.Set, j.model.Data.Args)
	fail := func(path, help, format string, args ...any) {
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: j.Places[path], Summary: fmt.Sprintf(format, args...), Help: help})
	}
	known := data.Labels(j.model.Data.Set, j.model.Data.Args)
	unseen := func(path, help string, class int) {
		fail(path, help, "model `%s` has seen no class %d: it is trained on `classes = %v`", j.model.Name, class, render(j.model.Data.Args["classes"]))
	}
	if len(chosen) == 0 {
		if j.use.sampler == nil || len(j.use.sampler.Given) == 0 {
			option := j.Settings["sampler"].Args
			if class := option.Int(data.LabelField); j.told() && option.Has(data.LabelField) && !slices.Contains(known, class) {
				unseen("sampler."+data.LabelField, "name one of those", class)
			}
			return found
		}
		const help = "name classes in `" + labelsSetting + "`, of those that the model is trained with"
		asked := data.Labels(j.Data.Set, j.Data.Args)
		if len(asked) == 0 && most > 0 {
			fail(dataSetting, help, "samples are of the classes that the examples of `%s` have, and these have none", j.Data.Name)
		} else if i := slices.IndexFunc(asked, func(class int) bool { return !slices.Contains(known, class) }); i >= 0 {
			fail(dataSetting, help, "samples are of the classes that the examples of `%s` have, and model `%s` has seen no class %d", j.Data.Name, j.model.Name, asked[i])
		}
		return found
	}
	if j.use.sampler == nil || len(j.use.sampler.Given) == 0 {
		switch {
		case j.Settings["sampler"].Args.Has(data.LabelField):
			fail(labelsSetting, "leave one of the two out", "the sampler of `%s` names the class of all samples, `%s = %d`, and `%s` names classes as well", j.name, data.LabelField, j.Settings["sampler"].Args.Int(data.LabelField), labelsSetting)
		case j.told() && !j.model.Args.Has(data.LabelField):
			fail(labelsSetting, fmt.Sprintf("leave it out, or write `%s = %[1]s` in model `%s`, whose networks are then told the class", data.LabelField, j.model.Name), "`%s` draws no samples of a class: model `%s` is told none", j.name, j.model.Name)
		default:
			fail(labelsSetting, "leave it out", "`%s` draws no samples of a class", j.name)
		}
		return found
	}
	for _, v := range chosen {
		switch class := int(v.Number); {
		case class >= most:
			fail(labelsSetting, fmt.Sprintf("the classes are 0 to %d", most-1), "there is no class %d", class)
		case !slices.Contains(known, class):
			unseen(labelsSetting, "name those", class)
		}
	}
	return found
}

// told reports whether models of the job's component can be told the class.
func (j *job) told() bool {
	return slices.ContainsFunc(j.model.Component.Params, func(p schema.Param) bool { return p.Type == schema.AField && p.Name == data.LabelField })
}

// unseen finds classes that an action draws and that no example of the training is of, which only the examples themselves tell.
func (r *runner) unseen(j *job) diag.List {
	var reference []int
	if j.judges() {
		reference = r.sets.of(j.Data, data.Split(j.Settings.Text("reference"))).Seen()
	}
	return j.unseen(r.trainSet(r.training(j.model)).Seen(), reference)
}

// unseen finds classes that an action draws among others than those that the training has seen: those that its sampler or its labels
// name, those of the examples of the reference, or where there is none every class of the data.
func (j *job) unseen(seen, reference []int) (found diag.List) {
	if j.use == nil || j.use.sampler == nil || len(seen) == 0 {
		return nil
	}
	asked, at := data.Labels(j.Data.Set, j.Data.Args), j.Data.Range
	option, chosen := j.Settings["sampler"].Args, j.Settings[labelsSetting].Items
	switch {
	case j.told() && option.Has(data.LabelField):
		asked, at = []int{option.Int(data.LabelField)}, j.Places["sampler."+data.LabelField]
	case len(j.use.sampler.Given) == 0:
		return nil
	case len(chosen) > 0:
		asked, at = nil, j.Places[labelsSetting]
		for _, v := range chosen {
			asked = append(asked, int(v.Number))
		}
	case reference != nil:
		asked = reference
	}
	for _, class := range asked {
		if !slices.Contains(seen, class) {
			found.Add(diag.Diagnostic{Code: diag.BadAction, Range: at, Summary: fmt.Sprintf("`%s` draws class %d, and model `%s` has seen none: no example of `%s` that it is trained on is of it", j.name, class, j.model.Name, j.model.Data.Name),
				Help: fmt.Sprintf("name those that there are in `%s`, or write `classes = %s` where `%s` is defined", labelsSetting, list(seen), j.model.Data.Name)})
			return found
		}
	}
	return nil
}

// list writes numbers as the language does.
func list(numbers []int) string { return strings.ReplaceAll(fmt.Sprint(numbers), " ", ", ") }

// images describes n images of a set, without their pixels.
func images(set *data.Set, n int) record.Images {
	dims := set.Fields()[data.ImageField].Dims
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
	m, err := r.trained(j.model)
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
	if bad := broken(pixels); bad != "" {
		r.o.Watch.Say(j.name, bad)
	}
	r.o.Watch.Say(j.name, fmt.Sprintf("%d samples in %s", pixels.N, r.relative(path.Join(record.SampleFolder, name+".png"))))
	return r.tell(record.Event{Action: r.called(j), Kind: record.Sample, File: path.Join(record.SampleFolder, name+".png")})
}

// sheetName names the sheet of a sample action.
func (r *runner) sheetName(j *job) string { return fileName(r.called(j)) }
