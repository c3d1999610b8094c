package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Chip is a circuit of a network that lies on an emulated chip, which computes it over all time steps of a block of examples at
// once: a function of the inputs and, where the chip draws random numbers, of the examples' seeds, which begins each example at
// rest and treats it by itself. It has no derivative and no state that could be handed on. Only the host makes chips: it neither
// sends them to plugins nor takes them from these.
type Chip struct {
	Name    string
	Circuit string // what it is called where it is compiled
	Steps   int    // time steps of an example; those of the types below
	// Inputs are spikes, bit[T N ...], or currents that are the same at all time steps, f32[N ...]; Outputs are spikes or what is
	// read out after the last step, f32[N ...].
	Inputs, Outputs []Type
}

// Verify checks the declaration: at least one input and one output, of examples, with the chip's time steps or without any.
func (c *Chip) Verify() error {
	if c.Steps < 1 || c.Steps > maxSteps {
		return fmt.Errorf("chip %s: %d time steps", c.Name, c.Steps)
	}
	if len(c.Inputs) == 0 || len(c.Outputs) == 0 {
		return fmt.Errorf("chip %s has %d inputs and %d outputs, and nothing to do", c.Name, len(c.Inputs), len(c.Outputs))
	}
	for _, t := range slices.Concat(c.Inputs, c.Outputs) {
		if spikes := t.DType == Bit && t.Steps == c.Steps; !t.Batch || !spikes && (t.DType != F32 || t.Steps != 0) {
			return fmt.Errorf("chip %s: %v is neither spikes at %d time steps nor numbers without time steps", c.Name, t, c.Steps)
		}
	}
	return nil
}

// ChipSteps returns the time steps that a node runs its chip for: those of the spikes that it takes, else those declared.
func (n *Node) ChipSteps() int {
	for _, v := range n.In {
		if t := v.Type(); t.Steps > 0 {
			return t.Steps
		}
	}
	return n.Chip.Steps
}

// inferChip: the outputs, at as many time steps as the inputs have.
func inferChip(n *Node, _ Env) ([]Type, error) {
	c := n.Chip
	if c == nil {
		return nil, fmt.Errorf("no chip is given")
	}
	if len(n.In) != len(c.Inputs) {
		return nil, fmt.Errorf("%s wants %d inputs, got %d", c.Name, len(c.Inputs), len(n.In))
	}
	steps := n.ChipSteps()
	timed := func(t Type) Type {
		if t.Steps > 0 {
			t.Steps = steps
		}
		return t
	}
	for i, v := range n.In {
		if want := timed(c.Inputs[i]); !v.Type().Equal(want) {
			return nil, fmt.Errorf("%s: input %d is %v, want %v", c.Name, i, v.Type(), want)
		}
	}
	var out []Type
	for _, t := range c.Outputs {
		out = append(out, timed(t))
	}
	return out, nil
}

// OnChip is the error of a gradient through what a chip computes.
type OnChip struct {
	Node *Node // of operator OpChip
}

// Error names the circuit.
func (e *OnChip) Error() string {
	return fmt.Sprintf("gradient: circuit %q lies on a chip and has no derivative; a network is trained before it is put there", e.Node.Chip.Circuit)
}

func (c *Chip) print(w *strings.Builder) {
	fmt.Fprintf(w, "chip %q circuit=%q steps=%d {\n", c.Name, c.Circuit, c.Steps)
	for _, t := range c.Inputs {
		fmt.Fprintf(w, "  input %v\n", t)
	}
	for _, t := range c.Outputs {
		fmt.Fprintf(w, "  output %v\n", t)
	}
	w.WriteString("}\n")
}

func (p *Parser) chip() {
	c := &Chip{Name: p.Quoted()}
	if p.err == nil && p.m.Chip(c.Name) != nil {
		p.Errorf("chip %q stands twice", c.Name)
	}
	p.Want("circuit")
	p.Want("=")
	c.Circuit = p.Quoted()
	p.Want("steps")
	p.Want("=")
	c.Steps = p.Int()
	p.Want("{")
	p.EndLine()
	for p.err == nil {
		switch word := p.Word(); {
		case word == "input" && len(c.Outputs) == 0:
			c.Inputs = append(c.Inputs, p.Type())
		case word == "output":
			c.Outputs = append(c.Outputs, p.Type())
		case word == "}":
			p.EndLine()
			if err := c.Verify(); err != nil {
				p.Errorf("%v", err)
			}
			p.m.Chips = append(p.m.Chips, c)
			return
		default:
			p.Errorf("unknown word %q in a chip, which has inputs and then outputs", word)
		}
		p.EndLine()
	}
}
