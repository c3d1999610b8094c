package dsl

import (
	"fmt"
	"strconv"

	"github.com/alecthomas/participle/v2/lexer"

	"snnc.dev/snnc/dsl/diag"
)

// converter makes the tree of what participle read, and finds what the grammar does not say.
type converter struct{ found diag.List }

func (c *converter) error(at diag.Range, summary, help string) {
	c.found.Add(diag.Diagnostic{Code: diag.BadSyntax, Summary: summary, Range: at, Help: help})
}

// cover returns the place of all tokens, which are at least one.
func cover(ts []lexer.Token) diag.Range { return span(ts[0]).Join(span(ts[len(ts)-1])) }

func name(t lexer.Token) Name { return Name{t.Value, span(t)} }

func names(gs []*gName) []Name {
	var out []Name
	for _, g := range gs {
		out = append(out, name(g.Name))
	}
	return out
}

func str(t lexer.Token) String { return String{Value: unescape(t.Value), Range: span(t)} }

// expr gives an expression of the grammar its own type; nil stays nil.
func expr(e interface{ Expr }) Expr {
	if e == nil {
		return nil
	}
	return e
}

func (c *converter) item(g *gItem, doc string) Item {
	r := cover(g.Tokens)
	switch {
	case g.Use != nil:
		u := &Use{Plugin: str(g.Use.Plugin), As: name(g.Use.As), Range: r}
		if g.Use.Version != nil {
			v := str(*g.Use.Version)
			u.Version = &v
		}
		return u
	case g.Import != nil:
		return &Import{Path: str(*g.Import), Range: r}
	case g.Preset != nil:
		p := &Preset{Doc: doc, Name: name(g.Preset.Name), Range: r}
		for _, ch := range g.Preset.Changes {
			p.Changes = append(p.Changes, c.change(ch))
		}
		return p
	case g.Param != nil:
		return &Param{Doc: doc, Name: name(g.Param.Name), Type: *typ(g.Param.Type), Value: expr(g.Param.Value), In: c.bounds(g.Param.In), Range: r}
	case g.Define != nil:
		return &Definition{Doc: doc, Kind: g.Kind, Name: name(g.Define.Name), Value: g.Define.Value, Range: r}
	case g.Neuron != nil && g.Neuron.Value != nil:
		return &Definition{Doc: doc, Kind: "neuron", Name: name(g.Neuron.Name), Value: g.Neuron.Value, Range: r}
	case g.Neuron != nil:
		return &Neuron{Doc: doc, Name: name(g.Neuron.Name), Params: c.params(g.Neuron.Params), Body: c.equations(g.Neuron.Body), Range: r}
	case g.Coder != nil && g.Coder.Value != nil:
		return &Definition{Doc: doc, Kind: "coder", Name: name(g.Coder.Name), Value: g.Coder.Value, Range: r}
	case g.Coder != nil:
		return c.coder(g.Coder, doc, r)
	case g.Block != nil:
		return &Block{Doc: doc, Name: name(g.Block.Name), Params: c.params(g.Block.Params), Body: c.statements(g.Block.Body), Range: r}
	case g.Network != nil:
		n := g.Network
		return &Network{Doc: doc, Name: name(n.Name), Params: c.params(n.Params), Result: *typ(n.Result), Pure: n.Pure, Body: c.statements(n.Body), Range: r}
	}
	a := &Action{Doc: doc, Kind: g.Action.Value, Model: name(*g.Model), Range: r}
	for _, b := range g.Set {
		a.Settings = append(a.Settings, Setting{name(b.Name), b.Value})
	}
	return a
}

func (c *converter) coder(g *gCoder, doc string, r diag.Range) Item {
	out := &Coder{Doc: doc, Name: name(g.Name), Params: c.params(g.Params), Range: r}
	for _, p := range g.Ports {
		at := &out.Encode
		if p.Way == "decode" {
			at = &out.Decode
		}
		if *at != nil {
			c.found.Add(diag.Diagnostic{Code: diag.BadSyntax, Summary: fmt.Sprintf("`%s` stands twice in a coder", p.Way), Range: span(p.Tokens[0]),
				Help: "make two coders", Notes: []diag.Note{{Message: "the first one", Range: diag.Range{File: (*at).Range.File, Start: (*at).Range.Start, End: (*at).Input.Range.End}}}})
			continue
		}
		*at = &Port{Input: name(p.Input), Body: c.equations(p.Body), Range: cover(p.Tokens)}
	}
	if out.Encode == nil && out.Decode == nil {
		c.error(out.Name.Range, fmt.Sprintf("the coder `%s` neither encodes nor decodes", out.Name.Text), "write `encode x { ... }`, `decode s { ... }` or both into its braces")
	}
	return out
}

func (c *converter) change(g *gChange) Change {
	out := Change{Value: g.Value, Range: cover(g.Tokens)}
	for _, s := range g.Path {
		step := PathStep{Name: name(s.Name), Index: -1}
		if s.Index != nil {
			n, err := strconv.Atoi(s.Index.Value)
			if err != nil {
				c.error(span(*s.Index), "this index is no integer", "count from 0: `sample.NAME[1]` is the second one")
			}
			step.Index = n
		}
		out.Path = append(out.Path, step)
	}
	return out
}

// bounds makes a range `LO..HI`; nil stays nil.
func (c *converter) bounds(g gRange) Expr {
	if g == nil {
		return nil
	}
	b, ok := Expr(g).(*Binary)
	if !ok || b.Op != ".." {
		c.error(g.Span(), "a range is wanted after `in`", "write `in LO..HI`")
		return nil
	}
	return b
}

func (c *converter) params(gs []*gParam2) []Parameter {
	var out []Parameter
	for _, g := range gs {
		p := Parameter{Name: name(g.Name), Default: expr(g.Default), In: c.bounds(g.In), Range: cover(g.Tokens)}
		if g.Type != nil {
			p.Type = typ(g.Type)
		}
		if g.Trainable {
			p.Trainable = "layer"
		}
		if g.Per != nil {
			p.Trainable = g.Per.Value
			switch g.Per.Value {
			case "layer", "channel", "neuron", "step":
			default:
				c.error(span(*g.Per), fmt.Sprintf("a parameter cannot be trainable per `%s`", g.Per.Value), "write `per layer`, `per channel`, `per neuron` or `per step`")
			}
		}
		out = append(out, p)
	}
	return out
}

func typ(g *gType) *Type {
	t := &Type{Range: cover(g.Tokens)}
	if g.List != nil {
		t.Name, t.List = name(*g.List), true
		return t
	}
	t.Name = name(*g.Name)
	for _, d := range g.Dims {
		t.Dims = append(t.Dims, d)
	}
	return t
}

func (c *converter) statements(gs []*gStatement) []Statement {
	var out []Statement
	for _, g := range gs {
		r := cover(g.Tokens)
		switch {
		case g.Return != nil:
			out = append(out, &Return{g.Return, r})
		case g.For != nil:
			out = append(out, &For{name(g.For.Name), g.For.List, c.statements(g.For.Body), r})
		case g.Repeat != nil:
			out = append(out, &Repeat{g.Repeat.Count, c.statements(g.Repeat.Body), r})
		case g.If != nil:
			s := &If{Cond: g.If.Cond, Then: c.statements(g.If.Then), Range: r}
			if g.If.Else != nil {
				s.Else = c.statements(g.If.Else.Body)
			}
			out = append(out, s)
		case g.Bound != nil:
			ref, ok := Expr(g.Value).(*Ref)
			if !ok || ref.Called {
				c.error(g.Value.Span(), "only a name can stand left of `=`", "write `NAME = value`; `==` compares")
				continue
			}
			out = append(out, &Assign{ref.Name, g.Bound, r})
		default:
			out = append(out, &Assign{Value: g.Value, Range: r})
		}
	}
	return out
}

func (c *converter) equations(gs []*gEquation) []Equation {
	var out []Equation
	for _, g := range gs {
		r := cover(g.Tokens)
		switch {
		case g.Update != nil && g.Update.Prime != nil:
			if g.Update.Op.Value != "=" {
				c.error(span(g.Update.Op), fmt.Sprintf("a derivative is set with `=`, not `%s`", g.Update.Op.Value), fmt.Sprintf("write `%s' = ...`", g.Update.Name.Value))
			}
			out = append(out, &Derivative{name(g.Update.Name), g.Update.Value, r})
		case g.Update != nil:
			out = append(out, update(g.Update))
		case g.Input != nil:
			out = append(out, &Input{names(g.Input), r})
		case g.State != nil:
			s := &State{Range: r}
			for _, b := range g.State {
				s.Names, s.Values = append(s.Names, name(b.Name)), append(s.Values, b.Value)
			}
			out = append(out, s)
		case g.Noise != nil:
			out = append(out, &Noise{name(g.Noise.Name), g.Noise.Value, r})
		case g.Spike != nil:
			s := &SpikeWhen{Cond: g.Spike.Cond, Range: r}
			if g.Spike.Name != nil {
				s.Name = name(*g.Spike.Name)
			}
			out = append(out, s)
		case g.On != nil:
			o := &OnSpike{Range: r}
			for _, u := range g.On.Body {
				if u.Prime != nil {
					c.error(span(*u.Prime), "no derivative can stand in `on spike`", "assign to the state: `v = rest` or `v -= threshold`")
				}
				o.Body = append(o.Body, update(u))
			}
			out = append(out, o)
		case g.Rest != nil:
			out = append(out, &Refractory{expr(g.Rest.Time), g.Rest.Forever, names(g.Rest.Holds), r})
		default:
			out = append(out, &Output{g.Output, r})
		}
	}
	return out
}

func update(g *gUpdate) *Update {
	return &Update{name(g.Name), g.Op.Value, g.Value, cover(g.Tokens)}
}
