package bench

import (
	"strings"
	"time"

	"snnc.dev/snnc/runtime/build"
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

// forward reports of each step of a plan whether losses, firing rates or the next values of variables need it. What is left
// is needed by gradients alone: the backward pass, with what it computes once more. A step that serves both is of the
// forward pass.
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

// table adds up what layers take, in the order of the model's networks; last what belongs to no layer.
type table struct {
	list  []Layer
	at    map[string]int
	work  []float64   // operations of an update
	times [][]float64 // of each update
}

// newTable returns a table without times for the layers of a model.
func newTable(m *build.Model, kernels map[string]string) *table {
	t := &table{at: map[string]int{}}
	add := func(name string) {
		if _, known := t.at[name]; known {
			return
		}
		t.at[name] = len(t.list)
		t.list = append(t.list, Layer{Name: name, Kernel: kernels[name]})
	}
	for _, r := range m.Roles {
		if r.Network == nil {
			continue
		}
		for _, l := range r.Network.Layers {
			add(r.Path + strings.TrimPrefix(l.Title, r.Network.Name))
		}
	}
	add("")
	t.work, t.times = make([]float64, len(t.list)), make([][]float64, len(t.list))
	return t
}

// update adds what an update of so many batches took.
func (t *table) update(p *train.Profile, x parts, batches float64) {
	clear(t.work)
	for i := range t.times {
		t.times[i] = append(t.times[i], 0)
	}
	for i, s := range p.Steps {
		for k, d := range s.Times {
			at, known := t.at[s.Plan.Steps[k].Layer]
			if !known {
				at = t.at[""]
			}
			if x[i][k] {
				t.list[at].Forward += ms(d)
			} else {
				t.list[at].Backward += ms(d)
			}
			t.times[at][len(t.times[at])-1] += ms(d)
			t.work[at] += stepOperations(s.Plan, s.Plan.Steps[k]) * batches
		}
	}
}

// layers returns those that take time or fire, at the mean rates of so many updates.
func (t *table) layers(n int, rates map[string]float64) (out []Layer) {
	for i, l := range t.list {
		rate, fires := rates[l.Name]
		if l.Forward+l.Backward == 0 && !fires {
			continue
		}
		if fires {
			l.Rate = &rate
		}
		l.Forward, l.Backward, l.Both = l.Forward/float64(n), l.Backward/float64(n), spread(t.times[i])
		if l.Both.Median > 0 {
			l.GFLOPS = t.work[i] / l.Both.Median / 1e6
		}
		out = append(out, l)
	}
	return out
}
