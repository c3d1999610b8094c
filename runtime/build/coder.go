package build

import (
	"context"
	"errors"
	"fmt"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// CoderGraph asks the plugin of a coder for its graph at an input: to decode what has time steps, else to encode. What it finds is
// about an argument, else about the use.
func CoderGraph(ctx context.Context, h *host.Host, k *check.Coder, in check.Wire, at diag.Range) (made check.CoderGraph, found diag.List) {
	input := lower.Type(in, in.Steps)
	if k.Component.Opaque != nil {
		m, found := opaqueCoder(ctx, h, k, input, at)
		if found.HasErrors() {
			return made, found
		}
		made.Text = m.Print()
		made.Out, _ = coded(k, in, m.Functions[0].Outputs[0].Value) // which inference has seen to
		return made, found
	}
	reply, err := h.Coder(ctx, k.Plugin, schema.CoderRequest{Component: k.Component.Name, Arguments: k.Args, Input: input.String()})
	if err != nil {
		found.Add(PluginFailed(err, at))
		return made, found
	}
	found = complained(reply.Complaints, k.Component, k.Places, in.String(), at)
	if found.HasErrors() {
		return made, found
	}
	nonsense := func(err error) diag.List {
		return diag.List{{Code: diag.PluginFailed, Range: at, Summary: fmt.Sprintf("the graph of coder `%s` does not hold: %s", k.Component.Name, shortened(err.Error())), Help: "tell the plugin's author"}}
	}
	m, err := graph.Parse(reply.Program)
	if err != nil {
		return made, nonsense(err)
	}
	out := m.Function(program.TrainFunction).Outputs[0].Value
	if got := m.Function(program.EvalFunction).Outputs[0].Value.Type(); !got.Equal(out.Type()) {
		return made, nonsense(fmt.Errorf("it makes %v of %v in training and %v in evaluation", out.Type(), input, got))
	}
	if made.Out, err = coded(k, in, out); err != nil {
		return made, nonsense(fmt.Errorf("it makes %v of %v, and %w", out.Type(), input, err))
	}
	made.Text = reply.Program
	for _, v := range m.Variables {
		switch v.Kind {
		case graph.Parameter:
			made.Count.Trainable += v.Type.Size()
		case graph.Frozen:
			made.Count.Frozen += v.Type.Size()
		}
	}
	return made, nil
}

// bothDirections returns what a coder that encodes makes of a value of a type, and of that again; decode is nil where it does not
// decode. at is the coder's place.
func bothDirections(ctx context.Context, h *host.Host, k *check.Coder, of graph.Type, at diag.Range) (encode, decode *graph.Module, found diag.List) {
	if k.Component == nil {
		encode, decode, err := lower.Coder(k, of)
		if err != nil {
			return nil, nil, diag.List{{Code: diag.LoweringFailed, Range: at, Summary: err.Error()}}
		}
		return encode, decode, nil
	}
	wire := check.Wire{Kind: check.RealWire, Dims: of.Dims}
	direction := func(name schema.Direction) *graph.Module {
		made, bad := CoderGraph(ctx, h, k, wire, at)
		if found = append(found, bad...); bad.HasErrors() {
			return nil
		}
		m, err := graph.Parse(made.Text)
		if err != nil {
			found.Add(diag.Diagnostic{Code: diag.LoweringFailed, Range: at, Summary: err.Error()})
			return nil
		}
		for _, f := range m.Functions {
			for _, n := range f.Nodes {
				n.Layer = string(name)
			}
		}
		wire = made.Out
		return m
	}
	if encode = direction(schema.Encode); encode != nil && k.Component.Goes(schema.Decode) {
		decode = direction(schema.Decode)
	}
	return encode, decode, found
}

// coded is the wire that a coder makes of another one, and in its graph is the value out.
func coded(k *check.Coder, in check.Wire, out graph.Value) (check.Wire, error) {
	t := out.Type()
	w := check.Wire{Dims: t.Dims, Steps: t.Steps}
	switch {
	case in.Timed():
		if !t.Equal(graph.Real(t.Dims...)) {
			return w, errors.New("a decoder gives one real for an example, without time steps")
		}
		return w, nil
	case t.Equal(graph.Signal(k.Steps, t.Dims...)):
		w.Kind = check.SignalWire
	case t.Equal(graph.Spikes(k.Steps, t.Dims...)):
		if w.Kind = check.SpikesWire; out.Node.Equation != nil && out.Node.Equation.Once || out.Node.Opaque != nil && out.Node.Opaque.Once {
			w.Kind = check.TimesWire
		}
	default:
		return w, fmt.Errorf("an encoder gives numbers or spikes over its %d time steps", k.Steps)
	}
	return w, nil
}
