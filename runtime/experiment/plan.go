package experiment

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// Plan is what a spec would run.
type Plan struct {
	Models    []ModelPlan    `json:"models"`
	Networks  []NetworkPlan  `json:"networks"`
	Functions []FunctionPlan `json:"functions"` // that trainings run: those of their steps first, then those that draw sheets
	Memory    Memory         `json:"memory"`
	// Deployments are what the targets of deploy actions have said, where they have been asked (Experiment.Targets).
	Deployments []DeploymentPlan `json:"deployments,omitempty"`

	trainings []trainingPlan
}

// DeploymentPlan is how the networks of a deploy action lie on a target, by the dims of their weights.
type DeploymentPlan struct {
	Action  string          `json:"action"`
	Target  string          `json:"target"`
	Fits    bool            `json:"fits"`
	Used    []schema.Amount `json:"used,omitempty"`
	Limits  []string        `json:"limits,omitempty"`  // that are broken, with the layer, its place and the smallest change
	Host    []string        `json:"host,omitempty"`    // layers that the host computes, with why
	Assumed bool            `json:"assumed,omitempty"` // what does not fit hangs on rates that are assumed until examples are run
}

// ModelPlan counts the numbers of a model: those of its networks and coders and its own, each once. Frozen ones are stored and
// never trained.
type ModelPlan struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Parameters int    `json:"parameters"`
	Frozen     int    `json:"frozen"`
	Shared     int    `json:"shared,omitempty"` // those among Parameters that networks of several roles have

	program *program.Program
	roles   []check.Role
	draws   []drawPlan
}

// drawPlan is an action that draws samples.
type drawPlan struct {
	action, by string
	sampler    *program.Sampler
}

// NetworkPlan is a network as it is unrolled.
type NetworkPlan struct {
	Name       string      `json:"name"`
	Steps      int         `json:"steps"` // time steps; 0 where nothing is timed
	Parameters int         `json:"parameters"`
	Frozen     int         `json:"frozen"`
	Operations int         `json:"operations"` // multiply-accumulates for one example, at all time steps
	Roles      []string    `json:"roles"`      // that it fills: MODEL.PATH
	Layers     []LayerPlan `json:"layers"`
}

// LayerPlan is a layer: its shape is that of its result for one example and time step, channels first. Its variables are
// called ROLE.K.NAME.PART in checkpoints, where Name is NETWORK.K.NAME, and ROLE.INDEX.PART in programs.
type LayerPlan struct {
	Name       string `json:"name"`
	Index      int    `json:"index"`
	Kind       string `json:"kind"`
	Shape      []int  `json:"shape"`
	Parameters int    `json:"parameters"`
	Operations int    `json:"operations"`       // multiply-accumulates for one example, at one time step where it is timed
	Kernel     string `json:"kernel,omitempty"` // what computes it in training; absent where it takes no work of its own
	Kept       int    `json:"kept"`             // bytes of its results that a training step keeps for its way back, of a batch
	// Weights is the earlier layer whose weights it uses: both are of one network that is used as a layer. "" for its own.
	Weights string `json:"weights,omitempty"`

	wire string
}

// Memory is what the action of the spec takes that takes most. A training takes weights and moments, twice, since those before an
// update are kept until it has gone well; averages, sums of gradients, the buffers of its steps, those of the sheets that it draws,
// and streams. An action that draws samples keeps them all, and one that judges them their features and those of the reference.
type Memory struct {
	Bytes   int            `json:"bytes"`
	Actions []ActionMemory `json:"actions"` // those that train or keep samples, in file order
}

// trainingPlan is a training with what it takes.
type trainingPlan struct {
	ActionMemory
	most    int                 // that the setting allows; 0 where it sets no bound
	room    int                 // what that leaves to the steps
	planned []train.PlannedStep // the steps themselves
}

// FunctionPlan is what the planner has made of a function: the passes that changed its graph, and its memory.
type FunctionPlan struct {
	Action string     `json:"action"`
	Name   string     `json:"name"`
	Train  bool       `json:"train"` // a step of the training, with its derivative
	Batch  int        `json:"batch"`
	Steps  int        `json:"steps"` // how many kernels, loops and copies are run one after another
	Bytes  int        `json:"bytes"` // of planned memory
	Peak   Peak       `json:"peak"`
	Passes []PassPlan `json:"passes"`

	plan *plan.Plan
}

// Peak says what is in memory while the most of it is.
type Peak struct {
	Step      int    `json:"step"`
	Layer     string `json:"layer"`     // that the step belongs to
	Kept      int    `json:"kept"`      // bytes of real numbers kept for the way back
	Spikes    int    `json:"spikes"`    // bytes of bits
	Weights   int    `json:"weights"`   // bytes of packed weights and gradients by weights
	Gradients int    `json:"gradients"` // bytes of whatever else there is
}

// PassPlan is a pass of the planner and what it did.
type PassPlan struct {
	Name   string   `json:"name"`
	Does   string   `json:"does"`
	Count  int      `json:"count"` // nodes of the graph that it replaced
	Layers []string `json:"layers"`
}

// Plan plans the spec's networks, trainings and memory. No data are read: of a set of which it is not known how many examples it has
// streams are not counted.
func (x *Experiment) Plan() (*Plan, error) {
	return x.plan(func(j *job) int { return data.Most(j.Data.Set, j.Data.Args) })
}

// plan plans for trainings on so many examples.
func (x *Experiment) plan(examples func(*job) int) (*Plan, error) {
	p := &Plan{Models: []ModelPlan{}, Networks: []NetworkPlan{}, Functions: []FunctionPlan{}, Memory: Memory{Actions: []ActionMemory{}}}
	for _, j := range x.jobs() {
		if j.Kind != "train" {
			if kept := x.keeps(j); kept.Bytes > 0 {
				p.Memory.add(kept)
			}
			continue
		}
		m := j.model
		mp := ModelPlan{Name: m.Name, Kind: m.Component.Name, program: m.Program, roles: m.Roles}
		shared := map[string]bool{}
		for _, module := range m.Modules {
			for _, v := range module.Variables {
				shared[v.Of] = true
			}
		}
		t := trainingPlan{ActionMemory: ActionMemory{Action: j.name}}
		for _, v := range m.Linker.Variables() {
			copies := 2
			switch v.Kind {
			case graph.Parameter:
				mp.Parameters += v.Type.Size()
				if shared[v.Name] {
					mp.Shared += v.Type.Size()
				}
				copies += 2 * j.moments()
				if j.Settings.Int("accumulate") > 1 {
					copies++
				}
			case graph.Frozen:
				mp.Frozen += v.Type.Size()
				copies = 1
			}
			if j.Settings.Real("average") > 0 {
				copies++
			}
			t.Weights += copies * tensor.Bytes(v.Type, 1)
		}
		sheets, err := drawing(m)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", j.name, err)
		}
		for _, pl := range sheets {
			t.Sheets += pl.Bytes()
		}
		for _, stage := range m.Program.Stages {
			t.Streams += streams(m, stage, examples(j))
		}
		if t.most = j.Settings.Int(memorySetting); t.most > 0 {
			t.room = max(1, t.most-t.Weights-t.Sheets-t.Streams)
		}
		for _, stage := range m.Program.Stages {
			steps, err := train.Plans(m.Linker, stage, j.Settings.Int("batch"), t.room)
			if err != nil {
				return nil, fmt.Errorf("plan %s: %w", j.name, err)
			}
			t.planned = append(t.planned, steps...)
			for _, s := range steps {
				t.Steps += s.Plan.Bytes()
				p.Functions = append(p.Functions, functionPlan(j.name, s.Function, true, s.Plan))
			}
		}
		for _, pl := range sheets {
			p.Functions = append(p.Functions, functionPlan(j.name, pl.Name, false, pl))
		}
		t.add()
		p.Memory.add(t.ActionMemory)
		p.trainings = append(p.trainings, t)
		p.Models = append(p.Models, mp)
	}
	for _, j := range x.jobs() {
		if j.use == nil || j.use.sampler == nil {
			continue
		}
		i := slices.IndexFunc(p.Models, func(m ModelPlan) bool { return m.Name == j.model.Name })
		p.Models[i].draws = append(p.Models[i].draws, drawPlan{j.name, render(j.Settings["sampler"]), j.use.sampler})
	}
	for _, j := range x.jobs() {
		for _, a := range x.asked[j.Action] {
			if a.placed == nil {
				continue
			}
			d := DeploymentPlan{Action: j.name, Target: a.target, Fits: !a.found.HasErrors(), Used: a.placed.Reply.Used, Assumed: a.assumed && a.found.HasErrors()}
			for _, f := range a.found {
				if f.Code == diag.BeyondLimit {
					d.Limits = append(d.Limits, line(f))
				}
			}
			for _, why := range a.placed.Reasons() {
				d.Host = append(d.Host, why.Words)
			}
			p.Deployments = append(p.Deployments, d)
		}
	}
	for _, n := range x.Spec.Networks {
		p.Networks = append(p.Networks, networkPlan(x.Spec, n, p.Functions))
	}
	return p, nil
}

func (m *Memory) add(a ActionMemory) {
	m.Actions = append(m.Actions, a)
	m.Bytes = max(m.Bytes, a.Bytes)
}

// functionPlan says what a plan is made of.
func functionPlan(action, name string, train bool, pl *plan.Plan) FunctionPlan {
	f := FunctionPlan{Action: action, Name: name, Train: train, Batch: pl.Batch, Steps: len(pl.Steps), Bytes: pl.Bytes(), Passes: []PassPlan{}, plan: pl}
	for _, pass := range pl.Passes {
		if len(pass.Places) > 0 {
			f.Passes = append(f.Passes, PassPlan{pass.Name, pass.Does, len(pass.Places), pass.Layers()})
		}
	}
	if f.Peak.Step, _ = pl.Peak(); f.Peak.Step < 0 {
		return f
	}
	f.Peak.Layer = pl.Steps[f.Peak.Step].Layer
	kept := pl.Kept()
	for _, v := range pl.Alive(f.Peak.Step) {
		n := tensor.Bytes(v.Type, pl.Batch)
		switch {
		case v.Type.DType == graph.Bit:
			f.Peak.Spikes += n
		case v.Type.Steps == 0 && !v.Type.Batch:
			f.Peak.Weights += n
		case kept[v]:
			f.Peak.Kept += n
		default:
			f.Peak.Gradients += n
		}
	}
	return f
}

// drawing returns the plans of what the samples and reconstructions of an epoch's sheets run.
func drawing(m *build.Model) (plans []*plan.Plan, err error) {
	var names []string
	if len(m.Program.Samplers) > 0 {
		s := m.Program.Samplers[0]
		names = append(names, s.Init, s.Loop, s.Result)
	}
	if f := m.Program.Export(reconstruct); f != nil {
		names = append(names, f.Name)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		g, err := m.Linker.Function(name)
		if err != nil {
			return nil, err
		}
		pl, err := plan.New(g, plan.Options{Batch: batch, Repeated: true})
		if err != nil {
			return nil, err
		}
		plans = append(plans, pl)
	}
	return plans, nil
}

// moments returns how many numbers the optimiser keeps for each parameter, at most.
func (j *job) moments() int {
	n := 0
	for _, o := range trainOptimizers(j) {
		n = max(n, o.Moments())
	}
	return n
}

func networkPlan(s *check.Spec, n *check.Network, functions []FunctionPlan) NetworkPlan {
	count := n.Count()
	out := NetworkPlan{Name: n.Name, Steps: n.Steps, Parameters: count.Trainable, Frozen: count.Frozen, Roles: []string{}, Layers: []LayerPlan{}}
	var computed map[string]string
	var kept map[string]int
	path := ""
	for _, m := range s.Models {
		for _, r := range m.Roles {
			if r.Network != n {
				continue
			}
			if n.FreeSteps && out.Steps == 0 {
				out.Steps = r.Steps
			}
			if out.Roles = append(out.Roles, m.Name+"."+r.Path); computed == nil {
				mine := slices.DeleteFunc(slices.Clone(functions), func(f FunctionPlan) bool { return !f.Train || f.Action != "train "+m.Name })
				computed, kept, path = Kernels(plansOf(mine)...), keeps(mine), r.Path
			}
		}
	}
	for i, l := range n.Layers {
		shape := slices.Clone(l.Wire.Dims)
		if shape == nil {
			shape = []int{}
		}
		lp := LayerPlan{Name: l.Title, Index: i, Kind: l.Kind, Shape: shape, Parameters: l.Count().Trainable, Operations: n.Operations(i),
			wire: l.Wire.String()}
		place := path + strings.TrimPrefix(l.Title, n.Name)
		lp.Kernel, lp.Kept = computed[place], kept[place]
		turns := 1
		if l.Wire.Timed() {
			if turns = l.Wire.Steps; turns == 0 {
				turns = max(1, out.Steps)
			}
		}
		out.Operations += turns * lp.Operations
		if first := n.Layers[l.Weights]; first != l && first.Count() != (check.Parameters{}) {
			lp.Weights = first.Title
		}
		out.Layers = append(out.Layers, lp)
	}
	return out
}

func plansOf(functions []FunctionPlan) (out []*plan.Plan) {
	for _, f := range functions {
		out = append(out, f.plan)
	}
	return out
}
