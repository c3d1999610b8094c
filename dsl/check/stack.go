package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// pushed is a wire on a stack; poison where it is not known.
type pushed struct {
	value value
	at    diag.Range
}

// stack returns the name of the stack that push and pop are given.
func (b *builder) stack(r *dsl.Ref) (string, bool) {
	if len(r.Args) == 1 && r.Args[0].Name.Text == "" {
		if ref := reference(r.Args[0].Value); ref != nil && !ref.Called {
			return ref.Name.Text, true
		}
	}
	b.c.fail(diag.BadArguments, r.Range, fmt.Sprintf("write `%s(skips)`", r.Name.Text), "`%s` takes the name of a stack", r.Name.Text)
	return "", false
}

func (b *builder) push(v value, r *dsl.Ref, s *scope) value {
	name, ok := b.stack(r)
	if !ok {
		s.guess = true
		return v
	}
	s.stacks[name] = append(s.stacks[name], pushed{v, r.Range})
	return v
}

func (b *builder) pop(r *dsl.Ref, s *scope) value {
	name, ok := b.stack(r)
	if !ok {
		s.guess = true
		return value{}
	}
	stack := s.stacks[name]
	if len(stack) == 0 {
		if !s.guess {
			help := "push as often as you pop"
			if len(s.stacks) > 0 {
				if near := diag.Nearest(name, slices.Sorted(maps.Keys(s.stacks))); near != "" && near != name {
					help = fmt.Sprintf("did you mean `%s`?", near)
				}
			}
			b.c.fail(diag.BadStack, r.Range, help, "stack `%s` is empty here", name)
		}
		s.guess = true
		return value{}
	}
	s.stacks[name] = stack[:len(stack)-1]
	return stack[len(stack)-1].value
}

// emptied checks that the stacks of a body are empty at its end.
func (b *builder) emptied(s *scope) {
	if s.guess || b.c.work > maxWork {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.stacks)) {
		if stack := s.stacks[name]; len(stack) > 0 {
			b.c.fail(diag.BadStack, stack[len(stack)-1].at, fmt.Sprintf("take it by `pop(%s)`, or leave this `push` out", name), "stack `%s` is not empty at the end of its body, %d left", name, len(stack))
		}
	}
}
