package sdk

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// Images are held within the range of the data, unless the spec says other bounds or none, and nowhere where the data say none.
func TestClipping(t *testing.T) {
	end := func(v float64) schema.Value { return schema.Value{Type: schema.Real, Number: v} }
	narrow := schema.Arguments{"bounds": {Type: schema.Range, Items: []schema.Value{end(0), end(0.5)}}}
	wide := schema.Arguments{"bounds": {Type: schema.Range, Items: []schema.Value{end(-2), end(3)}}}
	open := [2]float64{math.Inf(-1), math.Inf(1)}
	known := BuildRequest{Bounds: map[string][2]float64{"image": {0, 1}}}
	for _, c := range []struct {
		of    BuildRequest
		how   schema.Value
		want  [2]float64
		wrong int // complaints
	}{
		{known, schema.Value{Text: "data"}, [2]float64{0, 1}, 0},
		{known, schema.Value{Text: "range", Args: wide}, [2]float64{-2, 3}, 0},
		{known, schema.Value{Text: "range", Args: narrow}, [2]float64{0, 0.5}, 1},
		{BuildRequest{}, schema.Value{Text: "range", Args: narrow}, [2]float64{0, 0.5}, 0},
		{known, schema.Value{Text: "none"}, open, 0},
		{BuildRequest{}, schema.Value{Text: "data"}, open, 0},
	} {
		c.of.Arguments = schema.Arguments{"clip": c.how}
		if got, found := c.of.Clipping(); got != c.want || len(found) != c.wrong {
			t.Errorf("clip = %s holds images in %v, want %v; complaints %v", c.how.Text, got, c.want, found)
		}
	}
}
