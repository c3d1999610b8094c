package gan

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// sampler returns the sampler `once` for its options: the class of all samples.
func sampler(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	if name != "once" {
		return "", nil, fmt.Errorf("unknown sampler %q of gan", name)
	}
	var networks []schema.Network
	for _, n := range r.Networks {
		if n.Role == generator || n.Role == decode {
			networks = append(networks, n)
		}
	}
	m, err := begin(r, networks)
	if err != nil || len(m.found) > 0 {
		return "", m.found, err
	}
	if c := m.label.CheckOptions(options); len(c) > 0 {
		return "", c, nil
	}
	m.sampler(options)
	text, err := m.b.Finish()
	return text, nil, err
}

// sampler adds the sampler, and the function that draws its images.
func (m *gan) sampler(options schema.Arguments) {
	m.b.Function("generate", func(f *sdk.Function) {
		y := m.fake(f, "sample", sdk.Mode{Eval: true}, m.label.Drawn(f, options))
		if name, _ := m.loss(); name == firstSpike && f.Err() == nil {
			y = f.Slice(y, graph.TimeAxis, 0, m.window())
		}
		if m.b.Role(decode) != nil {
			y = f.Apply(decode, sdk.Mode{Eval: true}, y)[0]
		}
		f.Output("image", y)
	})
	m.b.Sampler(program.Sampler{Name: "once", Given: m.label.Given(options), Result: "generate"})
}
