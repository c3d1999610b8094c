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

// Clipping returns the bounds of images that the argument `clip`, of ClipParam, says, infinite ones where there are none, and
// complains of bounds that cut off what images of the data have.
func (r BuildRequest) Clipping() ([2]float64, []schema.Complaint) {
	how := r.Arguments["clip"]
	known, ok := r.Bounds["image"]
	items := how.Args["bounds"].Items
	switch {
	case how.Text == "range" && len(items) == 2:
		bounds := [2]float64{items[0].Number, items[1].Number}
		if ok && (bounds[0] > known[0] || bounds[1] < known[1]) {
			return bounds, Complain("clip", "write `clip = data`", "samples are held in %v..%v, and images of the data go from %v to %v", bounds[0], bounds[1], known[0], known[1])
		}
		return bounds, nil
	case how.Text == "data" && ok:
		return known, nil
	}
	return [2]float64{math.Inf(-1), math.Inf(1)}, nil
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
