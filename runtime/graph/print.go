package graph

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Print returns the canonical text of m, headed `graph 1`. Parse reads it back.
func (m *Module) Print() string {
	var w strings.Builder
	w.WriteString("graph 1\n")
	m.PrintBody(&w)
	return w.String()
}

// PrintBody writes variables, equations, opaque operators, chips and functions without the heading.
func (m *Module) PrintBody(w *strings.Builder) {
	for _, v := range m.Variables {
		fmt.Fprintf(w, "\nvariable %q %v %v %s(%s, %s)", v.Name, v.Type, v.Kind, v.Init.Kind, real(v.Init.A), real(v.Init.B))
		if v.Range != (Range{}) {
			fmt.Fprintf(w, " in (%s, %s)", real(v.Range.Low), real(v.Range.High))
		}
		if v.Of != "" {
			fmt.Fprintf(w, " of %q", v.Of)
		}
	}
	if len(m.Variables) > 0 {
		w.WriteByte('\n')
	}
	for _, e := range m.Equations {
		w.WriteByte('\n')
		e.print(w)
	}
	for _, o := range m.Opaques {
		w.WriteByte('\n')
		o.print(w)
	}
	for _, c := range m.Chips {
		w.WriteByte('\n')
		c.print(w)
	}
	for _, g := range m.Functions {
		w.WriteByte('\n')
		g.print(w)
	}
}

// String returns the text of the function alone.
func (g *Graph) String() string {
	var w strings.Builder
	g.print(&w)
	return w.String()
}

func (g *Graph) print(w *strings.Builder) {
	g.Number()
	fmt.Fprintf(w, "function %s(", g.Name)
	for i, n := range g.Inputs {
		if i > 0 {
			w.WriteString(", ")
		}
		fmt.Fprintf(w, "%s: %v", n.Text("name"), n.Out[0])
	}
	w.WriteString(")")
	if g.FreeSteps {
		w.WriteString(" free-steps")
	}
	w.WriteString(" {\n")
	names := g.printNodes(w)
	w.WriteString("  return")
	for i, o := range g.Outputs {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, " %s = %s", o.Name, names(o.Value))
	}
	w.WriteString("\n}\n")
}

// printNodes writes the nodes numbered from 0 and returns how values are called.
func (g *Graph) printNodes(w *strings.Builder) func(Value) string {
	number := make(map[*Node]int, len(g.Nodes))
	name := func(v Value) string {
		if v.Node.Op == OpInput {
			return "%" + v.Node.Text("name")
		}
		s := "%" + strconv.Itoa(number[v.Node])
		if len(v.Node.Out) > 1 {
			s += "." + strconv.Itoa(v.Index)
		}
		return s
	}
	for _, n := range g.Nodes {
		if n.Op == OpInput {
			continue
		}
		number[n] = len(number)
		w.WriteString("  ")
		if len(n.Out) > 0 {
			fmt.Fprintf(w, "%%%d = ", number[n])
		}
		w.WriteString(string(n.Op))
		if n.Equation != nil {
			fmt.Fprintf(w, " %q", n.Equation.Name)
		}
		if n.Opaque != nil {
			fmt.Fprintf(w, " %q", n.Opaque.Name)
		}
		if n.Chip != nil {
			fmt.Fprintf(w, " %q", n.Chip.Name)
		}
		for _, v := range n.In {
			w.WriteByte(' ')
			w.WriteString(name(v))
		}
		keys := make([]string, 0, len(n.Attrs))
		for k := range n.Attrs {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(w, " %s=%s", k, attrText(n.Attrs[k]))
		}
		if len(n.Out) > 0 {
			w.WriteString(" :")
			for _, t := range n.Out {
				w.WriteByte(' ')
				w.WriteString(t.String())
			}
		}
		w.WriteByte('\n')
	}
	return name
}

func (e *Equation) print(w *strings.Builder) {
	e.Step.Number()
	fmt.Fprintf(w, "equation %q", e.Name)
	if e.Spikes {
		w.WriteString(" spikes")
	}
	if e.Once {
		w.WriteString(" once")
	}
	if t := e.Temporal; t != nil {
		w.WriteString(" temporal")
		if t.Open {
			w.WriteString(" open")
		}
		if t.Normalize {
			w.WriteString(" normalize")
		}
	}
	w.WriteString(" {\n")
	for _, s := range e.Inputs {
		fmt.Fprintf(w, "  input %s\n", s)
	}
	for _, s := range e.Params {
		fmt.Fprintf(w, "  param %s\n", s)
	}
	for _, s := range e.States {
		fmt.Fprintf(w, "  state %s = %s\n", s.Name, real(s.Start))
	}
	names := e.Step.printNodes(w)
	for i, o := range e.Step.Outputs {
		if i == 0 {
			fmt.Fprintf(w, "  emit %s\n", names(o.Value))
		} else {
			fmt.Fprintf(w, "  next %s %s\n", o.Name, names(o.Value))
		}
	}
	w.WriteString("}\n")
}

// real renders a float so that it reads back to the same bits and is seen to be no int.
func real(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

func attrText(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case float64:
		return real(v)
	case string:
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case []int:
		return fmt.Sprint(v)
	case []float64:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = real(x)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case Axis:
		return v.String()
	case Axes:
		return v.String()
	}
	return fmt.Sprintf("?%T", v)
}
