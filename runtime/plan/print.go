package plan

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

var placeNames = [...]string{"buffer", "input", "variable", "constant", "alias"}

// String returns the name of the place.
func (p Place) String() string { return placeNames[p] }

// Print returns the plan as text: every step with what is fused in it, and every value with its layout and memory.
func (p *Plan) Print() string {
	var b strings.Builder
	shared := ""
	if p.Shared > 0 {
		shared = fmt.Sprintf(", shared with plugins %d", 4*p.Shared)
	}
	fmt.Fprintf(&b, "plan %s: batch %d, %d steps, %d bytes (f32 %d, i32 %d, bits %d%s)\n", p.Name, p.Batch, len(p.Steps), p.Bytes(),
		4*p.F32, 4*p.I32, 8*p.Bits, shared)
	for _, pass := range p.Passes {
		if len(pass.Places) > 0 {
			fmt.Fprintln(&b, strings.Join(append([]string{fmt.Sprintf("pass %s: %d", pass.Name, len(pass.Places))}, pass.Layers()...), " "))
		}
	}
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%4d  %s", i, s.what())
		if s.Fixed {
			b.WriteString("  (once)")
		}
		if s.Layer != "" {
			fmt.Fprintf(&b, "  # %s", s.Layer)
		}
		b.WriteByte('\n')
		if names := numbers(s.In); names != "" {
			fmt.Fprintf(&b, "        of %s\n", names)
		}
		for _, v := range s.Out {
			fmt.Fprintf(&b, "        %s\n", p.describe(v))
		}
	}
	b.WriteString("values outside steps\n")
	for _, v := range p.Values {
		if v.Place != Buffer {
			fmt.Fprintf(&b, "        %s\n", p.describe(v))
		}
	}
	for _, o := range p.Outputs {
		fmt.Fprintf(&b, "return %s = v%d\n", o.Name, o.Value.ID)
	}
	for _, o := range p.Assigns {
		fmt.Fprintf(&b, "assign %s = v%d\n", o.Name, o.Value.ID)
	}
	return b.String()
}

func numbers(vs []*Value) string {
	var names []string
	for _, v := range vs {
		names = append(names, fmt.Sprintf("v%d", v.ID))
	}
	return strings.Join(names, " ")
}

// describe says what a value is and where it lies.
func (p *Plan) describe(v *Value) string {
	s := fmt.Sprintf("v%d %s %s", v.ID, v.Source, tensor.Layout(v.Type))
	size := tensor.Bytes(v.Type, p.Batch)
	switch v.Place {
	case Buffer:
		unit := 4
		if v.Type.DType == graph.Bit {
			unit = 8
		}
		over := ""
		if v.Over != nil {
			over = fmt.Sprintf(" over v%d", v.Over.ID)
		}
		memory := v.Type.DType.String()
		if v.Shared {
			memory = "shared"
		}
		return fmt.Sprintf("%s at %s+%d, %d bytes%s", s, memory, unit*v.Offset, size, over)
	case Alias:
		return fmt.Sprintf("%s in v%d from step %d", s, v.Of.ID, v.From)
	case Constant:
		return fmt.Sprintf("%s, %d bytes", s, size)
	}
	return fmt.Sprintf("%s %s %q, %d bytes", s, v.Place, v.Name, size)
}

// kinds names sums.
func kinds(sums []Sum) (text string) {
	for _, x := range sums {
		text += " " + [...]string{"sum", "mean", "moments"}[x.Kind]
	}
	return text
}

// what says what a step does.
func (s *Step) what() string {
	switch {
	case s.Loop != nil:
		return "loop [" + codes(s.Loop.Code) + "]" + kinds(s.Loop.Sums)
	case s.Equation != nil:
		q := s.Equation
		text := fmt.Sprintf("equation %q T%d [%s]", q.Name, q.Steps, codes(q.Forward))
		if q.Gradient {
			text = fmt.Sprintf("derivative of equation %q T%d [%s] back [%s]", q.Name, q.Steps, codes(q.Forward), codes(q.Backward)) + kinds(q.Sums)
		}
		if q.Temporal != nil {
			text += " temporal"
		}
		return text
	case s.Move != nil:
		return fmt.Sprintf("move of %d parts", len(s.Move.Parts))
	case s.Opaque != nil:
		return fmt.Sprintf("%s %q", s.Node.Op, s.Node.Opaque.Component)
	case s.Node.Chip != nil:
		return fmt.Sprintf("%s %q", s.Node.Op, s.Node.Chip.Circuit)
	case s.Moments != nil:
		return string(s.Node.Op) + " moments"
	}
	return string(s.Node.Op)
}

func codes(code []Instr) string {
	var names []string
	for _, c := range code {
		names = append(names, c.Code.String())
	}
	return strings.Join(names, " ")
}
