package check_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
)

// catalogue reads testdata/catalogue.txtar: components with equations as their texts, called KIND NAME ALIASES..., and the rest.
func catalogue(t testing.TB) *check.Catalogue {
	t.Helper()
	a, err := txtar.ParseFile("testdata/catalogue.txtar")
	if err != nil {
		t.Fatal(err)
	}
	c := &check.Catalogue{Shape: shape, Weights: weights}
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

// shape knows the sizes of two data sets.
func shape(name string, args schema.Arguments) (channels, height, width int, err error) {
	switch name {
	case "optdigits":
		return 1, 8, 8, nil
	case "mnist":
		if s := args.Int("size"); s == 28 || s == 32 || s == 16 {
			return 1, s, s, nil
		}
		return 0, 0, 0, fmt.Errorf("size %d is none of 16, 28 and 32", args.Int("size"))
	}
	return 0, 0, 0, fmt.Errorf("unknown")
}

// weights are those of SGAD's scoring (Feng et al. 2024): two linear layers from an image, or a reduction of it, to its width.
func weights(coder *schema.Component, args schema.Arguments, in check.Wire) (check.Parameters, error) {
	n, width := 1, args.Int("width")
	for _, d := range in.Dims {
		n *= d
	}
	var reduction int
	if r := args.Int("reduce"); r > 0 {
		n, reduction = r, (n+1)*r
	}
	return check.Parameters{Trainable: reduction + 2*(n+1)*width}, nil
}
