package build

import (
	"context"
	"encoding/json"
	"fmt"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/tensor"
)

// OpaqueNeuron asks the plugin of a neuron that it computes itself what that keeps for examples of given dims, channels first, and returns
// its declaration as the text of a module. What it finds is about an argument, else about the use.
func OpaqueNeuron(ctx context.Context, h *host.Host, n *check.Neuron, dims []int, at diag.Range) (string, diag.List) {
	o, found := declare(ctx, h, n.Opaque, "", dims, at)
	if found.HasErrors() {
		return "", found
	}
	return (&graph.Module{Opaques: []*graph.Opaque{o}}).Print(), found
}

// declare returns the declaration of an opaque component at a use.
func declare(ctx context.Context, h *host.Host, x *check.Opaque, direction schema.Direction, dims []int, at diag.Range) (*graph.Opaque, diag.List) {
	c := x.Component
	r, err := h.Prepare(ctx, x.Plugin, schema.PrepareRequest{Component: c.Name, Arguments: x.Args, Direction: direction, Dims: tensor.Memory(graph.Real(dims...))})
	if err != nil {
		return nil, diag.List{PluginFailed(err, at)}
	}
	if found := complained(r.Complaints, c, x.Places, fmt.Sprint(dims), at); len(found) > 0 {
		return nil, found
	}
	arguments, err := json.Marshal(x.Args)
	if err != nil {
		return nil, diag.List{{Code: diag.LoweringFailed, Range: at, Summary: fmt.Sprintf("write the arguments of %s `%s`: %v", c.Kind, c.Name, err)}}
	}
	decodes := direction == schema.Decode
	o := &graph.Opaque{Name: "o0", Plugin: x.Plugin, Component: c.Name, Version: c.Version, Arguments: string(arguments), Direction: graph.Direction(direction),
		Spikes: c.Opaque.Spikes && !decodes, Once: c.Opaque.Once && !decodes, Gradient: c.Opaque.Gradient, Random: c.Opaque.Random, Inputs: c.Opaque.Takes(), Saved: r.Saved}
	for _, s := range r.States {
		o.States = append(o.States, graph.EquationState(s))
	}
	if err := o.Verify(); err != nil {
		return nil, diag.List{{Code: diag.PluginFailed, Range: at, Summary: fmt.Sprintf("what plugin %q says of %s `%s` does not hold: %v", x.Plugin, c.Kind, c.Name, err), Help: "tell the plugin's author"}}
	}
	return o, nil
}

// opaqueCoder returns the module of a coder that its plugin computes, at an input.
func opaqueCoder(ctx context.Context, h *host.Host, k *check.Coder, in graph.Type, at diag.Range) (*graph.Module, diag.List) {
	attrs, direction := graph.Attrs{}, schema.Decode
	if in.Steps == 0 {
		direction, attrs["steps"] = schema.Encode, k.Steps
	}
	o, found := declare(ctx, h, &check.Opaque{Component: k.Component, Plugin: k.Plugin, Args: k.Args, Places: k.Places}, direction, in.Dims, at)
	if found.HasErrors() {
		return nil, found
	}
	if o.Random {
		attrs["label"] = string(direction)
	}
	m := &graph.Module{Opaques: []*graph.Opaque{o}}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, nil)
		b.Output("y", b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: o}, attrs, b.Input("x", in))[0])
		g, err := b.Finish()
		if err != nil {
			return nil, diag.List{{Code: diag.LoweringFailed, Range: at, Summary: err.Error()}}
		}
		m.Functions = append(m.Functions, g)
	}
	return m, found
}

// complained makes findings of what a plugin says of the arguments of a component, at their places, else at its use.
func complained(all []schema.Complaint, c *schema.Component, places map[string]diag.Range, of string, at diag.Range) (found diag.List) {
	for _, x := range all {
		place, ok := places[x.Path]
		if !ok {
			place = at
		}
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: place, Summary: x.Summary, Help: x.Help,
			Notes: []diag.Note{{Message: fmt.Sprintf("so says %s `%s` (%s) of %s", c.Kind, c.Name, c.Version, of)}}})
	}
	return found
}
