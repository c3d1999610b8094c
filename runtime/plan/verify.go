package plan

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// verify checks what running a plan relies on: values are numbered in order, aliases after what they are part of and inside
// it; each step reads what is there and writes buffers of its own, each buffer once; and what a step or the caller reads has
// not been written over since. It follows the steps over the memory itself and so owes nothing to how places were found.
func (p *Plan) verify() error {
	for i, v := range p.Values {
		if v.ID != i {
			return fmt.Errorf("value %d is called v%d", i, v.ID)
		}
		if err := p.verifyPlace(v); err != nil {
			return fmt.Errorf("v%d: %w", i, err)
		}
	}
	m := &holders{p: p, by: map[pool][]*Value{}, written: map[*Value]bool{}}
	if err := m.run(false); err != nil {
		return err
	}
	for _, o := range slices.Concat(p.Outputs, p.Assigns) {
		if o.Value.Root().Place != Buffer {
			return fmt.Errorf("result %s is in no buffer: %s", o.Name, o.Value.Root().Place)
		}
		if err := m.read(o.Value); err != nil {
			return fmt.Errorf("result %s: %w", o.Name, err)
		}
	}
	// Once more, as a run that need not compute what is fixed.
	if slices.ContainsFunc(p.Steps, func(s *Step) bool { return s.Fixed }) {
		return m.run(true)
	}
	return nil
}

// verifyPlace checks that the memory of a value is where its type says.
func (p *Plan) verifyPlace(v *Value) error {
	switch v.Place {
	case Alias:
		of := v.Of
		switch {
		case of.ID >= v.ID || p.Values[of.ID] != of:
			return fmt.Errorf("an alias of v%d, which does not come before it", of.ID)
		case v.Type.DType != of.Type.DType || v.Type.Batch != of.Type.Batch || v.Type.Size() != of.Type.Size():
			return fmt.Errorf("%s is no part of v%d, which is %s", v.Type, of.ID, of.Type)
		case v.From < 0 || v.From+max(v.Type.Steps, 1) > max(of.Type.Steps, 1):
			return fmt.Errorf("an alias of steps of v%d that it has not", of.ID)
		}
	case Buffer:
		there := map[pool]int{{DType: graph.F32}: p.F32, {DType: graph.I32}: p.I32, {DType: graph.Bit}: p.Bits, {graph.F32, true}: p.Shared}[v.pool()]
		if end := v.Offset + p.Elements(v); v.Offset < 0 || end > there {
			return fmt.Errorf("ends at %d of %d", end, there)
		}
	case Constant:
		if v.Data == nil || !v.Data.Type.Equal(v.Type) {
			return fmt.Errorf("a constant without data of its type")
		}
	}
	return nil
}

// pool is one of the planned memories.
type pool struct {
	graph.DType
	shared bool
}

func (v *Value) pool() pool { return pool{v.Type.DType, v.Shared} }

// holders says whose values the planned memory holds.
type holders struct {
	p       *Plan
	by      map[pool][]*Value // buffers whose memory nobody has written over
	written map[*Value]bool
}

// read reports an error where v is not in memory.
func (m *holders) read(v *Value) error {
	r := v.Root()
	if r.Place == Buffer && !slices.Contains(m.by[r.pool()], r) {
		if m.written[r] {
			return fmt.Errorf("v%d has been written over", r.ID)
		}
		return fmt.Errorf("v%d is not there yet", r.ID)
	}
	return nil
}

// write makes v the holder of its memory.
func (m *holders) write(v *Value) error {
	if v.Place != Buffer {
		return fmt.Errorf("writes v%d, which is no buffer: %s", v.ID, v.Place)
	}
	if m.written[v] {
		return fmt.Errorf("writes v%d once more", v.ID)
	}
	m.written[v] = true
	d, end := v.pool(), v.Offset+m.p.Elements(v)
	m.by[d] = append(slices.DeleteFunc(m.by[d], func(u *Value) bool {
		return u.Offset < end && v.Offset < u.Offset+m.p.Elements(u)
	}), v)
	return nil
}

// run follows the steps, all or those that are not fixed.
func (m *holders) run(again bool) error {
	for i, s := range m.p.Steps {
		if again && s.Fixed {
			continue
		}
		for _, v := range s.Out {
			if again {
				delete(m.written, v)
			}
		}
		for _, v := range s.In {
			if err := m.read(v); err != nil {
				return fmt.Errorf("step %d (%s): %w", i, s.what(), err)
			}
		}
		if s.Opaque != nil {
			for _, v := range slices.Concat(s.In, s.Out) {
				if r := v.Root(); r.Place != Buffer || !r.Shared || r.Type.DType != graph.F32 {
					return fmt.Errorf("step %d (%s): v%d does not lie where a plugin sees it", i, s.what(), v.ID)
				}
			}
		}
		for _, v := range s.Out {
			if err := m.write(v); err != nil {
				return fmt.Errorf("step %d (%s): %w", i, s.what(), err)
			}
		}
		for _, v := range s.Out {
			if u := v.Over; u != nil && (!slices.Contains(s.In, u) || !s.overlays(v, u) || v.Offset != u.Offset) {
				return fmt.Errorf("step %d (%s): v%d cannot be written over v%d", i, s.what(), v.ID, u.ID)
			}
		}
		for _, v := range slices.Concat(s.In, s.Out) { // what is read must last until all is written
			if slices.ContainsFunc(s.Out, func(w *Value) bool { return w.Over == v }) {
				continue // element for element
			}
			if err := m.read(v); err != nil {
				return fmt.Errorf("step %d (%s) in its course: %w", i, s.what(), err)
			}
		}
	}
	return nil
}
