package sdk

import (
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// ClipParam declares a model's argument `clip`. what says what it is for: "samples are held".
func ClipParam(what string) schema.Param {
	return schema.Param{Name: "clip", Type: schema.OneOf, Default: "data", Doc: "where " + what, Choices: []schema.Choice{
		{Name: "data", Doc: "within the range of the data"},
		{Name: "range", Doc: "within bounds", Params: []schema.Param{{Name: "bounds", Type: schema.Range, Required: true, Doc: "least and greatest value of a pixel"}}},
		{Name: "none", Doc: "nowhere"},
	}}
}

// Clipping returns the bounds of images that an argument of ClipParam says, infinite ones where there are none.
func (r BuildRequest) Clipping(how schema.Value) [2]float64 {
	bounds, items := [2]float64{math.Inf(-1), math.Inf(1)}, how.Args["bounds"].Items
	switch known, ok := r.Bounds["image"]; {
	case how.Text == "range" && len(items) == 2:
		bounds = [2]float64{items[0].Number, items[1].Number}
	case how.Text == "data" && ok:
		bounds = known
	}
	return bounds
}

// Clip holds x within bounds.
func (f *Function) Clip(x graph.Value, bounds [2]float64) graph.Value {
	if low := bounds[0]; !math.IsInf(low, -1) {
		x = f.Op(graph.OpMax, nil, x, f.Const(low))
	}
	if high := bounds[1]; !math.IsInf(high, 1) {
		x = f.Op(graph.OpMin, nil, x, f.Const(high))
	}
	return x
}
