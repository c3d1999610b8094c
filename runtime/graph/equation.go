package graph

import "fmt"

// Backward returns the derivative of one time step of e as a graph: its inputs are those of Step, then "d.emit" and
// "d.NAME" for the next value of each state; its outputs are "d.NAME" for every input of Step, in order. A derivative of
// the whole sequence runs Step forward over all time steps and then this graph from the last step to the first, handing
// the outputs of the states on as the next (earlier) step's "d.NAME" inputs. Temporal is the caller's business.
func (e *Equation) Backward() (*Graph, error) {
	b := NewBuilder("backward", nil)
	b.g = e.Step.Clone()
	b.g.Name = "backward"
	outs := b.g.Outputs
	b.g.Outputs = nil
	ins := make([]Value, len(b.g.Inputs))
	for i, n := range b.g.Inputs {
		ins[i] = Value{n, 0}
	}
	loss := b.Const(0)
	for _, o := range outs {
		loss = b.Add(loss, b.Mul(b.Input("d."+o.Name, Scalar()), o.Value))
	}
	grads := Gradient(b, loss, ins)
	for i, g := range grads {
		b.Output("d."+e.Step.Inputs[i].Text("name"), g)
	}
	g, err := b.Finish()
	if err != nil {
		return nil, fmt.Errorf("differentiate the step of %s: %w", e.Name, err)
	}
	return g, nil
}
