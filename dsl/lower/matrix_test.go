package lower_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/runtime/program"
)

// wires are what may flow into a layer: how a network at a fixed number of steps gets it from its parameters, and whether one
// that works at any number has it as a parameter.
var wires = []struct{ kind, fixed string }{
	{"real", "x"},
	{"signal", "x -> encode(now)"},
	{"spikes", "x -> encode(now) -> fire"},
	{"times", "x -> encode(now) -> once"},
	{"tokens", "k"},
	{"step", "s"},
}

// Whatever flows into a layer: where the checker finds that the layer takes it, the graph has the type that the checker found,
// layer by layer, in train and in eval mode, at a fixed number of steps and at any.
func TestEveryLayerOnEveryWire(t *testing.T) {
	flows := []string{
		"conv(6, kernel = 3)", "conv(6, kernel = 2, stride = 2, pad = 0, bias = false)", "conv(6, kernel = 1, width = 3, stride = 2)", "deconv(6, kernel = 3, stride = 2)", "linear(6)", "project(6)", "project(4)",
		"batchnorm", "batchnorm(scale = 0.5, over = step)", "groupnorm(2)", "layernorm", "attention(heads = 2)",
		"dropout(0.5)", "dropout(0)", "dropout(1)", "maxpool(2)", "avgpool(2)", "avgpool(3)", "maxpool(3, stride = 2, pad = 1)", "avgpool(3, stride = 2, pad = 1)", "upsample(2)",
		"flatten", "reshape(2, 2)", "reshape(8, 2, 4)", "expand(2, 2)", "sinusoid(6)", "embedding(6, 5)", "raw",
		"relu", "leaky_relu", "swish", "gelu", "sigmoid", "tanh", "softmax",
		"fire", "once", "trained", "readout", "noisy", "two(current = OTHER)", "encode(now)", "encode(bright)", "decode(total)", "decode(bright)",
	}
	sums := []string{"IN + 2", "2 - IN", "IN * 0.5", "1 / IN", "-IN", "IN + OTHER", "IN - OTHER", "IN * OTHER", "IN / OTHER", "concat(IN, OTHER)", "concat(IN, OTHER, IN)"}
	const head = `snn 1
neuron fire {
    input x
    state v = 0
    v = 0.5 * v + x
    spike when v >= 1
    on spike { v = 0 }
}
neuron once(threshold: real = 1) {
    input x
    state v = 0
    v += x
    spike when v >= threshold
    refractory forever
}
neuron trained(leak: real = 0.5 trainable per channel) {
    input x
    state v = 0
    v = leak * v + x
    spike when v >= 1
}
neuron readout {
    input x
    state v = 0
    v = 0.5 * v + x
    output v
}
neuron noisy {
    input x
    noise n = normal(0, 1)
    spike when x > n
}
neuron two {
    input x, current
    spike when x > current
}
coder now(steps: int = 4) { encode x { output x } }
coder total {
    decode x {
        state sum = 0
        sum += x
        output sum / steps
    }
}
coder bright(steps: int = 4) {
    encode x { spike when t == floor((1 - x) * steps) }
    decode x {
        state first = steps
        first = min(first, where(x, t, steps))
        output 1 - first / steps
    }
}
`
	taken := map[string][]string{}
	for _, dims := range []string{"4, 4, 4", "4"} {
		for i, in := range wires {
			for j, other := range wires {
				if i != j && dims != "4" {
					continue
				}
				for _, free := range []bool{false, true} {
					var bodies []string
					for _, f := range flows {
						if strings.Contains(f, "OTHER") || i == j {
							bodies = append(bodies, "IN -> "+f)
						}
					}
					for _, f := range sums {
						if strings.Contains(f, "OTHER") || i == j {
							bodies = append(bodies, f)
						}
					}
					params := []string{"x: real[DIMS]", "k: tokens[DIMS]", "s: step"}
					lines := "    a = " + in.fixed + "\n    b = " + other.fixed
					if free {
						params = append(params, "signals: signal[DIMS]", "spikes: spikes[DIMS]", "times: times[DIMS]")
						names := []string{"x", "signals", "spikes", "times", "k", "s"}
						lines = "    a = " + names[i] + "\n    b = " + names[j]
					}
					for _, body := range bodies {
						place := fmt.Sprintf("%s [%s] free: %v, other %s: %s", in.kind, dims, free, other.kind, body)
						n := layer(t, head, strings.Join(params, ", "), lines, body, dims)
						if n == nil {
							continue
						}
						if fixed := !free || strings.Contains(body, "encode"); n.FreeSteps == fixed {
							t.Fatalf("%s: free steps: %v", place, n.FreeSteps)
						}
						m, found := lower.Network(n, 3)
						if found.HasErrors() {
							t.Errorf("%s: %s", place, found[0].Summary)
							continue
						}
						verified(t, m)
						want := lower.Type(n.Result, max(n.Steps, 3*b2i(n.FreeSteps)))
						for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
							if got := m.Function(mode).Outputs[0].Value.Type(); !got.Equal(want) {
								t.Errorf("%s: %s gives %v, want %v", place, mode, got, want)
							}
						}
						taken[body] = append(taken[body], in.kind)
					}
				}
			}
		}
	}
	// What takes numbers takes all of them; the others are the business of one kind of wire.
	numbers := []string{"real", "signal", "spikes", "times"}
	for _, f := range flows {
		want := numbers
		switch name, _, _ := strings.Cut(f, "("); {
		case name == "sinusoid":
			want = []string{"step"}
		case name == "embedding" || name == "raw":
			want = []string{"step", "tokens"}
		case name == "encode":
			want = []string{"real"}
		case name == "decode" || slices.Contains([]string{"fire", "once", "trained", "readout", "noisy", "two"}, name):
			want = numbers[1:]
		}
		same(t, f, taken["IN -> "+f], want)
	}
	for _, f := range sums {
		same(t, f, taken[f], numbers)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// same reports where other kinds of wires are taken than are wanted.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("%s takes %v, want %v", what, got, want)
	}
}

// layer checks a network with one layer under test, whose result a linear layer brings to two numbers; nil where the checker
// refuses it.
func layer(t *testing.T, head, params, lines, body, dims string) *check.Network {
	t.Helper()
	body = strings.NewReplacer("IN", "a", "OTHER", "b").Replace(body)
	for _, result := range []string{"real", "signal"} {
		text := fmt.Sprintf("%snetwork net(%s) -> %s[2] {\n%s\n    y = %s\n    return y -> flatten -> linear(2)\n}\n", head, strings.ReplaceAll(params, "DIMS", dims), result, lines, body)
		s, found := checked(t, "layer.snn", text)
		if !found.HasErrors() {
			return s.Networks[0]
		}
	}
	return nil
}
