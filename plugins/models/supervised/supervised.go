// Package supervised trains one network on examples with a known answer: a classifier or a regression.
package supervised

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed supervised.md
var doc string

const (
	network  = "network"
	features = "features"
)

// Model returns the plugin component.
func Model() sdk.Model {
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "supervised", Version: "1.0", Doc: doc,
			Roles: []schema.Role{{Name: network, Takes: "network", Doc: "inputs to answer: real[classes] for cross_entropy"},
				{Name: features, Takes: "network", Optional: true, Doc: "a network that `network` begins with: what it gives are the features by which metrics compare images"}},
			Params: []schema.Param{
				{Name: "loss", Type: schema.OneOf, Default: "cross_entropy", Doc: "what is minimised", Choices: []schema.Choice{
					{Name: "cross_entropy", Doc: "negative logarithm of the softmax at the target class, mean over examples"},
					{Name: "mse", Doc: "mean squared difference from the target, over all time steps where there are some"},
				}},
				{Name: "inputs", Type: schema.List, Of: schema.AField, Default: "[image]", Doc: "fields of the data, in the order of the network's parameters"},
				{Name: "target", Type: schema.AField, Default: "label", Doc: "field of the data that holds the answer"},
			},
			Exports: []string{"logits", "predict", "reconstruct", features},
		},
		Build: build,
	}
}

// known names the fields of the data, as a help.
func known(fields map[string]graph.Type) string {
	names := slices.Sorted(maps.Keys(fields))
	return "the fields are `" + strings.Join(names, "`, `") + "`"
}

// wires names the types of a network's inputs.
func wires(types []graph.Type) string {
	var out []string
	for _, t := range types {
		out = append(out, sdk.Wire(t))
	}
	return strings.Join(out, ", ")
}

// lacks returns a weight of the role features that the role network does not use; "" where it uses all of them. Networks share
// weights by names in the Program: a weight is called after the role that it was first seen in.
func lacks(networks []schema.Network) (string, error) {
	weights := map[string]map[string]bool{}
	var of []string // those of features, in order
	for _, n := range networks {
		m, err := graph.Parse(n.Graph)
		if err != nil {
			return "", err
		}
		names := map[string]bool{}
		for _, v := range m.Variables {
			name := cmp.Or(v.Of, n.Role+"."+v.Name)
			names[name] = true
			if n.Role == features {
				of = append(of, name)
			}
		}
		weights[n.Role] = names
	}
	for _, name := range of {
		if !weights[network][name] {
			return strings.TrimPrefix(name, features+"."), nil
		}
	}
	return "", nil
}

func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return "", nil, fmt.Errorf("build supervised: %w", err)
	}
	net := b.Role(network)
	if net == nil {
		return "", nil, fmt.Errorf("build supervised: the network is missing in the request")
	}
	var c []schema.Complaint
	complain := func(path, help, format string, args ...any) {
		c = append(c, sdk.Complain(path, help, format, args...)...)
	}
	head := b.Role(features)
	if head != nil && (!slices.EqualFunc(head.In, net.In, graph.Type.Equal) || head.Out[0].Steps > 0 || head.Out[0].DType != graph.F32) {
		complain(features, "let it take what `network` takes, and give real numbers without time", "features of the same examples are wanted, this network takes %s and gives %s", wires(head.In), sdk.Wire(head.Out[0]))
	}
	if head != nil {
		untrained, err := lacks(r.Networks)
		if err != nil {
			return "", nil, fmt.Errorf("build supervised: %w", err)
		}
		if untrained != "" {
			complain(features, "let `network` apply it, as in `image -> code -> linear(10)`", "nothing would train this network: `network` does not use its %s", untrained)
		}
	}
	inputs := r.Arguments["inputs"].Items
	fields := make([]string, len(inputs))
	if len(inputs) != len(net.In) {
		complain("inputs", "name one field for each parameter of the network", "the network takes %d inputs, %d fields are named", len(net.In), len(inputs))
	}
	for i, in := range inputs {
		fields[i] = in.Text
		t, ok := r.Fields[in.Text]
		switch {
		case !ok:
			complain("inputs", known(r.Fields), "the data have no field `%s`", in.Text)
		case i < len(net.In) && !t.Equal(net.In[i]):
			help := fmt.Sprintf("declare this parameter as `%s`", sdk.Wire(t))
			switch {
			case len(t.Dims) == 3 && slices.Equal(slices.Sorted(slices.Values(t.Dims)), slices.Sorted(slices.Values(net.In[i].Dims))):
				help = "a shape is [channels, height, width]: " + help
			case len(t.Dims) == 3 && len(net.In[i].Dims) == 3:
				want := net.In[i].Dims
				if t.Dims[0] != want[0] {
					help += fmt.Sprintf(", or give the data `channels = %d`", want[0])
				}
				if !slices.Equal(t.Dims[1:], want[1:]) {
					help += fmt.Sprintf(", or give the data `size = %dx%d`", want[1], want[2])
				}
			}
			complain(network, help, "input %d of the network is %s, field `%s` is %s", i+1, sdk.Wire(net.In[i]), in.Text, sdk.Wire(t))
		}
	}
	target := r.Arguments.Text("target")
	t, ok := r.Fields[target]
	classify := r.Arguments.Text("loss") == "cross_entropy"
	out := net.Out[0]
	switch {
	case !ok:
		complain("target", known(r.Fields), "the data have no field `%s`", target)
	case classify && (t.DType != graph.I32 || len(t.Dims) != 0):
		complain("target", "use `loss = mse` for answers that are no classes", "cross_entropy wants a class number, field `%s` is %s", target, sdk.Wire(t))
	case classify && (out.Steps > 0 || len(out.Dims) != 1):
		complain(network, fmt.Sprintf("end the network with `linear(%d)` and, where it has time steps, `decode(mean)`", r.Classes[target]), "cross_entropy wants one number per class, the network gives %s", sdk.Wire(out))
	case classify && r.Classes[target] > out.Dims[0]:
		complain(network, fmt.Sprintf("end the network with `linear(%d)`; labels keep their numbers when `classes` chooses some", r.Classes[target]), "the network gives %d numbers, the labels go up to %d", out.Dims[0], r.Classes[target]-1)
	case !classify && out.Steps > 0 && t.Steps > 0 && out.Steps != t.Steps:
		complain(network, "let both have one number of time steps", "the network gives %s over %d time steps, field `%s` has %d", sdk.Wire(out), out.Steps, target, t.Steps)
	case !classify && !out.With(graph.F32).Equal(t.With(graph.F32)): // spikes are numbers, too
		complain(network, fmt.Sprintf("let the network give `%s`", sdk.Wire(t.With(graph.F32))), "the network gives %s, field `%s` is %s", sdk.Wire(out), target, sdk.Wire(t))
	}
	if len(c) > 0 {
		return "", c, nil
	}
	// A field may stand in several places: an autoencoder's target is its input.
	field := func(f *sdk.Function, name string) graph.Value {
		if n := f.Graph().Input(name); n != nil {
			return graph.Value{Node: n}
		}
		return f.Input(name, r.Fields[name])
	}
	apply := func(f *sdk.Function, role string, m sdk.Mode) graph.Value {
		in := make([]graph.Value, len(fields))
		for i, name := range fields {
			in[i] = field(f, name)
		}
		return f.Apply(role, m, in...)[0]
	}
	b.Function("step", func(f *sdk.Function) {
		y := apply(f, network, sdk.Mode{})
		answer := field(f, target)
		if !classify {
			f.Output("total", f.MeanSquare(f.Real(y), f.Real(answer)))
			return
		}
		right := f.Op(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, f.LogSoftmax(y), answer)
		f.Output("total", f.Neg(f.Reduce("mean", right, graph.BatchAxis)))
	})
	code := func(f *sdk.Function) {
		f.Output("features", f.Reshape(apply(f, features, sdk.Mode{Eval: true}), head.Out[0].Size()))
	}
	if classify {
		b.Function("logits", func(f *sdk.Function) {
			f.Output("logits", apply(f, network, sdk.Mode{Eval: true}))
			if head != nil { // what both have in common is computed once
				code(f)
			}
		})
		b.Export("logits", "logits")
	}
	b.Function("predict", func(f *sdk.Function) {
		y := apply(f, network, sdk.Mode{Eval: true})
		if classify {
			y = f.Reduce("argmax", y, 0)
		}
		f.Output("answer", y)
	})
	stream := append(slices.Clone(fields), target)
	slices.Sort(stream)
	b.Stream("examples", slices.Compact(stream)...)
	moves := []string{network}
	if head != nil {
		// The weights that both use belong to the role that they fill.
		moves = append(moves, features)
		b.Function(features, func(f *sdk.Function) {
			f.Output("features", f.Reshape(apply(f, features, sdk.Mode{Eval: true}), head.Out[0].Size()))
		})
		b.Export(features, features)
	}
	b.Stage("train", "examples", program.Step{Function: "step", Moves: moves})
	b.Export("predict", "predict")
	if target == "image" && slices.Equal(fields, []string{"image"}) { // an autoencoder
		b.Export("reconstruct", "predict")
	}
	text, err := b.Finish()
	return text, nil, err
}
