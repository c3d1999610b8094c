package check_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// load reads a spec of testdata/specs and checks it.
func load(t *testing.T, name, preset string, sets ...string) (*check.Spec, diag.List) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/specs", name+".snn"))
	if err != nil {
		t.Fatal(err)
	}
	return checked(t, name+".snn", text, preset, sets...)
}

func checked(t *testing.T, name string, text []byte, preset string, sets ...string) (*check.Spec, diag.List) {
	t.Helper()
	f, found := dsl.Parse(name, text)
	o := check.Options{Catalogue: catalogue(t), Preset: preset}
	sources := diag.Sources{}
	for _, set := range sets {
		c, bad := dsl.ParseChange("--set "+set, set)
		if bad.HasErrors() {
			t.Fatalf("%s: %v", set, bad)
		}
		sources["--set "+set] = []byte(set)
		o.Sets = append(o.Sets, c)
	}
	s, more := check.Check(f, o)
	for k, v := range sources {
		s.Sources[k] = v
	}
	return s, append(found, more...)
}

func rendered(t *testing.T, s *check.Spec, found diag.List) string {
	t.Helper()
	var out strings.Builder
	if err := found.Text(&out, s.Sources, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Parameter counts are those of the papers' code: FSVAE (Kamata et al. 2022), SDDPM (Cao et al. 2024), DDPM (Ho et al. 2020),
// Spiking-Diffusion (Liu et al. 2023), SGAD (Feng et al. 2024).
func TestCounts(t *testing.T) {
	table, err := os.ReadFile("testdata/counts.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var spec, preset, sets, networks, alone string
		var want, frozen int
		if n, err := fmt.Sscan(line, &spec, &preset, &sets, &networks, &want, &frozen, &alone); n < 6 {
			t.Fatalf("%q: %v", line, err)
		}
		t.Run(strings.Join(strings.Fields(line)[:4], " "), func(t *testing.T) {
			var set []string
			if sets != "-" {
				set = strings.Split(sets, ",")
			}
			s, found := load(t, spec, strings.TrimPrefix(preset, "-"), set...)
			for _, d := range found {
				if alone == "" || d.Code != diag.UnknownName || !strings.HasPrefix(d.Summary, "unknown model") && !strings.HasPrefix(d.Summary, "`sampler`") {
					t.Errorf("%s", rendered(t, s, diag.List{d}))
				}
			}
			var sum check.Parameters
			for _, n := range s.Networks {
				if networks == "-" || slices.Contains(strings.Split(networks, "+"), n.Name) {
					sum.Trainable += n.Count().Trainable
					sum.Frozen += n.Count().Frozen
				}
			}
			if want != 0 && sum.Trainable != want || sum.Frozen != frozen {
				t.Errorf("%d parameters and %d frozen, want %d and %d", sum.Trainable, sum.Frozen, want, frozen)
			}
		})
	}
}

// dump writes a checked spec as tables.
func dump(s *check.Spec) string {
	var b strings.Builder
	for _, n := range s.Neurons {
		fmt.Fprintf(&b, "neuron %s: %s%v trainable %v %s detach %v %s\n", n.Name, n.Definition.Name.Text, n.Params, n.Trainable, n.Integrate, n.DetachReset, surrogate(n.Surrogate))
	}
	for _, k := range s.Coders {
		fmt.Fprintf(&b, "coder %s: %s%v steps %d\n", k.Name, k.Definition.Name.Text, k.Params, k.Steps)
	}
	for _, d := range s.Data {
		fmt.Fprintf(&b, "data %s: %s%s %dx%dx%d later %v\n", d.Name, d.Set, arguments(d.Args), d.Channels, d.Height, d.Width, d.Later)
	}
	for _, n := range s.Networks {
		var in []string
		for _, p := range n.Params {
			in = append(in, fmt.Sprintf("%s: %s", p.Name, wire(p.Wire)))
		}
		fmt.Fprintf(&b, "\nnetwork %s(%s) -> %s, layer %d; pure %v, free %v, steps %d, %d parameters\n", n.Name, strings.Join(in, ", "), wire(n.Result), n.Output, n.Pure, n.FreeSteps, n.Steps, n.Count().Trainable)
		for i, l := range n.Layers {
			shared := ""
			if l.Weights != i {
				shared = fmt.Sprintf(" weights of %d", l.Weights)
			}
			fmt.Fprintf(&b, "%4d %-26s %-10s %-10s %-24s %8d  %s%s\n", i, l.Title, l.Kind, fmt.Sprint(l.In), wire(l.Wire), l.Count().Trainable, arguments(l.Args), shared)
		}
	}
	for _, m := range s.Models {
		fmt.Fprintf(&b, "\nmodel %s: %s%s\n", m.Name, m.Component.Name, arguments(m.Args))
		for _, r := range m.Roles {
			name := ""
			switch {
			case r.Network != nil:
				name = r.Network.Name
			case r.Coder != nil:
				name = r.Coder.Name
			case r.Model != nil:
				name = r.Model.Name
			}
			fmt.Fprintf(&b, "    %s = %s, %d steps\n", r.Path, name, r.Steps)
		}
	}
	for _, a := range s.Actions {
		data := ""
		if a.Data != nil {
			data = a.Data.Name
		}
		fmt.Fprintf(&b, "\n%s %s number %d on %s%s\n", a.Kind, a.Model.Name, a.Number, data, arguments(a.Settings))
		if a.Variant == nil {
			continue
		}
		for _, r := range a.Variant.Roles {
			if r.Network == nil {
				continue
			}
			fmt.Fprintf(&b, "    replace in %s, %d steps:\n", r.Path, r.Steps)
			for _, l := range r.Network.Layers {
				if l.Neuron != nil {
					fmt.Fprintf(&b, "        neuron %s: %s%v\n", l.Title, l.Neuron.Definition.Name.Text, l.Neuron.Params)
				}
				if l.Coder != nil && l.Coder.Definition != nil {
					fmt.Fprintf(&b, "        coder %s: %s%v\n", l.Title, l.Coder.Definition.Name.Text, l.Coder.Params)
				}
			}
		}
	}
	return b.String()
}

func surrogate(s check.Surrogate) string {
	return fmt.Sprintf("%s(alpha %v, width %v, center %v, absolute %v, open %v, normalize %v)", s.Kind, s.Alpha, s.Width, s.Center, s.Absolute, s.Open, s.Normalize)
}

func wire(w check.Wire) string {
	if w.Timed() {
		return fmt.Sprintf("%v T=%d", w, w.Steps)
	}
	return w.String()
}

func arguments(a schema.Arguments) string {
	var names []string
	for n := range a {
		names = append(names, n)
	}
	slices.Sort(names)
	for i, n := range names {
		names[i] = n + "=" + argument(a[n])
	}
	return "(" + strings.Join(names, " ") + ")"
}

func argument(v schema.Value) string {
	var items []string
	for _, x := range v.Items {
		items = append(items, argument(x))
	}
	switch v.Type {
	case schema.Int, schema.Real, schema.Time:
		return strings.TrimSpace(fmt.Sprint(v.Number, " ", v.Unit))
	case schema.Bool:
		return fmt.Sprint(v.Number != 0)
	case schema.OneOf:
		out := v.Text
		if len(v.Args) > 0 {
			out += arguments(v.Args)
		}
		if v.Weight != 0 {
			out = fmt.Sprint(v.Weight, "*", out)
		}
		return out
	case schema.Range, schema.Size, schema.List, schema.Terms:
		return map[schema.Type]string{schema.Range: "range", schema.Size: "size", schema.List: "", schema.Terms: "sum"}[v.Type] + "[" + strings.Join(items, ", ") + "]"
	}
	return v.Text
}

// The specs that this catalogue has models for come out as they are written down.
func TestSpecs(t *testing.T) {
	files, err := filepath.Glob("testdata/right/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d goldens: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		spec, preset := name, ""
		if _, err := os.Stat("testdata/specs/" + spec + ".snn"); err != nil { // SPEC-PRESET
			i := strings.LastIndexByte(name, '-')
			if i < 0 {
				continue // see TestLayers
			}
			spec, preset = name[:i], name[i+1:]
		}
		s, found := load(t, spec, preset)
		if len(found) > 0 {
			t.Errorf("%s", rendered(t, s, found))
		}
		golden(t, file, dump(s))
	}
}

// Every broken spec has the diagnostics that are written down below it. A name such as `x.snn preset=small set=a=1` says what
// it is checked with.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken specs: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out []txtar.File
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".out") {
				continue
			}
			preset, sets := "", []string(nil)
			words := strings.Fields(f.Name)
			for _, w := range words[1:] {
				if p, ok := strings.CutPrefix(w, "preset="); ok {
					preset = p
				} else if p, ok := strings.CutPrefix(w, "set="); ok {
					sets = append(sets, p)
				} else {
					t.Fatalf("%s: bad name %s", file, f.Name)
				}
			}
			s, found := checked(t, words[0], append([]byte("snn 1\n"), f.Data...), preset, sets...)
			got := rendered(t, s, found)
			if i := slices.IndexFunc(a.Files, func(want txtar.File) bool { return want.Name == f.Name+".out" }); *update {
			} else if i < 0 {
				t.Errorf("%s: nothing is expected of %s", file, f.Name)
			} else if d := cmp.Diff(string(a.Files[i].Data), got); d != "" {
				t.Errorf("%s: %s (-want +got)\n%s", file, f.Name, d)
			}
			out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		}
		if a.Files = out; *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Specs of everything that the others leave out: layers, and networks that are used as layers.
func TestLayers(t *testing.T) {
	for _, name := range []string{"layers", "shared"} {
		text, err := os.ReadFile("testdata/right/" + name + ".snn")
		if err != nil {
			t.Fatal(err)
		}
		s, found := checked(t, name+".snn", text, "")
		golden(t, "testdata/right/"+name+".txt", rendered(t, s, found)+dump(s))
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got)\n%s", file, d)
	}
}

// Networks use each other 20 deep, in whichever order they are defined, and not 21; doubling ends at the limit of layers.
func TestDeepNetworks(t *testing.T) {
	chain := func(uses, times int, down bool) string {
		lines := []string{"network n0(x: real[4]) -> real[4] { return x -> relu }\n"}
		for i := range uses {
			lines = append(lines, fmt.Sprintf("network n%d(x: real[4]) -> real[4] { return x%s }\n", i+1, strings.Repeat(fmt.Sprintf(" -> n%d", i), times)))
		}
		if down {
			slices.Reverse(lines)
		}
		return "snn 1\n" + strings.Join(lines, "")
	}
	for _, x := range []struct {
		uses, times int
		want        string
	}{{20, 1, ""}, {21, 1, "networks use each other more than 20 deep"}, {16, 2, "the spec has more than 20000 layers"}} {
		for _, down := range []bool{false, true} {
			_, found := checked(t, "x", []byte(chain(x.uses, x.times, down)), "")
			if x.want == "" && len(found) > 0 || x.want != "" && (len(found) != 1 || found[0].Summary != x.want) {
				t.Errorf("%d uses, %d times, down %v: %v", x.uses, x.times, down, found)
			}
		}
	}
}
