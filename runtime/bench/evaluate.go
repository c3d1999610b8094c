package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

const (
	decoder   = "decoder"
	evaluated = "network evaluation" // the function, and export, that applies the network
	spikeRate = 0.2                  // of spikes that nothing else gives
)

// evaluation measures evaluations of the network that samples are made with, see evaluable.
func evaluation(ctx context.Context, m *experiment.Measured, pool *exec.Pool, steps int) (*Evaluation, error) {
	model, network, err := evaluable(m, pool)
	if err != nil {
		return nil, err
	}
	evaluate := model.Apply
	if looped(m.Model.Program) != "" {
		evaluate = model.Again // as in a sampler's turns
	}
	batch := m.Trainer.Settings.Batch
	inputs, err := examples(m, model.Program.Export(evaluated), batch)
	if err != nil {
		return nil, err
	}
	times, processor, err := timed(steps, func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := evaluate(evaluated, inputs, batch, 0, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &Evaluation{Network: network, Batch: batch, Time: spread(times)}
	out.Processor = processor
	out.Rate = float64(batch) / out.Time.Median * 1e3
	p, err := model.PlanOf(evaluated, batch)
	if err != nil {
		return nil, err
	}
	out.Operations, out.Bytes = operations(p), p.Bytes()
	out.GFLOPS = out.Operations / out.Time.Median / 1e6
	few := min(batch, 4) // in evaluation an example fires as it does among others, and these take little memory
	if inputs, err = examples(m, model.Program.Export(evaluated), few); err != nil {
		return nil, err
	}
	out.Rates, err = model.Fired(evaluated, inputs, few, 0, 0)
	return out, err
}

// evaluable returns a model that exports one evaluation of a network, on the weights of the training, and the network's name.
// It is the network that the loop of a sampler applies; else the one that fills the role `decoder`; else a network called
// `decoder` that is used as a layer of the first one; else the first one.
func evaluable(m *experiment.Measured, pool *exec.Pool) (*train.Model, string, error) {
	role := looped(m.Model.Program)
	if role == "" && m.Model.Program.Role(decoder) != nil {
		role = decoder
	}
	i := slices.IndexFunc(m.Model.Roles, func(r check.Role) bool { return r.Network != nil && (role == "" || r.Path == role) })
	if i < 0 {
		return nil, "", fmt.Errorf("no network fills a role of model %s", m.Model.Name)
	}
	r := m.Model.Roles[i]
	if role == "" {
		for _, l := range r.Network.Layers {
			if l.Home.Network.Name == decoder && l.Home.Network != r.Network {
				model, err := part(m, pool, r, l.Home.Network)
				return model, decoder, err
			}
		}
	}
	p := *m.Model.Program
	if err := apply(&p, r.Path); err != nil {
		return nil, "", err
	}
	model, err := m.Trainer.Model.As(&p, m.Model.Modules)
	return model, r.Network.Name, err
}

// looped returns the role that the loop of the first sampler with a loop applies; "" where there is none.
func looped(p *program.Program) string {
	seen := map[string]bool{}
	var first func(function string) string
	first = func(function string) string {
		g := p.Function(function)
		if g == nil || seen[function] {
			return ""
		}
		seen[function] = true
		for _, n := range g.Nodes {
			switch n.Op {
			case graph.OpApply:
				return n.Text("role")
			case graph.OpCall:
				if role := first(n.Text("function")); role != "" {
					return role
				}
			}
		}
		return ""
	}
	for _, s := range p.Samplers {
		if s.Loop == "" {
			continue
		}
		if role := first(s.Loop); role != "" {
			return role
		}
	}
	return ""
}

// apply adds a function to p that applies a role once, and exports it.
func apply(p *program.Program, role string) error {
	b := graph.NewBuilder(evaluated, p.Env())
	var in []graph.Value
	for i, t := range p.Role(role).In {
		in = append(in, b.Input("x"+strconv.Itoa(i), t))
	}
	b.Output("y", b.Op(graph.OpApply, graph.Attrs{"role": role, "mode": program.EvalFunction}, in...))
	g, err := b.Finish()
	if err != nil {
		return err
	}
	p.Functions = append(slices.Clone(p.Functions), g)
	p.Exports = append(slices.Clone(p.Exports), program.Export{Name: evaluated, Function: evaluated})
	return nil
}

// part returns a model of a network alone that is used as a layer of what fills the role r, on the weights that it has there.
func part(m *experiment.Measured, pool *exec.Pool, r check.Role, n *check.Network) (*train.Model, error) {
	module, role, err := build.Part(n, r.Steps)
	if err != nil {
		return nil, err
	}
	p := &program.Program{Roles: []program.Role{role}}
	if err := apply(p, n.Name); err != nil {
		return nil, err
	}
	model, err := train.NewModel(p, map[string]*graph.Module{n.Name: module}, 0, pool)
	if err != nil {
		return nil, err
	}
	whole := m.Trainer.Model
	for _, v := range module.Variables {
		place, name, _ := strings.Cut(v.Name, ".")
		for _, l := range r.Network.Layers {
			if l.Home.Network != n || strconv.Itoa(l.Home.Layer) != place {
				continue
			}
			trained := fmt.Sprintf("%s.%d.%s", r.Path, l.Weights, name)
			to, from := model.Weights[n.Name+"."+v.Name], whole.Weights[trained]
			if whole.Averages != nil {
				from = whole.Averages[trained]
			}
			if to == nil || from == nil || !to.Type.Equal(from.Type) {
				return nil, fmt.Errorf("take weights of network %s: variable %s is not there", n.Name, trained)
			}
			to.CopyFrom(from)
			break
		}
	}
	return model, nil
}

// examples fills the inputs of a function: with examples where the data have a field of an input's type that no input has
// yet, else with reals evenly spread over the range of the data, spikes at the rate of 0.2, and zeros for whole numbers.
func examples(m *experiment.Measured, g *graph.Graph, batch int) (map[string]*tensor.Tensor, error) {
	out := map[string]*tensor.Tensor{}
	fields := m.Data.Fields()
	low, high := m.Data.Range()
	for i, in := range g.Inputs {
		name, ty := in.Text("name"), in.Out[0]
		t := tensor.New(ty, batch)
		out[name] = t
		if field := fieldOf(fields, ty); field != "" {
			delete(fields, field)
			numbers := make([]int, batch)
			for k := range numbers {
				numbers[k] = k % m.Data.Len()
			}
			if err := m.Data.Fill(field, numbers, t); err != nil {
				return nil, fmt.Errorf("read field %s: %w", field, err)
			}
			continue
		}
		s := rng.New(0, name, uint64(i))
		for k := range t.F32 {
			t.F32[k] = float32(low) + float32(high-low)*s.Uniform(0, uint64(k))
		}
		size := ty.Size()
		words := tensor.Words(size)
		for w := range t.Bits {
			for k := range min(64, size-w%words*64) {
				if s.Uniform(uint64(w), uint64(k)) < spikeRate {
					t.Bits[w] |= 1 << k
				}
			}
		}
	}
	return out, nil
}

// fieldOf returns the first field of a type; "" where there is none, and for whole numbers, which may be classes.
func fieldOf(fields map[string]graph.Type, t graph.Type) string {
	var names []string
	for name, have := range fields {
		if t.DType != graph.I32 && have.Equal(t) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}
