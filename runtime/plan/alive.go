package plan

import "snnc.dev/snnc/runtime/graph"

// Alive returns the buffers that hold a value while step i runs: those that a step up to it gives and it or one after it, or the
// caller, reads.
func (p *Plan) Alive(i int) []*Value {
	var vs []*Value
	for _, v := range p.Values {
		if v.Place == Buffer && v.first <= i && i <= v.last && !p.covered(v, i) {
			vs = append(vs, v)
		}
	}
	return vs
}

// covered reports whether step i writes another value over v.
func (p *Plan) covered(v *Value, i int) bool {
	for _, w := range p.Steps[i].Out {
		if w.Over == v {
			return true
		}
	}
	return false
}

// Peak returns the step during which the most bytes are alive, and how many; -1 for a plan without steps. Bytes is at least
// that many, and more where values cannot be placed without gaps.
func (p *Plan) Peak() (step, bytes int) {
	step = -1
	for i := range p.Steps {
		sum := 0
		for _, v := range p.Alive(i) {
			sum += p.bytes(v)
		}
		if step < 0 || sum > bytes {
			step, bytes = i, sum
		}
	}
	return step, bytes
}

func (p *Plan) bytes(v *Value) int {
	if v.Type.DType == graph.Bit {
		return 8 * p.Elements(v)
	}
	return 4 * p.Elements(v)
}

// Turn returns the first step of the way back, len(Steps) where the plan has none: the first derivative of an equation, by
// weights, or of a pooling.
func (p *Plan) Turn() int {
	for i, s := range p.Steps {
		if s.Equation != nil && s.Equation.Gradient || s.Node != nil && gradient(s.Node) {
			return i
		}
	}
	return len(p.Steps)
}

// Kept returns the buffers that are kept for the way back: given before it and read in it.
func (p *Plan) Kept() map[*Value]bool {
	kept, turn := map[*Value]bool{}, p.Turn()
	for _, v := range p.Values {
		if v.Place == Buffer && v.first < turn && turn <= v.last && v.last < len(p.Steps) {
			kept[v] = true
		}
	}
	return kept
}
