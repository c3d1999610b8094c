package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/quantize"
)

// A variable is rounded where a product with it lies on the chip: by the grid of its layer, by that of all layers, or not at all; what the
// layer is called does not matter.
func TestRules(t *testing.T) {
	r := &cut.Result{
		Circuits: []schema.Circuit{
			{Populations: []schema.Population{{Name: "1.linear"}, {Name: "9.conv+8.conv+2 more"}}},
			{Populations: []schema.Population{{Name: "3.conv"}, {Name: "8.conv, use 2"}}},
		},
		Weights: map[string][]cut.Weight{
			"9.conv+8.conv+2 more": {{Variable: "5.weight"}, {Variable: "6.weight"}, {Variable: "8.weight", Synapses: 1}, {Variable: "9.weight", Synapses: 1}},
			"3.conv":               {{Variable: "3.weight"}},
			"8.conv, use 2":        {{Variable: "8.weight"}},
		},
	}
	sum, one, every := schema.Grid{Layer: "9.conv+8.conv+2 more", High: 1}, schema.Grid{Layer: "8.conv, use 2", High: 2}, schema.Grid{High: 3}
	four := []string{"5.weight", "6.weight", "8.weight", "9.weight"}
	for _, x := range []struct {
		all  []schema.Grid
		want map[string]quantize.Rule
	}{
		{nil, map[string]quantize.Rule{}},
		{[]schema.Grid{one}, map[string]quantize.Rule{"8.weight": {Grid: &one, With: []string{"8.weight"}}}},
		{[]schema.Grid{one, sum}, map[string]quantize.Rule{"5.weight": {Grid: &sum, With: four}, "6.weight": {Grid: &sum, With: four}, "8.weight": {Grid: &sum, With: four}, "9.weight": {Grid: &sum, With: four}}},
		{[]schema.Grid{every}, map[string]quantize.Rule{"3.weight": {Grid: &every, With: []string{"3.weight"}}, "5.weight": {Grid: &every, With: four}, "6.weight": {Grid: &every, With: four}, "8.weight": {Grid: &every, With: four}, "9.weight": {Grid: &every, With: four}}},
	} {
		if d := cmp.Diff(x.want, rules(r, x.all)); d != "" {
			t.Errorf("%v: %s", x.all, d)
		}
	}
}
