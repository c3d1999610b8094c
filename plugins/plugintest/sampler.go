package plugintest

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// samplers lets each sampler of a model draw on its first weights: those of its Program, and those with options that the spec asks for.
func (s *suite) samplers(title string, h *host.Host, m *built, options []schema.SamplerRequest) {
	pool := exec.NewPool(1)
	defer pool.Close()
	pool.Opaque = h.Opaque()
	const seed = 1
	weights, err := train.NewModel(m.Program, m.Modules, seed, pool)
	if err != nil {
		s.failed(title, Program, &fault{Program, err.Error(), "mend the Program: it cannot be made ready to be trained"})
		return
	}
	own := slices.DeleteFunc(slices.Clone(m.Program.Samplers), func(x program.Sampler) bool {
		return slices.ContainsFunc(options, func(q schema.SamplerRequest) bool { return q.Sampler == x.Name })
	})
	for _, x := range own {
		if s.done() {
			return
		}
		s.each(title+" sampler "+x.Name, []test{{Samples, func() (string, error) { return m.draws(m.Program, &x, weights) }}})
	}
	for _, q := range options {
		if s.done() {
			return
		}
		s.each(title+" sampler "+q.Sampler, []test{{Samples, func() (string, error) {
			r, err := h.Sampler(s.ctx, s.name, q)
			if err != nil {
				return "", err
			}
			if len(r.Complaints) > 0 {
				return "", untested(fmt.Sprintf("not: it complains of `%s`: %s", r.Complaints[0].Path, r.Complaints[0].Summary))
			}
			p, err := program.Parse(r.Program)
			if err != nil {
				return "", err
			}
			return m.draws(p, p.Sampler(q.Sampler), weights)
		}}})
	}
}

// draws draws three samples at once, and the second one again alone.
func (m *built) draws(p *program.Program, sampler *program.Sampler, weights *train.Model) (string, error) {
	const (
		together = 3
		alone    = 1 // the number of the one
		seed     = 7
		heaviest = 2_000_000_000 // multiply-accumulates, a few seconds
	)
	modules := map[string]*graph.Module{}
	for _, r := range p.Roles {
		modules[r.Name] = m.Modules[r.Name]
	}
	own, err := weights.As(p, modules)
	if err != nil {
		return "", &fault{Program, err.Error(), "let samplers have the weights of the model"}
	}
	if sampler.Loop != "" {
		loop, err := own.Linker.Function(sampler.Loop)
		if err != nil {
			return "", err
		}
		n := 0
		for _, x := range loop.Nodes {
			n += x.MultiplyAccumulates(together)
		}
		if n*sampler.Turns > heaviest {
			return "", untested(fmt.Sprintf("not drawn: %d turns with the networks of %s take %d million multiply-accumulates", sampler.Turns, m.from, n*sampler.Turns/1_000_000))
		}
	}
	draw := func(n, first int) ([]float32, graph.Type, error) {
		given := map[string]*tensor.Tensor{}
		for _, name := range sampler.Given {
			t := tensor.New(graph.Real().With(graph.I32), n)
			for i := range n {
				t.I32[i] = int32((first + i) % max(m.Request().Classes[name], 1))
			}
			given[name] = t
		}
		x, err := own.SampleGiven(sampler, given, n, seed, uint64(first))
		if err != nil {
			return nil, graph.Type{}, err
		}
		return slices.Clone(x.F32), x.Type, nil
	}
	all, of, err := draw(together, 0)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(all, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }); i >= 0 {
		return "", &fault{Samples, fmt.Sprintf("a sample has the number %v", all[i]), "look for a division by 0 or a logarithm in the first and last rows of the sampler's table"}
	}
	one, _, err := draw(1, alone)
	if err != nil {
		return "", err
	}
	if size := of.Size(); of.Steps == 0 && !slices.Equal(all[alone*size:][:len(one)], one) {
		return "", &fault{Samples, "a sample is another one when it is drawn alone", "let nothing be shared by samples: no sums over the batch, no random numbers without a batch axis"}
	}
	return fmt.Sprintf("%v, drawn together and alone", of), nil
}
