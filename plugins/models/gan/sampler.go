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
	class := -1
	if options.Has("label") {
		class = options.Int("label")
		switch {
		case m.label() == "":
			m.complain("sampler.label", "write `label = label` in the model", "this model is told of no label and draws any image")
		case class >= m.count:
			m.complain("sampler.label", "", "labels go up to %d", m.count-1)
		}
		if len(m.found) > 0 {
			return "", m.found, nil
		}
	}
	m.generate("generate", class)
	m.b.Sampler(program.Sampler{Name: "once", Result: "generate"})
	text, err := m.b.Finish()
	return text, nil, err
}

// generate adds the function that draws images: of a class, or where that is negative each of a class at random.
func (m *gan) generate(function string, class int) {
	m.b.Function(function, func(f *sdk.Function) {
		var of graph.Value
		switch {
		case m.label() == "":
		case class < 0:
			of = f.RandomInt("class", graph.Type{Batch: true}, m.count)
		default:
			of = f.Expand(f.Op(graph.OpConstant, graph.Attrs{"value": float64(class), "dtype": "i32"}), m.class)
		}
		y := m.fake(f, "sample", sdk.Mode{Eval: true}, of)
		if name, _ := m.loss(); name == firstSpike && f.Err() == nil {
			y = f.Slice(y, graph.TimeAxis, 0, m.window())
		}
		if m.b.Role(decode) != nil {
			y = f.Apply(decode, sdk.Mode{Eval: true}, y)[0]
		}
		f.Output("image", y)
	})
}
