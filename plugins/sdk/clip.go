package sdk

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// ClipParam declares a model's argument `clip`, the range of the data. what says what it is for: "samples are held".
func ClipParam(what string) schema.Param {
	return schema.Param{Name: "clip", Type: schema.OneOf, Default: "range(-1..1)", Doc: "where " + what + ": the range of the data", Choices: []schema.Choice{
		{Name: "range", Doc: "within bounds", Params: []schema.Param{{Name: "bounds", Type: schema.Range, Required: true, Doc: "least and greatest value of a pixel"}}},
		{Name: "none", Doc: "for data without bounds"},
	}}
}

// Clip holds x within the range that an argument of ClipParam says.
func (f *Function) Clip(how schema.Value, x graph.Value) graph.Value {
	bounds := how.Args["bounds"].Items
	if how.Text != "range" || len(bounds) != 2 {
		return x
	}
	return f.Op(graph.OpMin, nil, f.Op(graph.OpMax, nil, x, f.Const(bounds[0].Number)), f.Const(bounds[1].Number))
}
