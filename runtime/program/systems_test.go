package program_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// The systems of testdata are the published models in small, as their plugins describe them: NAME.txt is the program,
// NAME.roles the networks that fill its roles. Package sdk writes them.

// names returns the systems of testdata.
func names(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d systems: %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".txt")
	}
	return files
}

// system reads a system of testdata. The tokens of another model are those of the codebook model.
func system(t testing.TB, name string) (*program.Program, map[string]*graph.Module) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	roles, err := txtar.ParseFile("testdata/" + name + ".roles")
	if err != nil {
		t.Fatal(err)
	}
	filled := map[string]*graph.Module{}
	for _, f := range roles.Files {
		if filled[f.Name], err = graph.Parse(string(f.Data)); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	for _, r := range p.Roles {
		if r.Kind == "model" {
			l := linked(t, "vqsvae")
			if filled[r.Name], err = l.Module(strings.TrimPrefix(r.Name, r.Owner()+".")); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p, filled
}

func linked(t testing.TB, name string) *program.Linker {
	t.Helper()
	p, filled := system(t, name)
	l, err := program.NewLinker(p, filled)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Every system parses, verifies and prints back to the same bytes, and so does what fills its roles.
func TestSystemsPrintBack(t *testing.T) {
	for _, name := range names(t) {
		p, filled := system(t, name)
		text, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(text), p.Print()); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
		for role, m := range filled {
			again, err := graph.Parse(m.Print())
			if err != nil {
				t.Errorf("%s, %s: %v", name, role, err)
			} else if d := cmp.Diff(m.Print(), again.Print()); d != "" {
				t.Errorf("%s, %s (-want +got)\n%s", name, role, d)
			}
		}
	}
}

const examples = 4

// draw is a number of its own for each label, turn, example and element.
func draw(turn int) func(label string, normal bool, index, element uint64) float64 {
	return func(label string, normal bool, index, element uint64) float64 {
		h := fnv.New64a()
		fmt.Fprint(h, label, " ", turn, " ", index)
		r := rand.New(rand.NewPCG(h.Sum64(), element))
		if normal {
			return r.NormFloat64()
		}
		return r.Float64()
	}
}

// start returns the first values of variables.
func start(variables []graph.Variable) map[string]interp.Value {
	out := map[string]interp.Value{}
	for _, v := range variables {
		x := interp.NewValue(v.Type, 1)
		number := draw(0)
		for i := range x.Data {
			switch v.Init.Kind {
			case "uniform":
				x.Data[i] = v.Init.A + (v.Init.B-v.Init.A)*number(v.Name, false, 0, uint64(i))
			case "normal":
				x.Data[i] = v.Init.A + v.Init.B*number(v.Name, true, 0, uint64(i))
			default:
				x.Data[i] = v.Init.A
			}
		}
		out[v.Name] = x
	}
	return out
}

// example returns an input: numbers in 0..1, or the ints 0 to 2.
func example(name string, t graph.Type) interp.Value {
	x := interp.NewValue(t, examples)
	for i := range x.Data {
		if x.Data[i] = draw(0)("data/"+name, false, 0, uint64(i)); t.DType == graph.I32 {
			x.Data[i] = math.Floor(3 * x.Data[i])
		}
	}
	return x
}

func environment(l *program.Linker, g *graph.Graph) *interp.Env {
	env := &interp.Env{N: examples, Inputs: map[string]interp.Value{}, Variables: start(l.Variables()), Random: draw(0),
		Host: func(what string) float64 {
			if what == "progress" {
				return 0.5
			}
			return 0.3
		}}
	for _, in := range g.Inputs {
		env.Inputs[in.Text("name")] = example(in.Text("name"), in.Out[0])
	}
	return env
}

// Every step of every system runs, and the derivative by every parameter that it moves is that of finite differences of the
// smoothed step. First-spike neurons have a rule in place of a derivative: see TestFirstSpikeRule.
func TestSystemsTrain(t *testing.T) {
	const h = 1e-6
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			p, filled := system(t, name)
			l := linked(t, name)
			temporal := false
			for _, m := range filled {
				temporal = temporal || slices.ContainsFunc(m.Equations, func(e *graph.Equation) bool { return e.Temporal != nil })
			}
			for _, step := range p.Stages[0].Steps {
				g, moved, err := l.Step(step)
				if err != nil {
					t.Fatal(err)
				}
				env := environment(l, g)
				env.Base = &interp.Base{Record: true}
				res, err := interp.Run(g, env)
				if err != nil {
					t.Fatal(err)
				}
				for what, v := range res.Outputs {
					if slices.ContainsFunc(v.Data, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }) {
						t.Errorf("%s of %s is %v", what, step.Function, v.Data)
					}
				}
				if len(step.Moves) > 0 == (len(moved) == 0) {
					t.Errorf("%s moves %v, that is %d parameters", step.Function, step.Moves, len(moved))
				}
				if temporal {
					continue
				}
				loss := g.Outputs[0].Name
				env.Base.Record = false
				still := 0
				for _, w := range moved {
					x, gradient := env.Variables[w], res.Outputs[program.Grad+w].Data
					if !slices.ContainsFunc(gradient, func(v float64) bool { return v != 0 }) {
						still++
					}
					for _, i := range []int{0, len(x.Data) / 2, len(x.Data) - 1} {
						was := x.Data[i]
						var at [2]float64
						for k, d := range []float64{-h, h} {
							x.Data[i] = was + d
							r, err := interp.Run(g, env)
							if err != nil {
								t.Fatal(err)
							}
							at[k] = r.Outputs[loss].Data[0]
						}
						x.Data[i] = was
						// The third derivative of normalisation grows as 1 / epsilon^1.5; rounding gives 1e-16 / h.
						if want := (at[1] - at[0]) / (2 * h); math.Abs(gradient[i]-want) > 1e-8+1e-5*math.Abs(want) {
							t.Errorf("%s: derivative by %s[%d] is %v, finite differences give %v", step.Function, w, i, gradient[i], want)
						}
					}
				}
				// A bias before normalisation has none; most others have one.
				if len(moved) > 0 && 2*still > len(moved) {
					t.Errorf("%s: %d of %d parameters have no derivative", step.Function, still, len(moved))
				}
			}
		})
	}
}

// Train mode moves running statistics once per application, in order; the functions of samplers and exports move nothing.
func TestSystemsStatistics(t *testing.T) {
	for _, name := range names(t) {
		p, _ := system(t, name)
		l := linked(t, name)
		train := map[string]bool{}
		for _, s := range p.Stages[0].Steps {
			train[s.Function] = true
		}
		for _, f := range p.Functions {
			g, err := l.Function(f.Name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			assigned := map[string]int{}
			for _, n := range g.Nodes {
				if n.Op == graph.OpAssign {
					assigned[n.Text("var")]++
				}
			}
			for v, n := range assigned {
				if n > 1 || !train[f.Name] {
					t.Errorf("%s: %s assigns %s %d times", name, f.Name, v, n)
				}
			}
		}
	}
}

// Every sampler of every system draws samples that are images, the same ones for the same random numbers.
func TestSystemsSample(t *testing.T) {
	for _, name := range names(t) {
		p, _ := system(t, name)
		for _, s := range p.Samplers {
			t.Run(name+" "+s.Name, func(t *testing.T) {
				l := linked(t, name)
				first := sample(t, l, p, s)
				if len(first.Type.Dims) != 3 || first.N != examples || slices.ContainsFunc(first.Data, func(x float64) bool { return math.IsNaN(x) || math.Abs(x) > 10 }) {
					t.Errorf("a sample of type %v: %v", first.Type, first.Data)
				}
				if d := cmp.Diff(first, sample(t, l, p, s)); d != "" {
					t.Errorf("a second draw differs: %s", d)
				}
			})
		}
	}
}

// sample runs a sampler as a trainer does.
func sample(t *testing.T, l *program.Linker, p *program.Program, s program.Sampler) interp.Value {
	t.Helper()
	run := func(function string, turn int, inputs map[string]interp.Value) (*graph.Graph, *interp.Result) {
		g, err := l.Function(function)
		if err != nil {
			t.Fatal(err)
		}
		res, err := interp.Run(g, &interp.Env{N: examples, Inputs: inputs, Variables: start(l.Variables()), Random: draw(turn)})
		if err != nil {
			t.Fatal(err)
		}
		return g, res
	}
	carried, kept := map[string]interp.Value{}, map[string]interp.Value{}
	if s.Init != "" {
		_, res := run(s.Init, 0, nil)
		carried = res.Outputs
	}
	for turn := range s.Turns {
		inputs := map[string]interp.Value{}
		for k, v := range carried {
			inputs[k] = v
		}
		for i, c := range s.Columns {
			inputs[c] = interp.Value{N: 1, Data: []float64{s.Table[turn][i]}}
		}
		g, res := run(s.Loop, 1+turn, inputs)
		for _, o := range g.Outputs {
			v := res.Outputs[o.Name]
			if _, ok := carried[o.Name]; ok {
				carried[o.Name] = v
				continue
			}
			before := kept[o.Name]
			v.Type.Steps += before.Type.Steps
			v.Data = append(slices.Clone(before.Data), v.Data...)
			kept[o.Name] = v
		}
	}
	for k, v := range kept {
		carried[k] = v
	}
	g, res := run(s.Result, 1+s.Turns, carried)
	return res.Outputs[g.Outputs[0].Name]
}
