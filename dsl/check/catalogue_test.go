package check_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// catalogue reads testdata/catalogue.txtar: components with equations as their texts, called KIND NAME ALIASES..., and the rest.
func catalogue(t testing.TB) *check.Catalogue {
	t.Helper()
	a, err := txtar.ParseFile("testdata/catalogue.txtar")
	if err != nil {
		t.Fatal(err)
	}
	c := &check.Catalogue{Shape: shape, Graph: scoring}
	for _, f := range a.Files {
		if f.Name == "rest.json" {
			if err := json.Unmarshal(f.Data, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range a.Files {
		if words := strings.Fields(f.Name); len(words) > 1 {
			c.Components = append(c.Components, schema.Component{Kind: schema.Kind(words[0]), Name: words[1], Aliases: words[2:], Version: "1.0", Equations: string(f.Data)})
		}
	}
	return c
}

// shape knows the sizes of some data sets.
func shape(name string, args schema.Arguments) (channels, height, width, steps int, err error) {
	switch name {
	case "optdigits":
		return 1, 8, 8, 0, nil
	case "random":
		return args.Int("channels"), 8, 8, args.Int("steps"), nil
	case "mnist":
		if s := args.Int("size"); s == 28 || s == 32 || s == 16 {
			return 1, s, s, 0, nil
		}
		return 0, 0, 0, 0, fmt.Errorf("size %d is none of 16, 28 and 32", args.Int("size"))
	}
	return 0, 0, 0, 0, fmt.Errorf("unknown")
}

// scoring holds what SGAD's does (Feng et al. 2024): two linear layers from an image, or a reduction of it, to its width.
func scoring(k *check.Coder, in check.Wire, at diag.Range) (check.CoderGraph, diag.List) {
	n, width := 1, k.Args.Int("width")
	for _, d := range in.Dims {
		n *= d
	}
	if place, ok := k.Places["width"]; ok && width > n && in.Steps > 1 { // of a single step there is nothing to score
		return check.CoderGraph{}, diag.List{{Code: diag.PluginComplains, Range: place, Summary: fmt.Sprintf("`width` is more than the %d values of an image at %d time steps", n, in.Steps)}}
	}
	if n == 13 {
		return check.CoderGraph{}, diag.List{{Code: diag.PluginComplains, Range: at, Summary: "13 brings bad luck"}}
	}
	var reduction int
	if r := k.Args.Int("reduce"); r > 0 {
		n, reduction = r, (n+1)*r
	}
	return check.CoderGraph{Text: "graph 1\n", Out: check.Wire{Dims: in.Dims}, Count: check.Parameters{Trainable: reduction + 2*(n+1)*width}}, nil
}
