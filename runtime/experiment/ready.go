package experiment

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
)

// Refused is the error of a run that cannot begin: its findings point into the spec.
type Refused struct{ Found diag.List }

func (e *Refused) Error() string { return "the run cannot begin" }

// ready finds what stands against the run, such as chips that do not take the networks, which is the error, and passes on what is found
// besides.
func (r *runner) ready(ctx context.Context) error {
	found := r.refuse(ctx)
	for _, j := range r.jobs {
		if j.Kind == "deploy" && !found.HasErrors() {
			found = append(found, verdict(r.x.answers(ctx, j))...)
		}
	}
	if err := ctx.Err(); err != nil { // which is what stands in the way then
		return err
	}
	if found.HasErrors() {
		return &Refused{found}
	}
	r.warn(found)
	return nil
}

// warn passes on findings that stop nothing, each once.
func (r *runner) warn(found diag.List) {
	var fresh diag.List
	for _, d := range found {
		if !slices.ContainsFunc(r.warned, func(o diag.Diagnostic) bool { return o.Summary == d.Summary && o.Range == d.Range }) {
			fresh.Add(d)
		}
	}
	if r.warned = append(r.warned, fresh...); len(fresh) > 0 {
		r.o.Watch.Warn(fresh, r.x.sources)
	}
}

// refuse opens the data sets, makes the keys, and finds what this version cannot do: everything that can be known before the
// first step.
func (r *runner) refuse(ctx context.Context) (found diag.List) {
	for _, j := range r.jobs {
		found = append(found, r.x.notYet(j)...)
	}
	if found.HasErrors() {
		return found
	}
	for _, j := range r.jobs {
		r.sets.begin(ctx, j.model.Data, data.Train)
		if j.judges() {
			r.sets.begin(ctx, j.Data, data.Split(j.Settings.Text("reference")))
		}
	}
	for _, j := range r.jobs {
		t := r.training(j.model)
		if found = append(found, r.identify(ctx, t)...); t.key == "" || j.Kind == "train" {
			continue
		}
		own, bad := r.own(ctx, j)
		bad = append(bad, r.unseen(j)...)
		if found = append(found, bad...); !bad.HasErrors() {
			j.useParts(t.key+" "+t.length(), own)
		}
	}
	return found
}

// own returns the parts of the key of a sample, evaluate or deploy action that are neither its settings nor the training: what
// stands in for definitions, hashes of what it reads, versions of what it asks.
func (r *runner) own(ctx context.Context, j *job) (own map[string]string, found diag.List) {
	own = map[string]string{}
	if j.use != nil {
		own = j.use.parts()
		codes, bad := r.x.ownCodes(j.use)
		if bad.HasErrors() {
			return nil, bad
		}
		maps.Copy(own, codes)
	}
	if j.judges() {
		set, bad := r.sets.open(ctx, j.Data, data.Split(j.Settings.Text("reference")))
		if set == nil {
			return nil, bad
		}
		if found = j.fewImages(set); found.HasErrors() {
			return nil, found
		}
		own["reference data"] = set.Hash()
		for _, of := range []func(context.Context, *job) (map[string]string, diag.List){r.splits, r.standardFeatures} {
			hashes, bad := of(ctx, j)
			if found = append(found, bad...); found.HasErrors() {
				return nil, found
			}
			maps.Copy(own, hashes)
		}
		models, _ := r.x.featureModels(j)
		for _, name := range models {
			t := r.training(r.x.named(name))
			found = append(found, r.identify(ctx, t)...)
			own["features of "+name] = t.outcome()
		}
	}
	if j.Kind == "deploy" {
		for i, v := range j.Settings["targets"].Items {
			own["target "+v.Text] = r.x.component(j.Plugins[fmt.Sprintf("targets[%d]", i)], schema.Target, v.Text).Version
		}
		codes, bad := r.x.targetCodes(j)
		if bad.HasErrors() {
			return nil, bad
		}
		maps.Copy(own, codes)
	}
	return own, found
}

// identify makes the key of a training, and those of the trainings of the models that it is made of. It has none where something
// was found, which is told once.
func (r *runner) identify(ctx context.Context, t *job) (found diag.List) {
	if t.key != "" {
		return nil
	}
	others := map[*build.Model]string{}
	for _, o := range t.model.Others {
		of := r.training(o.Model)
		if found = append(found, r.identify(ctx, of)...); of.key == "" {
			return found
		}
		others[o.Model] = of.outcome()
	}
	set, bad := r.sets.open(ctx, t.Data, data.Train)
	if found = append(found, bad...); set == nil {
		return found
	}
	if _, tried := r.starts[t.model]; tried {
		return found // it has its finding
	}
	if passed := set.PassedOver(); passed != "" {
		r.o.Watch.Say(t.name, fmt.Sprintf("`%s`: %s", t.Data.Name, passed))
	}
	start, bad := r.start(t)
	r.starts[t.model] = start
	bad = slices.Concat(bad, t.fewExamples(set.Len()), t.idle(set.Len())) // of data whose number of examples no table has
	codes, unread := r.x.codes(t.model.Built)
	bad = append(bad, unread...)
	if found = append(found, bad...); !bad.HasErrors() {
		t.trainParts(set.Hash(), start, others, codes)
	}
	return found
}

// splits reports whether a metric of a job takes both splits of its data, whatever the reference is.
func (j *job) splits() bool {
	return slices.ContainsFunc(j.Settings["metrics"].Items, func(v schema.Value) bool { return measures()[v.Text].splits })
}

// splits opens both splits of the data of a job where a metric takes them, and returns their hashes by the parts of the key that
// they are. The examples of the training are a part of it already where the data are those.
func (r *runner) splits(ctx context.Context, j *job) (hashes map[string]string, found diag.List) {
	hashes = map[string]string{}
	if !j.splits() {
		return hashes, nil
	}
	parts := map[data.Split]string{data.Test: "held-out data"}
	if j.Data != j.model.Data {
		parts[data.Train] = "data of training"
	}
	for _, split := range []data.Split{data.Train, data.Test} {
		set, bad := r.sets.open(ctx, j.Data, split)
		if found = append(found, bad...); set != nil && parts[split] != "" {
			hashes[parts[split]] = set.Hash()
		}
	}
	return hashes, found
}
