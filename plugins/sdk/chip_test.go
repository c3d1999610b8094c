package sdk_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// laid is an arena with blocks of a circuit, one behind the other, and the request that names them.
func laid(n circuittest.Net, b circuit.Block, taps bool) ([]float32, schema.EmulateRequest) {
	q := schema.EmulateRequest{Handle: "net", Circuit: n.Circuit.Name, Steps: b.Steps, Batch: b.Examples, Count: b.Examples}
	var arena []float32
	for _, x := range b.Inputs {
		q.Inputs = append(q.Inputs, 4*len(arena))
		arena = append(arena, x...)
	}
	for _, p := range n.Circuit.Populations {
		size := b.Examples * circuit.Size(p.Dims)
		if !p.Reads {
			size *= b.Steps
		}
		if p.Gives {
			q.Outputs = append(q.Outputs, 4*len(arena))
			arena = append(arena, make([]float32, size)...)
		}
		if taps && !p.Reads {
			q.Taps = append(q.Taps, 4*len(arena))
			arena = append(arena, make([]float32, size)...)
		}
	}
	return arena, q
}

// Examples that several calls compute are those of one call; what is written lies within the examples of a call.
func TestChips(t *testing.T) {
	chips := circuittest.Plugin().NewChips()
	for seed := range uint64(10) {
		n := circuittest.Random(seed, circuittest.Options{NoOnce: true})
		q := n.Request("ideal", nil)
		if r, err := chips.Compile(n.Arena, q); err != nil || !r.Fits {
			t.Fatal(r, err)
		}
		b := n.Block(seed, 5)
		whole, at := laid(n, b, true)
		if _, err := chips.Emulate(whole, at); err != nil {
			t.Fatal(err)
		}
		parts, at := laid(n, b, true)
		for _, x := range [][2]int{{3, 2}, {0, 1}, {1, 2}} {
			at.First, at.Count = x[0], x[1]
			if _, err := chips.Emulate(parts, at); err != nil {
				t.Fatal(err)
			}
		}
		for i := range whole {
			if whole[i] != parts[i] {
				t.Fatalf("seed %d: number %d is %v at once, and %v in parts", seed, i, whole[i], parts[i])
			}
		}
	}
	chips.Release(schema.ReleaseRequest{Handle: "net"})
	if _, err := chips.Emulate(nil, schema.EmulateRequest{Handle: "net"}); status.Code(err) != codes.NotFound {
		t.Errorf("released: %v", err)
	}
}

// Calls that are not about operands of the circuit are refused with what the protocol has for that.
func TestChipsOperands(t *testing.T) {
	chips := circuittest.Plugin().NewChips()
	n := circuittest.Random(2, circuittest.Options{NoOnce: true, NoReadOut: true})
	if _, err := chips.Compile(n.Arena, n.Request("ideal", nil)); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(q *schema.EmulateRequest){
		"no circuit":                 func(q *schema.EmulateRequest) { q.Circuit = "other" },
		"examples -1 to":             func(q *schema.EmulateRequest) { q.First = -1 },
		"examples 0 to 4 of 3":       func(q *schema.EmulateRequest) { q.Count = 4 },
		"over 0 time steps":          func(q *schema.EmulateRequest) { q.Steps = 0 },
		"are not the operands":       func(q *schema.EmulateRequest) { q.Inputs = nil },
		"1 taps":                     func(q *schema.EmulateRequest) { q.Taps = []int{0} },
		"and 1 seeds":                func(q *schema.EmulateRequest) { q.Seeds = []uint64{1} },
		"an operand lies at 2":       func(q *schema.EmulateRequest) { q.Outputs[0] = 2 },
		"an operand lies at -4":      func(q *schema.EmulateRequest) { q.Outputs[0] = -4 },
		"an operand lies at 1073741": func(q *schema.EmulateRequest) { q.Inputs[0] = 1 << 30 },
		"are more than":              func(q *schema.EmulateRequest) { q.Batch = 1 << 60 },
		"over 4611686018427387904":   func(q *schema.EmulateRequest) { q.Steps = 1 << 62 },
	} {
		if says == "1 taps" && len(n.Circuit.Populations) == 1 {
			t.Fatal("a circuit of several populations is needed")
		}
		arena, q := laid(n, n.Block(1, 3), true)
		change(&q)
		if _, err := chips.Emulate(arena, q); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, and nothing of %q", err, says)
		}
	}
	example := func(circuit string, at ...int) []schema.Example {
		return []schema.Example{{Circuit: circuit, Steps: 1, Inputs: at}}
	}
	first := make([]int, len(n.Circuit.Inputs))
	for says, q := range map[string]schema.ExportRequest{
		`no circuit "other"`:      {Handle: "net", Offsets: []int{0}, Examples: example("other")},
		"are not the operands":    {Handle: "net", Offsets: []int{0}, Examples: example("net")},
		"lies at 1099511627776":   {Handle: "net", Offsets: []int{0}, Examples: example("net", append([]int{1 << 40}, first[1:]...)...)},
		"two examples of circuit": {Handle: "net", Offsets: []int{0}, Examples: append(example("net", first...), example("net", first...)...)},
	} {
		if _, err := chips.Export(n.Arena, q); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	for says, q := range map[string]schema.ExportRequest{"0 offsets": {Handle: "net"}, "lies at": {Handle: "net", Offsets: []int{1 << 40}}} {
		if _, err := chips.Export(n.Arena, q); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, and nothing of %q", err, says)
		}
	}
	for _, x := range []schema.NamedTensor{{DType: "F64", Dims: []int{1}}, {DType: "I8", Dims: []int{-1}}, {DType: "I8", Dims: []int{5}}, {DType: "I8", Dims: []int{1 << 62}}} {
		if _, err := chips.Trace(make([]float32, 1), schema.TraceRequest{Component: "ideal", Tensors: []schema.NamedTensor{x}, Offsets: []int{0}}); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", x, err)
		}
	}
}

// fake is a chip that exports what it is told.
type fake struct {
	tensors [][]byte
	err     error
}

func (f fake) Emulate(*sdk.Block) (schema.EmulateReply, error) { return schema.EmulateReply{}, f.err }
func (f fake) Export(...*sdk.Block) (string, [][]byte, error)  { return "{}", f.tensors, f.err }

// What a target's author has wrong is told how.
func TestChipsFaults(t *testing.T) {
	n := circuittest.Random(3, circuittest.Options{})
	of := func(x sdk.Target) *sdk.Chips {
		x.Component = schema.Component{Name: "t"}
		return sdk.Plugin{Targets: []sdk.Target{x}}.NewChips()
	}
	compile := func(chip sdk.Chip, r schema.CompileReply, err error) sdk.Target {
		return sdk.Target{Compile: func(schema.CompileRequest, sdk.Weights) (sdk.Chip, schema.CompileReply, error) { return chip, r, err }}
	}
	fits := schema.CompileReply{TargetReply: schema.TargetReply{Fits: true}, Tensors: []schema.NamedTensor{{Name: "w", DType: "I16", Dims: []int{3}}}}
	said := func(err error, says string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, and nothing of %q", err, says)
		}
	}
	_, err := of(sdk.Target{}).Check(schema.TargetRequest{Component: "t"})
	said(err, `target "t" has no Check`)
	_, err = of(sdk.Target{}).Check(schema.TargetRequest{Component: "u"})
	said(err, `there is no target "u"`)
	_, err = of(sdk.Target{}).Compile(n.Arena, n.Request("t", nil))
	said(err, "it has no Compile")
	_, err = of(sdk.Target{}).Trace(nil, schema.TraceRequest{Component: "t"})
	said(err, "it has no Trace")
	_, err = of(compile(nil, fits, nil)).Compile(n.Arena, n.Request("t", nil))
	said(err, "gives no Chip")
	_, err = of(compile(nil, fits, errors.New("the moon is full"))).Compile(n.Arena, n.Request("t", nil))
	said(err, "the moon is full")
	for says, f := range map[string]fake{"0 tensors, and Compile named 1": {}, "has 5 bytes, and I16 of [3] has 6": {tensors: [][]byte{make([]byte, 5)}}, "the moon": {err: errors.New("the moon is full")}} {
		chips := of(compile(f, fits, nil))
		if _, err := chips.Compile(n.Arena, n.Request("t", nil)); err != nil {
			t.Fatal(err)
		}
		_, err := chips.Export(n.Arena, schema.ExportRequest{Handle: "net", Offsets: []int{0}})
		said(err, says)
	}
	// A chip that does not fit is not kept, and takes what had its handle before with it.
	chips := of(compile(fake{}, schema.CompileReply{}, nil))
	if _, err := chips.Compile(n.Arena, n.Request("t", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := chips.Export(n.Arena, schema.ExportRequest{Handle: "net"}); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
}
