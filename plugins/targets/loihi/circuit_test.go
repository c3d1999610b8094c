package loihi

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
)

// arguments are those of a chip.
func arguments(cores, bits int) schema.Arguments {
	return schema.Arguments{"cores": {Type: schema.Int, Number: float64(cores)}, "weight_bits": {Type: schema.Int, Number: float64(bits)}}
}

// Each archive of testdata/circuits holds circuits.
func TestCheckCircuits(t *testing.T) {
	checktest.Golden(t, "testdata/circuits/*.txtar", *update, func(name, text string, args schema.Arguments) (schema.TargetReply, error) {
		c, err := circuittest.Parse(name, text)
		if err != nil {
			return schema.TargetReply{}, err
		}
		return Check(schema.TargetRequest{Arguments: args, Circuits: []schema.Circuit{c}})
	})
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
		checktest.Judged(t, r)
		cores := 0.0
		for _, l := range r.Layers {
			for _, x := range l.Used {
				if x.Name == "cores" {
					cores += x.Used
					placed++
				}
			}
			if l.Host {
				refused++
			} else if l.Problem != "" {
				t.Errorf("%s: %s", l.Layer, l.Problem)
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
		checktest.Judged(t, r)
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
			t.Errorf("%v %v\n%s", time.Since(now), err, checktest.Text(r))
		}
	}
}
