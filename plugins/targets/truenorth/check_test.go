package truenorth

import (
	"flag"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// Each archive of testdata holds circuits.
func TestCheck(t *testing.T) {
	checktest.Golden(t, "testdata/*.txtar", *update, func(name, text string, args schema.Arguments) (schema.TargetReply, error) {
		c, err := circuittest.Parse(name, text)
		if err != nil {
			return schema.TargetReply{}, err
		}
		return Check(schema.TargetRequest{Arguments: args, Circuits: []schema.Circuit{c}})
	})
}

// Any circuits are judged, with any number of axons: each population is placed or refused with a reason, and what is placed keeps the limits.
func TestCheckRandom(t *testing.T) {
	placed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var circuits []schema.Circuit
		populations := 0
		for i := range rapid.IntRange(1, 2).Draw(t, "circuits") {
			c := circuittest.Generator(circuittest.Options{}).Draw(t, "net").Circuit
			c.Name += strings.Repeat("'", i)
			populations += len(c.Populations)
			circuits = append(circuits, c)
		}
		args := schema.Arguments{}
		if axons := rapid.IntRange(0, 4).Draw(t, "axons"); axons > 0 {
			args["axons"] = schema.Value{Type: schema.Int, Number: float64(axons)}
		}
		r, err := Check(schema.TargetRequest{Arguments: args, Circuits: circuits})
		if err != nil {
			t.Fatal(err)
		}
		checktest.Judged(t, r)
		for _, l := range r.Layers {
			if l.Host {
				refused++
			} else if placed++; l.Problem != "" {
				t.Errorf("%s: %s", l.Layer, l.Problem)
			}
		}
		if len(r.Layers) != populations {
			t.Errorf("%d layers of %d", len(r.Layers), populations)
		}
	})
	if placed == 0 || refused == 0 {
		t.Errorf("%d layers were placed and %d refused", placed, refused)
	}
}
