package plan

import (
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// planned returns a plan of two chained products, a sum over examples and a view of it: every kind of place.
func planned(t *testing.T) *Plan {
	t.Helper()
	b := graph.NewBuilder("f", nil)
	x, w := b.Input("x", graph.Signal(2, 4)), b.Input("w", graph.Type{Dims: []int{4, 4}})
	y := b.Op(graph.OpMatmul, nil, x, w)
	z := b.Op(graph.OpMatmul, nil, y, w)
	b.Output("z", b.Reshape(b.Op(graph.OpMatmul, nil, z, w), 2, 2))
	b.Output("mean", b.Mean(b.Op(graph.OpRows, nil, b.Op(graph.OpIota, graph.Attrs{"dims": []int{3}}), b.Input("i", graph.Real().With(graph.I32)))))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(g, Options{Batch: 3})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestVerify: a plan that breaks one of the rules that running it relies on is found out.
func TestVerify(t *testing.T) {
	find := func(p *Plan, name string, is func(v *Value) bool) *Value {
		for _, v := range p.Values {
			if is(v) {
				return v
			}
		}
		t.Fatalf("the plan has no %s", name)
		return nil
	}
	alias := func(p *Plan) *Value { return find(p, "alias", func(v *Value) bool { return v.Place == Alias }) }
	product := func(p *Plan, k int) *Step {
		for _, s := range p.Steps {
			if s.Node != nil && s.Node.Op == graph.OpMatmul {
				if k--; k < 0 {
					return s
				}
			}
		}
		t.Fatal("the plan has too few products")
		return nil
	}
	for want, spoil := range map[string]func(p *Plan){
		"": func(p *Plan) {},
		"value 0 is called": func(p *Plan) {
			p.Values[0], p.Values[1] = p.Values[1], p.Values[0]
		},
		"does not come before it": func(p *Plan) {
			a := alias(p)
			of := a.Of
			p.Values[a.ID], p.Values[of.ID] = of, a
			a.ID, of.ID = of.ID, a.ID
		},
		"that it has not":    func(p *Plan) { alias(p).From = 1 },
		"is no part of":      func(p *Plan) { a := alias(p); a.Type = a.Type.WithDims(5) },
		"of 0":               func(p *Plan) { p.F32 = 0 },
		"without data":       func(p *Plan) { find(p, "constant", func(v *Value) bool { return v.Place == Constant }).Data = nil },
		"is not there yet":   func(p *Plan) { product(p, 0).In[0] = product(p, 1).Out[0] },
		"which is no buffer": func(p *Plan) { product(p, 0).Out[0] = product(p, 0).In[0] },
		"once more":          func(p *Plan) { product(p, 2).Out[0] = product(p, 1).Out[0] },
		"in its course":      func(p *Plan) { product(p, 1).Out[0].Offset = product(p, 0).Out[0].Offset },
		"cannot be written over": func(p *Plan) { // a product reads its operand again and again
			product(p, 1).Out[0].Over = product(p, 1).In[0]
			product(p, 1).Out[0].Offset = product(p, 1).In[0].Offset
		},
		"has been written over": func(p *Plan) { // by a step between the one that gives it and the one that reads it
			product(p, 1).Out[0].Offset = product(p, 0).Out[0].Offset
			product(p, 1).In[0] = product(p, 1).In[1]
			product(p, 2).In[0] = product(p, 0).Out[0]
		},
		"result z is in no buffer": func(p *Plan) { p.Outputs[0].Value = product(p, 0).In[0] },
		"result z: ":               func(p *Plan) { p.Outputs[0].Value, p.Steps = product(p, 2).Out[0], nil },
	} {
		p := planned(t)
		spoil(p)
		err := p.verify()
		if want == "" {
			if err != nil {
				t.Errorf("a sound plan: %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}
