package sdk

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"snnc.dev/snnc/plugins/schema"
)

// integrator adds up its input in the state `sum`, which starts at 1, gives the sum, saves the input, and passes gradients on times that.
func integrator() Plugin {
	return Plugin{Opaque: []Opaque{{
		Component: schema.Component{Kind: schema.Neuron, Name: "integrator", Opaque: &schema.Opaque{Gradient: true}},
		Prepare: func(u Use) (Prepared, []schema.Complaint, error) {
			if len(u.Dims) > 2 {
				return Prepared{}, Complain("", "", "no images"), nil
			}
			return Prepared{
				States: []schema.State{{Name: "sum", Start: 1}},
				Saved:  []string{"x"},
				Forward: func(f *Forward) error {
					for t := range f.Steps {
						for i, x := range f.Inputs[0].At(t) {
							f.State[0][i] += x
							f.Output.At(t)[i] = f.State[0][i]
						}
						if f.Saved != nil {
							copy(f.Saved[0].At(t), f.Inputs[0].At(t))
						}
					}
					return nil
				},
				Backward: func(b *Backward) error {
					for t := range b.Steps {
						for i, d := range b.Gradient.At(t) {
							b.Inputs[0].At(t)[i] = d * b.Saved[0].At(t)[i]
						}
					}
					return nil
				},
			}, nil, nil
		},
	}}}
}

// prepared returns what computes integrator under the handle "h" for examples of 2 neurons.
func prepared(t *testing.T) *Operators {
	t.Helper()
	o := integrator().NewOperators()
	r, err := o.Prepare(schema.PrepareRequest{Handle: "h", Component: "integrator", Dims: []int{2, 1}})
	if err != nil || !slices.Equal(r.States, []schema.State{{Name: "sum", Start: 1}}) || !slices.Equal(r.Saved, []string{"x"}) {
		t.Fatalf("%+v %v", r, err)
	}
	return o
}

// A call reads and writes the examples that it is about, of all operands, and nothing else of the arena; states that are given and
// wanted are read and written, and left alone where they are not.
func TestOperators(t *testing.T) {
	o := prepared(t)
	const steps, batch, row = 2, 3, 3 * 2
	nan := float32(math.NaN())
	arena := slices.Repeat([]float32{nan}, 7*steps*row)
	place := func(k int) int { return 4 * k * steps * row }
	input := arena[:steps*row]
	for i := range input {
		input[i] = float32(i)
	}
	at := schema.Operands{Handle: "h", Steps: steps, Batch: batch, First: 1, Count: 1}
	untouched := func(from int, written ...int) {
		t.Helper()
		for i, v := range arena[from:] {
			if v == v != slices.Contains(written, from+i) {
				t.Errorf("number %d is %v", from+i, v)
			}
		}
	}
	out := steps * row // the output's first number; example 1 has numbers 2 and 3 of each step's 6
	if err := o.Forward(arena, schema.ForwardRequest{Operands: at, Inputs: []int{0}, Output: place(1)}); err != nil {
		t.Fatal(err)
	}
	untouched(out, out+2, out+3, out+8, out+9)
	if got := []float32{arena[out+2], arena[out+3], arena[out+8], arena[out+9]}; !slices.Equal(got, []float32{3, 4, 11, 13}) { // 1 + 2, then + 8 ...
		t.Errorf("%v", got)
	}
	// Once more from given states, which stay, with all results.
	state := arena[3*steps*row:][:row]
	copy(state, []float32{0, 0, 100, 200, 0, 0})
	if err := o.Forward(arena, schema.ForwardRequest{Operands: at, Inputs: []int{0}, Output: place(1), State: []int{place(3)}, Saved: []int{place(2)}, Next: []int{place(4)}}); err != nil {
		t.Fatal(err)
	}
	if next := arena[4*steps*row:]; state[2] != 100 || next[2] != 110 || next[3] != 212 || next[1] == next[1] {
		t.Errorf("states %v then %v", state, next[:row])
	}
	gradient := arena[5*steps*row:][:steps*row]
	for i := range gradient {
		gradient[i] = 10
	}
	if err := o.Backward(arena, schema.BackwardRequest{Operands: at, Saved: []int{place(2)}, Gradient: place(5), Inputs: []int{place(6)}}); err != nil {
		t.Fatal(err)
	}
	dx := 6 * steps * row
	untouched(dx, dx+2, dx+3, dx+8, dx+9)
	if got := []float32{arena[dx+2], arena[dx+9]}; !slices.Equal(got, []float32{20, 90}) {
		t.Errorf("%v", got)
	}
}

// A request that makes no sense is an error and touches nothing; an unknown handle is told apart, and one that was released is unknown.
func TestOperatorsRefuse(t *testing.T) {
	o := prepared(t)
	arena := make([]float32, 24)
	right := schema.ForwardRequest{Operands: schema.Operands{Handle: "h", Steps: 2, Batch: 3, Count: 3}, Inputs: []int{0}, Output: 48}
	if err := o.Forward(arena, right); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(q *schema.ForwardRequest){
		"lies at 52 to 100 of an arena of 96 bytes": func(q *schema.ForwardRequest) { q.Output = 52 },
		"lies at -4":                        func(q *schema.ForwardRequest) { q.Inputs = []int{-4} },
		"lies at 49":                        func(q *schema.ForwardRequest) { q.Output = 49 },
		"examples 1 to 4 of 3":              func(q *schema.ForwardRequest) { q.First = 1 },
		"over 0 time steps":                 func(q *schema.ForwardRequest) { q.Steps = 0 },
		"2 inputs, 0 states":                func(q *schema.ForwardRequest) { q.Inputs = []int{0, 0} },
		"1 inputs, 2 states":                func(q *schema.ForwardRequest) { q.State = []int{0, 0} },
		`prepared under the handle "other"`: func(q *schema.ForwardRequest) { q.Handle = "other" },
	} {
		q := right
		spoil(&q)
		code := codes.InvalidArgument
		if q.Handle != right.Handle {
			code = codes.NotFound
		}
		if err := o.Forward(arena, q); status.Code(err) != code || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	back := schema.BackwardRequest{Operands: right.Operands, Saved: []int{0}, Gradient: 48}
	if err := o.Backward(arena, back); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "1 saved and 0 inputs") {
		t.Error(err)
	}
	o.Release(schema.ReleaseRequest{Handle: "h"})
	if err := o.Forward(arena, right); status.Code(err) != codes.NotFound {
		t.Errorf("a handle that was released: %v", err)
	}
	if _, err := o.Prepare(schema.PrepareRequest{Component: "nosuch"}); err == nil {
		t.Error("a component that is not there is prepared")
	}
	if r, err := o.Prepare(schema.PrepareRequest{Handle: "i", Component: "integrator", Dims: []int{1, 1, 1}}); err != nil || len(r.Complaints) != 1 {
		t.Errorf("%+v %v", r, err)
	}
	for want, change := range map[string]func(*Opaque){
		"it has a Backward, and no `gradient` in its description": func(o *Opaque) { o.Component.Opaque.Gradient = false },
		"it has `gradient` in its description, and no Backward": func(o *Opaque) {
			whole := o.Prepare
			o.Prepare = func(u Use) (Prepared, []schema.Complaint, error) {
				p, complaints, err := whole(u)
				p.Backward = nil
				return p, complaints, err
			}
		},
		"in Plugin.Opaque has no Prepare": func(o *Opaque) { o.Prepare = nil },
		"what is stands in Plugin.Opaque": func(o *Opaque) { o.Component.Opaque = nil },
	} {
		p := integrator()
		change(&p.Opaque[0])
		if _, err := p.NewOperators().Prepare(schema.PrepareRequest{Component: "integrator", Dims: []int{1}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

// An arena is mapped once, shared with who wrote the file, and given up when that is gone; a file of another size is refused.
func TestArenas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arena")
	if err := os.WriteFile(path, make([]byte, 64), 0o600); err != nil {
		t.Fatal(err)
	}
	var a arenas
	var first *float32
	write := func(q schema.Operands) error {
		return a.with(q.Arena, q.Bytes, func(x []float32) error {
			if len(x) != 16 {
				t.Errorf("%d numbers", len(x))
			}
			if first == nil {
				first = unsafe.SliceData(x)
			}
			if first != unsafe.SliceData(x) {
				t.Error("it is mapped twice")
			}
			x[3]++
			return nil
		})
	}
	for range 2 {
		if err := write(schema.Operands{Arena: path, Bytes: 64}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || text[15] != 0x40 || text[14] != 0 { // 2 in float32
		t.Errorf("%x %v", text, err)
	}
	bad := errors.New("mine")
	if err := a.with(path, 64, func([]float32) error { return bad }); err != bad {
		t.Error(err)
	}
	if err := write(schema.Operands{Arena: path, Bytes: 32}); err == nil {
		t.Error("an arena changes its size")
	}
	other := filepath.Join(filepath.Dir(path), "other")
	if err := os.WriteFile(other, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(schema.Operands{Arena: other, Bytes: 64}); err == nil || !strings.Contains(err.Error(), "has 32 bytes, not 64") {
		t.Errorf("a file that is too short: %v", err)
	}
	os.Remove(path)
	a.sweep()
	if len(a.open) != 0 {
		t.Error("the mapping of a file that is gone is kept")
	}
}

// Calls use the memory of states again, whatever the number of their examples, and begin with states at their start all the same. Some of
// that memory may be collected meanwhile, and under the race detector a quarter is.
func TestOperatorsStates(t *testing.T) {
	o := prepared(t)
	const batch, rounds = 16384, 20
	arena := make([]float32, 2*2*batch)
	for i := range 2 * batch {
		arena[i] = 3
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		for _, count := range []int{batch, batch / 2} {
			clear(arena[2*batch:])
			q := schema.ForwardRequest{Operands: schema.Operands{Handle: "h", Steps: 1, Batch: batch, Count: count}, Inputs: []int{0}, Output: 8 * batch}
			if err := o.Forward(arena, q); err != nil {
				t.Fatal(err)
			}
			if y := arena[2*batch:][:2*count]; slices.ContainsFunc(y, func(v float32) bool { return v != 4 }) {
				t.Fatal("a state does not begin at its start")
			}
		}
	}
	runtime.ReadMemStats(&after)
	state := uint64(4 * 2 * batch)
	if had := after.TotalAlloc - before.TotalAlloc; had > rounds*state {
		t.Errorf("%d calls take %d bytes; their states have %d", 2*rounds, had, rounds*state*3/2)
	}
}
