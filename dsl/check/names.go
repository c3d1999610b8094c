package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// names judges what can be said of a body before it is unrolled, so that blocks without use and branches not taken are read
// too: names that nothing defines, flows that lead nowhere, and the one `return` at the end.
func (c *checker) names(d *def) {
	w := walker{c: c, own: d.name.Text}
	var params []dsl.Parameter
	var body []dsl.Statement
	switch x := d.item.(type) {
	case *dsl.Block:
		params, body = x.Params, x.Body
		if len(params) == 0 {
			c.fail(diag.BadBody, x.Name.Range, fmt.Sprintf("write `block %s(x) { ... }`", x.Name.Text), "a block has a parameter, what flows in, and `%s` has none", x.Name.Text)
		} else if p := params[0]; p.Default != nil || p.Type != nil && !isWire(*p.Type) {
			c.fail(diag.BadBody, p.Range, fmt.Sprintf("write `%s` alone, and the values behind it", p.Name.Text), "the first parameter of a block is the wire that flows in")
		}
	case *dsl.Network:
		params, body = x.Params, x.Body
	default:
		return
	}
	w.known = assigned(body)
	seen := map[string]bool{}
	for _, p := range params {
		if seen[p.Name.Text] {
			c.fail(diag.DuplicateName, p.Name.Range, "give it another name", "parameter `%s` is declared twice", p.Name.Text)
		}
		seen[p.Name.Text], w.known[p.Name.Text] = true, true
		if p.Trainable != "" {
			c.fail(diag.BadType, p.Range, "leave `trainable` out", "only neurons and coders have trainable parameters")
		}
	}
	if len(body) > 0 {
		w.last = body[len(body)-1]
	}
	w.body(body, false)
	c.loose[d.item] = len(w.loose) > 0
	returns := slices.DeleteFunc(slices.Clone(w.returns), func(r *dsl.Return) bool {
		last, is := body[len(body)-1].(*dsl.Return)
		return is && last == r
	})
	switch {
	case len(w.loose) > 0 && (len(w.returns) == 0 || len(returns) == 1): // told: what stands at the end is not returned
	case len(w.returns) == 0:
		c.fail(diag.BadBody, d.name.Range, "end its body with `return WIRE`", "%s `%s` returns nothing", d.kind, d.name.Text)
	case len(returns) > 0:
		c.fail(diag.BadBody, returns[0].Range, "bind the value to a name, and return that name in the last line", "`return` stands once, in the last line of the body")
	}
}

// walker reads the body of a block or network.
type walker struct {
	c       *checker
	own     string
	known   map[string]bool // parameters, and names that are bound anywhere
	returns []*dsl.Return
	last    dsl.Statement // of the whole body; nil where it is empty
	loose   []*dsl.Assign // flows whose result goes nowhere
}

func (w *walker) body(body []dsl.Statement, loop bool) {
	for _, st := range body {
		switch st := st.(type) {
		case *dsl.Assign:
			w.expr(st.Value, loop)
			if st.Name.Text == "" {
				w.loose = append(w.loose, st)
				help := "write `NAME = ...` in front, or `return`"
				if flow, is := st.Value.(*dsl.Flow); is {
					if from := reference(flow.From); from != nil && !from.Called && w.c.written(st.Range) != "..." {
						help = fmt.Sprintf("write `%s = %s`", from.Name.Text, w.c.written(st.Range))
					}
				}
				if ref := reference(st.Value); ref != nil && (w.c.layers[ref.Name.Text] != nil || w.c.defs[ref.Name.Text] != nil) && !w.known[ref.Name.Text] {
					help = fmt.Sprintf("write `-> %s` where it continues the flow above", w.c.written(st.Range))
				}
				if last := w.last; last == dsl.Statement(st) && len(w.returns) == 0 && !strings.HasPrefix(help, "write `->") && w.c.written(st.Range) != "..." {
					help = fmt.Sprintf("write `return %s`", w.c.written(st.Range))
				}
				w.c.fail(diag.BadBody, st.Range, help, "the result of this is neither bound nor returned")
			}
		case *dsl.Return:
			w.returns = append(w.returns, st)
			w.expr(st.Value, loop)
		case *dsl.For:
			w.expr(st.List, loop)
			w.body(st.Body, true)
		case *dsl.Repeat:
			w.expr(st.Count, loop)
			w.body(st.Body, true)
		case *dsl.If:
			w.expr(st.Cond, loop)
			w.body(st.Then, loop)
			w.body(st.Else, loop)
		}
	}
}

func (w *walker) expr(e dsl.Expr, loop bool) {
	switch e := e.(type) {
	case *dsl.Paren:
		w.expr(e.Of, loop)
	case *dsl.Unary:
		w.expr(e.Of, loop)
	case *dsl.Binary:
		w.expr(e.Left, loop)
		w.expr(e.Right, loop)
	case *dsl.Index:
		w.expr(e.Of, loop)
		w.expr(e.At, loop)
	case *dsl.Field:
		w.expr(e.Of, loop)
	case *dsl.List:
		for _, x := range e.Items {
			w.expr(x, loop)
		}
	case *dsl.Ref:
		if e.Called && (e.Name.Text == "concat" || e.Name.Text == "reverse") {
			for _, a := range e.Args {
				w.expr(a.Value, loop)
			}
		}
		if !e.Called {
			w.name(e.Name, loop)
		}
	case *dsl.Flow:
		w.expr(e.From, loop)
		for _, r := range e.Steps {
			w.c.flowName(r, w.own)
			if d := w.c.defs[r.Name.Text]; d != nil && (d.kind == "block" || d.kind == "network") && r.Name.Text != w.own {
				for _, a := range r.Args {
					w.expr(a.Value, loop)
				}
			}
		}
	}
}

func (w *walker) name(n dsl.Name, loop bool) {
	if d := w.c.defs[n.Text]; w.known[n.Text] || d != nil && d.kind == "param" {
		return
	}
	if n.Text == "first" || n.Text == "last" {
		if !loop {
			w.c.fail(diag.UnknownName, n.Range, "use it in the body of `for` or `repeat`", "`%s` stands in loops only", n.Text)
		}
		return
	}
	if w.c.silent(n.Range) {
		return
	}
	known := slices.Concat(slices.Sorted(maps.Keys(w.known)), w.c.known("param"))
	w.c.unknown(n, "wire or value", known)
}
