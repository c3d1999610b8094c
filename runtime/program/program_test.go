package program_test

import (
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// base is a program of which the broken ones below are variations.
const base = `program 1

role "net" network (f32[N 2]) -> (f32[N 2])
role "other.encode" model (f32[N 2]) -> (i32[N])

variable "w" f32[2] parameter uniform(-1.0, 1.0)

function step(x: f32[N 2]) {
  %0 = apply %x mode="train" role="net" : f32[N 2]
  %1 = read var="w" : f32[2]
  %2 = mul %0 %1 : f32[N 2]
  %3 = reduce %2 axes=[n 0] kind="mean" : f32[]
  return total = %3
}

function start() {
  %0 = normal batch=true dims=[2] label="x" : f32[N 2]
  return x = %0
}

function turn(x: f32[N 2], s: f32[]) {
  %0 = mul %x %s : f32[N 2]
  return x = %0, trace = %0
}

function result(x: f32[N 2], trace: f32[T3 N 2]) {
  return y = %x
}

stream data = data(x)
stream codes = map(data, "other.encode")

stage train data {
  step step every 2 epoch slot "net" moves("net", "w")
}

sampler draw {
  init start
  loop turn 3
  result result
  columns(s)
  row 1
  row 0.5
  row 0.25
}

export draw = result
`

func TestParseRefuses(t *testing.T) {
	for _, x := range []struct{ old, new, want string }{
		{"", "", ""},
		{"program 1", "program 2", `version "2"`},
		{"program 1", "graph 1", "want the heading `program 1`"},
		{"network (f32", "layer (f32", "a role is a network, a coder or a model"},
		{`role "other.encode" model`, `role "net" model`, `role "net" stands twice`},
		{"map(data", "map(dato", "unknown stream dato"},
		{`"other.encode")`, `"net")`, "net is no export of a model"},
		{`codes = map(data, "other.encode")`, "codes = net(data)", "a stream is data(...) or map(...)"},
		{"stream codes = map(data", "stream data = map(data", "stream data stands twice"},
		{"stage train data", "stage train dato", "unknown stream dato"},
		{"data(x)", "data(y)", "step takes x, which stream data has not"},
		{"step step", "step stop", "unknown function stop"},
		{"kind=\"mean\" : f32[]\n  return total", "kind=\"mean\" : f32[]\n  return other = %2, total", "the first output of step is no loss"},
		{"return total = %3", "return total = %3, rows = %2", "output rows of step is f32[N 2]"},
		{"every 2", "every 0", "runs every 0"},
		{"epoch", "year", "want batch or epoch"},
		{`"net", "w"`, `"net", "v"`, "moves v, which is neither a network, a coder nor a variable"},
		{`"net", "w"`, `"other"`, "moves other, which is neither"},
		{"init start", "init begin", `unknown function "begin"`},
		{"init start", "init turn", "turn starts the loop and takes"},
		{"init start", "given(x)\n  init start", "x is given and carried"},
		{"init start", "given(y, y)\n  init start", "y is given twice"},
		{"init start", "given(trace)\n  init start", "trace is given and kept"},
		{"loop turn 3", "loop turn 0", "0 turns"},
		{"loop turn 3", "loop turn 4", "3 rows for 4 turns"},
		{"columns(s)", "columns(s, u)", "want a number"},
		{"  result result\n", "", `unknown function ""`},
		{"  init start\n", "", "takes x: f32[N 2], which  does not give"},
		{"return x = %0, trace = %0", "return trace = %0", "does not carry x: f32[N 2] on"},
		{"trace: f32[T3 N 2]", "trace: f32[T2 N 2]", "takes trace: f32[T2 N 2], which nothing gives"},
		{"s: f32[]) {", "s: f32[N]) {", "column s is f32[N]"},
		{"draw = result", "draw = nothing", "unknown function nothing"},
		{"export draw = result\n", "export draw = result\nexport draw = start\n", "export draw stands twice"},
		{"export draw = result\n", "exports\n", `unknown word "exports"`},
		{`role="net"`, `role="nut"`, `unknown role "nut"`},
		{`var="w"`, `var="v"`, `unknown variable "v"`},
		{"return y = %x", "return y = %z", `unknown value "%z"`},
	} {
		text := strings.Replace(base, x.old, x.new, 1)
		if x.old != "" && text == base {
			t.Fatalf("%q is not in the program", x.old)
		}
		p, err := program.Parse(text)
		switch {
		case x.want == "" && err != nil:
			t.Error(err)
		case x.want == "" && p.Print() != text:
			t.Errorf("prints back as\n%s", p.Print())
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%q for %q: want an error with %q, got %v", x.new, x.old, x.want, err)
		}
	}
}

// A function calls only those before it, so calls end.
func TestCallsEnd(t *testing.T) {
	const f = "function f(x: f32[]) {\n  %0 = call %x function=\"g\" : f32[]\n  return y = %0\n}\n"
	const g = "function g(x: f32[]) {\n  return y = %x\n}\n"
	if _, err := program.Parse("program 1\n" + g + f); err != nil {
		t.Error(err)
	}
	if _, err := program.Parse("program 1\n" + f + g); err == nil {
		t.Error("a call of a later function is accepted")
	}
	if _, err := program.Parse("program 1\n" + strings.ReplaceAll(f, `"g"`, `"f"`)); err == nil {
		t.Error("a function that calls itself is accepted")
	}
}

// judge parses text; what parses prints back, and links or not, without a panic.
func judge(t *testing.T, text string, filled ...map[string]*graph.Module) {
	t.Helper()
	p, err := program.Parse(text)
	if err != nil {
		return
	}
	again, err := program.Parse(p.Print())
	if err != nil {
		t.Fatalf("what it prints does not parse: %v\n%s", err, p.Print())
	}
	if again.Print() != p.Print() {
		t.Fatalf("prints\n%s\nand then\n%s", p.Print(), again.Print())
	}
	for _, modules := range filled {
		l, err := program.NewLinker(p, modules)
		if err != nil {
			continue
		}
		for _, g := range p.Functions {
			_, _ = l.Function(g.Name)
			_, _, _ = l.Step(program.Step{Function: g.Name, Moves: []string{"generator", "encoder", "denoiser", "codebook"}})
		}
		for _, e := range p.Exports {
			_, _ = l.Module(e.Name)
		}
	}
}

// FuzzParse: any text gives an error or a program.
func FuzzParse(f *testing.F) {
	f.Add(base)
	for _, name := range names(f) {
		text, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) { judge(t, text, nil) })
}

// FuzzLink: the systems with a few words put in the place of others, and lines lost, doubled or moved, link or not. Most
// mutations of bytes do not parse; many of these do.
func FuzzLink(f *testing.F) {
	var texts []string
	var roles []map[string]*graph.Module
	for _, name := range names(f) {
		text, err := os.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		_, filled := system(f, name)
		texts, roles = append(texts, string(text)), append(roles, filled)
		for seed := range uint64(20) {
			f.Add(uint(len(texts)-1), seed, uint(1+seed%4))
		}
	}
	f.Fuzz(func(t *testing.T, which uint, seed uint64, changes uint) {
		i := int(which % uint(len(texts)))
		judge(t, mutated(texts[i], seed, int(changes%8)), roles[i])
	})
}

// mutated changes words or lines of a text.
func mutated(text string, seed uint64, changes int) string {
	r := rand.New(rand.NewPCG(seed, 0))
	lines := strings.SplitAfter(text, "\n")
	word := regexp.MustCompile(`%?[a-zA-Z0-9_.-]+`)
	for range changes {
		to, from := r.IntN(len(lines)), r.IntN(len(lines))
		switch r.IntN(8) {
		case 0:
			lines[to] = ""
		case 1:
			lines[to] += lines[from]
		case 2:
			lines[to], lines[from] = lines[from], lines[to]
		default:
			at, with := word.FindAllStringIndex(lines[to], -1), word.FindAllString(lines[from], -1)
			if len(at) == 0 || len(with) == 0 {
				continue
			}
			w := at[r.IntN(len(at))]
			lines[to] = lines[to][:w[0]] + with[r.IntN(len(with))] + lines[to][w[1]:]
		}
	}
	return strings.Join(lines, "")
}
