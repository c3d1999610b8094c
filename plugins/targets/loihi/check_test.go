package loihi

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/coders/direct"
	"snnc.dev/snnc/plugins/coders/membrane"
	"snnc.dev/snnc/plugins/coders/rate"
	"snnc.dev/snnc/plugins/neurons/iterativelif"
	"snnc.dev/snnc/plugins/neurons/lif"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/graph"
)

var (
	update   = flag.Bool("update", false, "rewrite the goldens in testdata")
	networks = flag.Int("networks", 50, "random networks of those tests that draw most of them")
)

// circuitsOf cuts a network that is given as text.
func circuitsOf(text string) ([]schema.Circuit, error) {
	m, err := graph.Parse(text)
	if err != nil {
		return nil, err
	}
	x, err := cut.Network("n", m, nil, cut.Options{})
	if err != nil {
		return nil, err
	}
	return x.Circuits, nil
}

// request lowers the networks of a spec, and cuts them.
func request(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string, cores, bits int) schema.TargetRequest {
	t.Helper()
	f, found := dsl.Parse("test.snn", []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: []schema.Component{
		lif.Component(), iterativelif.Component(), direct.Component(), membrane.Component(), rate.Component()}}})
	if found = append(found, more...); found.HasErrors() {
		var w strings.Builder
		_ = found.Text(&w, s.Sources, false)
		t.Fatalf("%s", w.String())
	}
	r := schema.TargetRequest{Component: "loihi", Arguments: schema.Arguments{
		"cores": {Type: schema.Int, Number: float64(cores)}, "weight_bits": {Type: schema.Int, Number: float64(bits)}}}
	for _, n := range s.Networks {
		m, bad := lower.Network(n, 4)
		if bad.HasErrors() {
			t.Fatalf("lower %s: %v", n.Name, bad)
		}
		x, err := cut.Network(n.Name, m, nil, cut.Options{})
		if err != nil {
			t.Fatalf("%v", err)
		}
		r.Circuits = append(r.Circuits, x.Circuits...)
	}
	return r
}

// Each archive of testdata holds specs.
func TestCheck(t *testing.T) {
	checktest.Golden(t, "testdata/*.txtar", *update, func(_, text string, args schema.Arguments) (schema.TargetReply, error) {
		r := request(t, "snn 1\n"+text, 128, 8)
		maps.Copy(r.Arguments, args)
		return Check(r)
	})
}

// spec writes a network of convolutions and dense layers.
func spec(channels, dense []int, side int, in int) string {
	var w strings.Builder
	fmt.Fprintf(&w, "snn 1\nneuron fire = lif()\nnetwork n(x: spikes[%d, %d, %d]) -> spikes[%d] {\n    return x", in, side, side, dense[len(dense)-1])
	for i, c := range channels {
		fmt.Fprintf(&w, " -> conv(%d, kernel = 3, stride = %d) -> fire", c, 1+i%2)
	}
	w.WriteString(" -> flatten")
	for _, n := range dense {
		fmt.Fprintf(&w, " -> linear(%d) -> fire", n)
	}
	return w.String() + "\n}\n"
}

var (
	bitsChange   = regexp.MustCompile(`(\d+) bits -> (\d+) bits`)
	coresChange  = regexp.MustCompile("`loihi.cores = (\\d+).` instead of \\d+")
	inputsChange = regexp.MustCompile(`linear with (\d+) instead of (\d+) inputs`)
	layerChange  = regexp.MustCompile(`(conv|linear) with (\d+) instead of (\d+) (channels|outputs)`)
)

// failer is a test, or a draw of rapid.
type failer interface {
	Helper()
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// network is one of convolutions and dense layers on a chip of so many cores.
type network struct {
	channels, dense []int
	side, in, cores int
}

func (n network) check(t failer, cores, bits int) schema.TargetReply {
	t.Helper()
	r, err := Check(request(t, spec(n.channels, n.dense, n.side, n.in), cores, bits))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

// changed judges a network: where it does not fit, a layer says why, and with each change that it names the network fits:
// with fewer bits, more cores (one less is too few), or fewer channels in the spec's text. It returns the kinds of change.
func changed(t failer, n network) (made []string) {
	reply := n.check(t, n.cores, 8)
	problems := 0
	for k, l := range reply.Layers {
		if l.Problem == "" {
			continue
		}
		problems++
		if m := inputsChange.FindStringSubmatch(l.Change); m != nil { // a limit of a core: the layer before gives less
			made = append(made, "inputs")
			to, _ := strconv.Atoi(m[1])
			from, _ := strconv.Atoi(m[2])
			c := network{slices.Clone(n.channels), slices.Clone(n.dense), n.side, n.in, n.cores}
			c.channels[k-1] = to / (from / c.channels[k-1])
			if p := c.check(t, n.cores, 8).Layers[k].Problem; p != "" && !strings.Contains(p, "all layers") {
				t.Errorf("%s: %s", l.Change, p)
			}
			continue
		}
		if !strings.Contains(l.Problem, "all layers") {
			t.Errorf("%s: %s, and no change", l.Layer, l.Problem)
		}
		if slices.ContainsFunc(reply.Layers, func(l schema.Placement) bool { return inputsChange.MatchString(l.Change) }) {
			continue // another layer does not fit anyhow
		}
		if m := bitsChange.FindStringSubmatch(l.Change); m != nil {
			made = append(made, "bits")
			if b, _ := strconv.Atoi(m[2]); !n.check(t, n.cores, b).Fits {
				t.Errorf("%s: it does not fit with %d bits", l.Change, b)
			}
		}
		if m := coresChange.FindStringSubmatch(l.Change); m != nil {
			made = append(made, "cores")
			if c, _ := strconv.Atoi(m[1]); !n.check(t, c, 8).Fits || n.check(t, c-1, 8).Fits {
				t.Errorf("%s: that is not the fewest cores it fits in", l.Change)
			}
		}
		if m := layerChange.FindStringSubmatch(l.Change); m != nil {
			made = append(made, m[1])
			c := network{slices.Clone(n.channels), slices.Clone(n.dense), n.side, n.in, n.cores}
			if to, _ := strconv.Atoi(m[2]); m[1] == "conv" {
				c.channels[k] = to
			} else {
				c.dense[k-len(n.channels)] = to
			}
			if !c.check(t, n.cores, 8).Fits {
				t.Errorf("%s: it does not fit", l.Change)
			}
		}
	}
	if reply.Fits != (problems == 0) {
		t.Errorf("fits %v, with %d problems:\n%s", reply.Fits, problems, checktest.Text(reply))
	}
	return made
}

// Whatever does not fit gets changes that make it fit.
func TestChange(t *testing.T) {
	for _, x := range []struct {
		network
		made []string
	}{
		{network{[]int{8}, []int{10}, 12, 2, 1}, []string{"cores"}},
		{network{[]int{64, 64}, []int{10}, 12, 4, 11}, []string{"cores", "conv"}}, // its neurons alone take 12
		{network{[]int{41}, []int{1}, 10, 1, 128}, []string{"inputs"}},            // 41 maps of 100 pixels against 4096 axons
		{network{[]int{4}, []int{900, 900}, 8, 4, 9}, []string{"bits", "cores", "linear"}},
	} {
		if got := changed(t, x.network); !slices.Equal(got, x.made) {
			t.Errorf("%+v: changes of %v, want %v", x.network, got, x.made)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		changed(t, network{
			channels: rapid.SliceOfN(rapid.IntRange(1, 64), 1, 3).Draw(t, "channels"),
			dense:    rapid.SliceOfN(rapid.IntRange(1, 900), 1, 3).Draw(t, "dense"),
			side:     rapid.IntRange(1, 12).Draw(t, "side"),
			in:       rapid.IntRange(1, 8).Draw(t, "in"),
			cores:    rapid.IntRange(1, 40).Draw(t, "cores"),
		})
	})
}

// A layer that breaks a limit of a core whatever its tile: the change of its inputs is exact.
func TestInputs(t *testing.T) {
	for _, n := range []int{4096, 4097} {
		r, err := Check(request(t, fmt.Sprintf("snn 1\nneuron fire = lif()\nnetwork n(x: spikes[%d]) -> spikes[3] { return x -> linear(3) -> fire }\n", n), 128, 8))
		if err != nil || r.Fits != (n == 4096) {
			t.Errorf("%d inputs: fits %v, %v", n, r.Fits, err)
		}
	}
}

// The reply is the same each time, and does not depend on the number of steps.
func TestSame(t *testing.T) {
	text := spec([]int{16, 32}, []int{300, 10}, 12, 4)
	a, _ := Check(request(t, text, 4, 8))
	b, _ := Check(request(t, text, 4, 8))
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("two replies differ:\n%s", d)
	}
	r := request(t, text, 4, 8)
	r.Circuits[0].Steps = 9
	c, err := Check(r)
	if d := cmp.Diff(a, c); d != "" || err != nil {
		t.Errorf("nine steps for four: %v\n%s", err, d)
	}
}

// Arguments that make no chip have a complaint.
func TestBad(t *testing.T) {
	r, err := Check(schema.TargetRequest{Arguments: schema.Arguments{"cores": {Type: schema.Int}}})
	if err != nil || len(r.Complaints) != 1 || r.Complaints[0].Path != "cores" {
		t.Errorf("no cores: %+v, %v", r, err)
	}
}

// FuzzCheck: any JSON that is circuits is judged, or is an error, in bounded time; amounts are finite and no layer that is placed breaks a
// limit of a core.
func FuzzCheck(f *testing.F) {
	a, err := txtar.ParseFile("testdata/networks.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range a.Files {
		if !strings.HasSuffix(file.Name, ".out") {
			text, err := json.Marshal(request(f, "snn 1\n"+string(file.Data), 128, 8).Circuits)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text), 128, 8)
		}
	}
	f.Fuzz(func(t *testing.T, text string, cores, bits int) {
		var circuits []schema.Circuit
		if json.Unmarshal([]byte(text), &circuits) != nil {
			return
		}
		r, err := Check(schema.TargetRequest{Circuits: circuits, Arguments: arguments(cores, bits)})
		if err != nil {
			return
		}
		for _, l := range r.Layers {
			for _, x := range l.Used {
				if !(x.Used >= 0 && x.Used < 1e30) || x.Limit > 0 && x.Used > x.Limit {
					t.Errorf("%s: %+v", l.Layer, x)
				}
			}
		}
	})
}

// Maps that are too large to try every tile of end the search, not the program.
func TestGiant(t *testing.T) {
	text := `graph 1

variable "1.weight" f32[8 1 3 3] parameter constant(0.0, 0.0)

equation "e0" spikes {
  input x
  state v = 0.0
  %0 = add %x %v
  %1 = constant value=1.0
  %2 = spike %0 %1 %1
  %3 = constant value=0.0
  %4 = where %2 %3 %0
  emit %2
  next v %4
}

function eval(x: bit[T2 N 1 65536 4000]) {
  %0 = read var="1.weight"
  %1 = conv %x %0 pad=1 stride=1
  %2 = equation "e0" %1
  return y = %2
}
`
	for _, text := range []string{text, strings.ReplaceAll(text, "65536 4000", "65537 2")} {
		circuits, err := circuitsOf(text)
		if err != nil || len(circuits) == 0 {
			t.Fatalf("%d circuits: %v", len(circuits), err)
		}
		r, err := Check(schema.TargetRequest{Circuits: circuits})
		if err != nil || r.Fits || len(r.Notes) == 0 {
			t.Errorf("%v\n%s", err, checktest.Text(r))
		}
	}
}
