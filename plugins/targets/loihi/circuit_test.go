package loihi

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// arguments are those of a chip.
func arguments(cores, bits int) schema.Arguments {
	return schema.Arguments{"cores": {Type: schema.Int, Number: float64(cores)}, "weight_bits": {Type: schema.Int, Number: float64(bits)}}
}

// Each archive of testdata/circuits holds circuits; a name such as `a cores=16 bits=4` says what chip, and NAME.out what Check says.
func TestCheckCircuits(t *testing.T) {
	files, err := filepath.Glob("testdata/circuits/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no circuits: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for _, f := range a.Files {
			want[f.Name] = string(f.Data)
		}
		var out []txtar.File
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".out") {
				continue
			}
			c, err := circuittest.Parse(strings.Fields(f.Name)[0], string(f.Data))
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			cores, bits := 128, 8
			for _, w := range strings.Fields(f.Name)[1:] {
				if n, err := fmt.Sscanf(w, "cores=%d", &cores); n == 0 || err != nil {
					if n, err := fmt.Sscanf(w, "bits=%d", &bits); n == 0 || err != nil {
						t.Fatalf("%s: %v", f.Name, err)
					}
				}
			}
			reply, err := Check(schema.TargetRequest{Arguments: arguments(cores, bits), Circuits: []schema.Circuit{c}})
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			got := rendered(reply)
			if d := cmp.Diff(want[f.Name+".out"], got); d != "" && !*update {
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

// Any circuit is judged: amounts are finite, what is placed keeps the limits, and as many cores are counted as the layers take.
func TestCheckRandom(t *testing.T) {
	placed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n := circuittest.Generator(circuittest.Options{}).Draw(t, "net")
		r, err := Check(schema.TargetRequest{Circuits: []schema.Circuit{n.Circuit}})
		if err != nil {
			t.Fatal(err)
		}
		cores := 0.0
		for _, l := range r.Layers {
			for _, x := range l.Used {
				if x.Name == "cores" {
					cores += x.Used
					placed++
				}
				if !(x.Used >= 0 && x.Used < 1e30) || l.Problem == "" && x.Limit > 0 && x.Used > x.Limit {
					t.Errorf("%s: %+v", l.Layer, x)
				}
			}
			if l.Host {
				refused++
			}
			if l.Host != (l.Problem != "") || r.Fits && l.Problem != "" {
				t.Errorf("%s fits %v, on the host %v, with the problem %q", l.Layer, r.Fits, l.Host, l.Problem)
			}
		}
		if len(r.Layers) != len(n.Circuit.Populations) || len(r.Used) > 0 && r.Used[0].Used != cores {
			t.Errorf("%d layers of %d, %v cores of which the layers take %v", len(r.Layers), len(n.Circuit.Populations), r.Used, cores)
		}
	})
	if placed == 0 || refused == 0 {
		t.Errorf("%d layers were placed and %d refused", placed, refused)
	}
}

// FuzzCheckCircuits: any circuit that holds together is judged in bounded time; amounts are finite and what is placed keeps the limits.
func FuzzCheckCircuits(f *testing.F) {
	files, _ := filepath.Glob("testdata/circuits/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range a.Files {
			if c, err := circuittest.Parse("n", string(x.Data)); err == nil {
				text, _ := json.Marshal(c)
				f.Add(text, 128, 8)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, cores, bits int) {
		var c schema.Circuit
		if json.Unmarshal(text, &c) != nil {
			return
		}
		r, err := Check(schema.TargetRequest{Arguments: arguments(cores, bits), Circuits: []schema.Circuit{c}})
		if err != nil {
			return
		}
		for _, l := range r.Layers {
			for _, x := range l.Used {
				if !(x.Used >= 0 && x.Used < 1e30) || l.Problem == "" && x.Limit > 0 && x.Used > x.Limit {
					t.Errorf("%s: %+v", l.Layer, x)
				}
			}
		}
	})
}

// Maps that are too large to try every tile of end the search, not the program.
func TestGiantCircuits(t *testing.T) {
	for _, text := range []string{
		"x input 1x1000x1000000\na 2x1000x1000000 <- conv x k=3 pad=1\nb 1x1000x1000000 <- conv a k=101 pad=50",
	} {
		c, err := circuittest.Parse("giant", text)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		r, err := Check(schema.TargetRequest{Circuits: []schema.Circuit{c}})
		if err != nil || r.Fits || time.Since(now) > 5*time.Minute { // seconds; more only where the search has no end
			t.Errorf("%v %v\n%s", time.Since(now), err, rendered(r))
		}
	}
}
