package sdk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// A model that learns to draw an image of each class from noise, by the squared difference alone: its network takes the noise and,
// as `label` says, the class.
func ExampleLabel() {
	network := "network"
	build := func(r sdk.BuildRequest, options schema.Arguments) (string, []schema.Complaint, error) {
		b := sdk.NewProgram(r.Networks)
		image, c := r.Image()
		label, more := r.Label()
		if c = append(c, more...); len(c) > 0 {
			return "", c, nil
		}
		net := b.Role(network)
		c = append(label.Check(r.Networks[0], net, 1), label.CheckOptions(options)...)
		if label.Field != "" && !label.Told(net, 1) {
			c = append(c, sdk.Complain(network, "", "the network takes noise and the class")...)
		}
		if len(c) > 0 {
			return "", c, nil
		}
		b.Function("step", func(f *sdk.Function) {
			y := label.Apply(f, network, sdk.Mode{}, label.Input(f), f.Normal("noise", net.In[0]))[0]
			f.Output("total", f.MeanSquare(y, f.Input("image", image)))
		})
		b.Function("generate", func(f *sdk.Function) {
			y := label.Apply(f, network, sdk.Mode{Eval: true}, label.Drawn(f, options), f.Normal("noise", net.In[0]))[0]
			f.Output("image", y)
		})
		b.Stream("images", label.Fields("image")...)
		b.Stage("train", "images", program.Step{Function: "step", Moves: []string{network}})
		b.Sampler(program.Sampler{Name: "once", Given: label.Given(options), Result: "generate"})
		text, err := b.Finish()
		return text, nil, err
	}

	text, complaints, err := build(sdk.BuildRequest{
		Arguments: schema.Arguments{"label": {Type: schema.AField, Text: "label"}},
		Networks:  []schema.Network{{Role: network, Graph: told("i32[N]")}},
		Fields:    map[string]graph.Type{"image": graph.Real(2), "label": graph.Real().With(graph.I32)},
		Classes:   map[string]int{"label": 10},
	}, nil)
	fmt.Println(text, complaints, err)
	// Output:
	// program 1
	//
	// role "network" network (f32[N 2], i32[N]) -> (f32[N 2])
	//
	// function step(label: i32[N], image: f32[N 2]) {
	//   %0 = normal batch=true dims=[2] label="noise" : f32[N 2]
	//   %1 = apply %0 %label mode="train" role="network" : f32[N 2]
	//   %2 = sub %1 %image : f32[N 2]
	//   %3 = mul %2 %2 : f32[N 2]
	//   %4 = reduce %3 axes=[n 0] kind="mean" : f32[]
	//   return total = %4
	// }
	//
	// function generate(label: i32[N]) {
	//   %0 = normal batch=true dims=[2] label="noise" : f32[N 2]
	//   %1 = apply %0 %label mode="eval" role="network" : f32[N 2]
	//   return image = %1
	// }
	//
	// stream images = data(image, label)
	//
	// stage train images {
	//   step step every 1 batch slot "" moves("network")
	// }
	//
	// sampler once {
	//   given(label)
	//   result generate
	// }
	//  [] <nil>
}

// told is a network that takes 2 numbers and the class as a wire says, and gives the numbers back.
func told(class string) string {
	text := "graph 1\n"
	for _, mode := range []string{"train", "eval"} {
		text += fmt.Sprintf("\nfunction %s(x: f32[N 2], y: %s) {\n  return y = %%x\n}\n", mode, class)
	}
	return text
}

// What does not fit of the class is told at the argument, the role or the option that is to blame.
func TestLabelComplaints(t *testing.T) {
	one := schema.Value{Type: schema.Int, Number: 1}
	real := func(v float64) schema.Value { return schema.Value{Type: schema.Real, Number: v} }
	field := func(name string) schema.Value { return schema.Value{Type: schema.AField, Text: name} }
	for _, c := range []struct {
		args    schema.Arguments
		network string
		options schema.Arguments
		want    string
	}{
		{schema.Arguments{"label": field("label")}, told("f32[N 3]"), schema.Arguments{"label": one, "guidance": real(1)}, ""},
		{schema.Arguments{"label": field("label"), "drop": real(0.1)}, told("i32[N]"), schema.Arguments{"guidance": real(3)}, ""},
		{nil, double, schema.Arguments{"guidance": real(1)}, ""},
		{schema.Arguments{"drop": real(0.1)}, double, nil, "drop: `drop` is how often no class is told, and the model has no `label`"},
		{schema.Arguments{"label": field("label"), "drop": real(1)}, told("i32[N]"), nil, "drop: with `drop = 1` no network is ever told a class"},
		{schema.Arguments{"label": field("kind")}, told("i32[N]"), nil, "label: the data have no field `kind`"},
		{schema.Arguments{"label": field("image")}, told("i32[N]"), nil, "label: field `image` is real[2], no class number"},
		{schema.Arguments{"label": field("other")}, told("i32[N]"), nil, "label: field `other` is int, no class number"},
		{nil, told("i32[N]"), nil, "net: this network takes 2 parameters, and the model is told of no label"},
		{schema.Arguments{"label": field("label")}, told("f32[N 4]"), nil, "net: the last parameter is the class, one of 3 as the classes of the data are 0 to 2, and this one is real[4]"},
		{schema.Arguments{"label": field("label")}, double, schema.Arguments{"label": {Type: schema.Int, Number: 3}}, "sampler.label: there is no class 3"},
		{nil, double, schema.Arguments{"label": one}, "sampler.label: the model is told of no label, and the sampler draws one class"},
		{schema.Arguments{"label": field("label")}, told("i32[N]"), schema.Arguments{"guidance": real(3)}, "sampler.guidance: guidance asks the network without a class, which it has never seen: the model has no `drop`"},
		{schema.Arguments{"label": field("label")}, embedding(3), nil, ""},
		{schema.Arguments{"label": field("label")}, embedding(2), nil, "net: this network has a table of 2 classes, and is told of 3"},
		{schema.Arguments{"label": field("label"), "drop": real(0.1)}, embedding(3), nil, "net: this network has a table of 3 classes, and is told of 4: one more where no class is told"},
	} {
		r := sdk.BuildRequest{Arguments: c.args, Networks: []schema.Network{{Role: "net", Graph: c.network}}, Classes: map[string]int{"label": 3},
			Fields: map[string]graph.Type{"image": graph.Real(2), "label": graph.Real().With(graph.I32), "other": graph.Real().With(graph.I32)}}
		b := sdk.NewProgram(r.Networks)
		if err := b.Err(); err != nil {
			t.Fatal(err)
		}
		label, found := r.Label()
		if len(found) == 0 {
			found = append(label.Check(r.Networks[0], b.Role("net"), 1), label.CheckOptions(c.options)...)
		}
		got := ""
		for _, x := range found {
			got += x.Path + ": " + x.Summary
			if x.Help == "" {
				t.Errorf("%s: no help", got)
			}
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// A network that is told one of all classes of the data set, of which the spec chooses some, is told them at their places, and no
// class as zeros.
func TestLabelOfAll(t *testing.T) {
	real := func(v float64) schema.Value { return schema.Value{Type: schema.Real, Number: v} }
	for width, fits := range map[int]bool{2: false, 3: true, 4: false, 5: true, 6: false} {
		network := "graph 1\n"
		for _, mode := range []string{"train", "eval"} {
			network += fmt.Sprintf("\nfunction %s(x: f32[N 2], y: f32[N %d]) {\n  return y = %%y\n}\n", mode, width)
		}
		r := sdk.BuildRequest{Arguments: schema.Arguments{"label": {Type: schema.AField, Text: "label"}, "drop": real(0.1)}, Networks: []schema.Network{{Role: "net", Graph: network}},
			Fields: map[string]graph.Type{"label": sdk.Int()}, Classes: map[string]int{"label": 3}, All: map[string]int{"label": 5}}
		b := sdk.NewProgram(r.Networks)
		label, bad := r.Label()
		if bad = append(bad, label.Check(r.Networks[0], b.Role("net"), 1)...); len(bad) == 0 != fits {
			t.Errorf("%d classes: %v", width, bad)
		}
		if !fits {
			continue
		}
		b.Function("f", func(f *sdk.Function) {
			x, class := f.Input("x", graph.Real(2)), label.Input(f)
			f.Output("told", label.Apply(f, "net", sdk.Mode{}, class, x)[0])
			f.Output("none", label.Apply(f, "net", sdk.Mode{}, label.None(f), x)[0])
		})
		text, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		p, err := program.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		net, err := graph.Parse(network)
		if err != nil {
			t.Fatal(err)
		}
		l, err := program.NewLinker(p, map[string]*graph.Module{"net": net})
		if err != nil {
			t.Fatal(err)
		}
		g, err := l.Function("f")
		if err != nil {
			t.Fatal(err)
		}
		res, err := interp.Run(g, &interp.Env{N: 3, Inputs: map[string]interp.Value{
			"x": {Type: graph.Real(2), N: 3, Data: make([]float64, 6)}, "label": {Type: sdk.Int(), N: 3, Data: []float64{2, 0, 1}}}})
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float64, 3*width)
		want[2], want[width], want[2*width+1] = 1, 1, 1
		if got := res.Outputs["told"].Data; !slices.Equal(got, want) {
			t.Errorf("%d classes: 2, 0 and 1 are told as %v", width, got)
		}
		if got := res.Outputs["none"].Data; !slices.Equal(got, make([]float64, 3*width)) {
			t.Errorf("%d classes: none is told as %v", width, got)
		}
	}
}

// embedding is a network that looks the class up in a table of so many rows.
func embedding(rows int) string {
	text := fmt.Sprintf("graph 1\n\nvariable \"w\" f32[%d 2] parameter constant(0.0, 0.0)\n", rows)
	for _, mode := range []string{"train", "eval"} {
		text += fmt.Sprintf("\nfunction %s(x: f32[N 2], y: i32[N]) {\n  %%0 = read var=\"w\" : f32[%d 2]\n  %%1 = rows %%0 %%y : f32[N 2]\n  return y = %%1\n}\n", mode, rows)
	}
	return text
}

// Fields, inputs and what is withheld are left out where there is no label.
func TestNoLabel(t *testing.T) {
	b := sdk.NewProgram([]schema.Network{{Role: "net", Graph: double}})
	var l sdk.Label
	b.Function("f", func(f *sdk.Function) {
		x := f.Input("x", graph.Real(2))
		y := l.Guided(f, schema.Arguments{"guidance": {Type: schema.Real, Number: 3}}, l.Withheld(f, l.Drawn(f, nil)), func(class graph.Value) graph.Value {
			return l.Apply(f, "net", sdk.Mode{}, class, x)[0]
		})
		f.Output("y", y)
	})
	text, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if want := "function f(x: f32[N 2]) {\n  %0 = apply %x mode=\"train\" role=\"net\" : f32[N 2]\n  return y = %0\n}\n"; !strings.Contains(text, want) {
		t.Errorf("built\n%s", text)
	}
	if l.Given(nil) != nil || len(l.Fields("x")) != 1 {
		t.Errorf("given %v, fields %v", l.Given(nil), l.Fields("x"))
	}
}
