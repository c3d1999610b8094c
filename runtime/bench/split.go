package bench

import (
	"strings"
	"time"

	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/train"
)

// parts says of each step of the plans of a stage whether it is of the forward pass.
type parts [][]bool

// split tells the forward from the backward steps of plans.
func split(p *train.Profile) (out parts) {
	for _, s := range p.Steps {
		out = append(out, forward(s.Plan))
	}
	return out
}

// forward reports of each step of a plan whether losses, firing rates or the next values of variables need it. What is left is
// needed by gradients alone: the backward pass, with what it computes once more. A step that serves both is of the forward pass.
func forward(p *plan.Plan) []bool {
	makers := map[*plan.Value][]int{} // of a value's memory
	for i, s := range p.Steps {
		for _, v := range s.Out {
			makers[v.Root()] = append(makers[v.Root()], i)
		}
	}
	out := make([]bool, len(p.Steps))
	var need func(v *plan.Value, before int)
	need = func(v *plan.Value, before int) {
		for _, i := range makers[v.Root()] {
			if i >= before || out[i] {
				continue
			}
			out[i] = true
			for _, in := range p.Steps[i].In {
				need(in, i)
			}
		}
	}
	for _, o := range p.Outputs {
		if !strings.HasPrefix(o.Name, program.Grad) {
			need(o.Value, len(p.Steps))
		}
	}
	for _, a := range p.Assigns {
		need(a.Value, len(p.Steps))
	}
	return out
}

// times adds up what was noted of the two passes.
func (x parts) times(p *train.Profile) (forward, backward time.Duration) {
	for i, s := range p.Steps {
		for k, d := range s.Times {
			if x[i][k] {
				forward += d
			} else {
				backward += d
			}
		}
	}
	return forward, backward
}

// layers tells times and work by layer, in the order of the model's networks; last what belongs to no layer. total is of n
// updates of so many batches.
func layers(total *train.Profile, x parts, m *experiment.Model, n, batches float64, rates map[string]float64, kernels map[string]string) []Layer {
	at := map[string]*Layer{"": {}}
	work := map[string]float64{}
	names := []string{}
	for _, r := range m.Roles {
		if r.Network == nil {
			continue
		}
		for _, l := range r.Network.Layers {
			name := r.Path + strings.TrimPrefix(l.Title, r.Network.Name)
			if at[name] == nil {
				at[name] = &Layer{Name: name, Kernel: kernels[name]}
				names = append(names, name)
			}
			if rate, ok := rates[name]; ok {
				at[name].Rate = &rate
			}
		}
	}
	for i, s := range total.Steps {
		for k, d := range s.Times {
			step := s.Plan.Steps[k]
			name := step.Layer
			if at[name] == nil {
				name = ""
			}
			if x[i][k] {
				at[name].Forward += ms(d) / n
			} else {
				at[name].Backward += ms(d) / n
			}
			work[name] += stepOperations(s.Plan, step) * batches
		}
	}
	var out []Layer
	for _, name := range append(names, "") {
		l := *at[name]
		if took := l.Forward + l.Backward; took > 0 || l.Rate != nil {
			if took > 0 {
				l.GFLOPS = work[name] / took / 1e6
			}
			out = append(out, l)
		}
	}
	return out
}
