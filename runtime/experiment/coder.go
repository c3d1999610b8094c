package experiment

import (
	"context"
	"fmt"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// coderGraph asks the plugin of a coder for its graph at an input. What it finds is about an argument, else about the use.
func coderGraph(ctx context.Context, h *host.Host, k *check.Coder, in check.Wire, at diag.Range) (made check.CoderGraph, found diag.List) {
	input := lower.Type(in, in.Steps)
	reply, err := h.Coder(ctx, k.Plugin, schema.CoderRequest{Component: k.Component.Name, Arguments: k.Args, Input: input.String()})
	if err != nil {
		found.Add(pluginFailed(err, at))
		return made, found
	}
	for _, c := range reply.Complaints {
		place, ok := k.Places[c.Path]
		if !ok {
			place = at
		}
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: place, Summary: c.Summary, Help: c.Help,
			Notes: []diag.Note{{Message: fmt.Sprintf("so says coder `%s` (%s) of %v", k.Component.Name, k.Component.Version, in)}}})
	}
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
	for _, name := range []string{program.TrainFunction, program.EvalFunction} {
		if got, want := m.Function(name).Outputs[0].Value.Type(), graph.Real(in.Dims...); !got.Equal(want) {
			return made, nonsense(fmt.Errorf("it makes %v of %v in %s mode, and a decoder gives %v", got, input, name, want))
		}
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
