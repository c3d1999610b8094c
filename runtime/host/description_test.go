package host

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/reference"
	"snnc.dev/snnc/plugins/schema"
)

// uses is a spec that uses each component of a plugin with its defaults.
func uses(p schema.Plugin) string {
	var b strings.Builder
	fmt.Fprintf(&b, "snn 1\nuse %q as it, version \"~> 0.3\"\nparam width: int = 3\n", p.Name)
	coder := "none"
	for _, c := range p.Components {
		if c.Kind == schema.Coder {
			coder = c.Name
		}
	}
	for i, c := range p.Components {
		switch c.Kind {
		case schema.Neuron:
			fmt.Fprintf(&b, "neuron n%d = %s()\nnetwork net%d(image: real[1, 8, 8]) -> real[10] {\n    return image -> encode(%s()) -> flatten -> linear(5) -> n%d -> decode(%s())\n}\n", i, c.Name, i, coder, i, coder)
		case schema.Coder:
			fmt.Fprintf(&b, "network net%d(image: real[1, 8, 8]) -> real[64] {\n    return image -> encode(%s()) -> flatten -> decode(%s())\n}\n", i, c.Name, c.Name)
		case schema.Model:
			fmt.Fprintf(&b, "model m%d = %s()\nsample m%d { count = 3 }\n", i, c.Name, i)
		case schema.Target:
			fmt.Fprintf(&b, "target t%d = %s()\n", i, c.Name)
		}
	}
	return b.String()
}

// What a plugin may say of itself is good for the checker and for the page of the plugin: whatever is wrong with its defaults, documents
// and equations is a finding with a place.
func FuzzDescription(f *testing.F) {
	add := func(p schema.Plugin) {
		text, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	add(described())
	least := 1.0
	add(schema.Plugin{Name: "acme/leap", Version: "0.3.1", Components: []schema.Component{
		{Kind: schema.Neuron, Name: "ramp", Version: "1", Doc: "A *ramp*.", Equations: "neuron ramp(slope: real = 0.1) {\n    input x\n    state v = 0\n    v = v + slope * x\n    spike when v >= 1\n    on spike { v = 0 }\n}\n"},
		{Kind: schema.Neuron, Name: "code", Opaque: &schema.Opaque{Inputs: []string{"x", "gate"}, Spikes: true, Gradient: true},
			Params: []schema.Param{{Name: "tau", Type: schema.Time, Default: "2 steps"}}},
		{Kind: schema.Coder, Name: "both", Directions: []schema.Direction{schema.Encode, schema.Decode},
			Params: []schema.Param{{Name: "steps", Type: schema.Int, Min: &least, Default: "4"}, {Name: "span", Type: schema.Range, Default: "0.1..0.3"}}},
		{Kind: schema.Model, Name: "flow", Samplers: []schema.Choice{{Name: "euler", Params: []schema.Param{{Name: "steps", Type: schema.Int, Default: "50"}}}},
			Params: []schema.Param{{Name: "loss", Type: schema.Terms, Default: "mse + 2 * mmd", Choices: []schema.Choice{{Name: "mse"}, {Name: "mmd"}}},
				{Name: "size", Type: schema.Size, Default: "8x8"}, {Name: "memory", Type: schema.Bytes, Default: "1 GB"}, {Name: "where", Type: schema.AField, Default: "image"}}},
		{Kind: schema.Target, Name: "chip", Params: []schema.Param{{Name: "cores", Type: schema.Int, Default: "4"}}},
	}})
	f.Fuzz(func(t *testing.T, text string) {
		p, err := judgePlugin(text, nil)
		if err != nil || len(text) > 1<<14 {
			return
		}
		p.Name = "acme/leap" // a manifest sees to that
		reference.PluginMarkdown(p)
		spec := uses(p)
		file, found := dsl.Parse("x.snn", []byte(spec))
		checked, more := check.Check(file, check.Options{Catalogue: &check.Catalogue{Used: map[string]schema.Plugin{p.Name: p}, Plugins: []string{p.Name}}})
		checked.Sources["x.snn"] = []byte(spec)
		for _, d := range append(found, more...) {
			source, known := checked.Sources[d.Range.File]
			if !d.Range.IsZero() && (!known || d.Range.Start.Offset > d.Range.End.Offset || d.Range.End.Offset > len(source)) || d.Summary == "" || d.Code == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}
