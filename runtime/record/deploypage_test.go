package record

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
)

// deployed is what a deployment may say, all of it.
func deployed(cores int) Deployment {
	d := Deployment{
		Action: "deploy digit", Model: "digit", Target: "chip", Written: "chip(cores = 128)", Arguments: schema.Arguments{"cores": {Type: schema.Int, Number: 128}}, Fits: true,
		Problems: []schema.Placement{{Network: "encoder", Layer: "0.conv", Host: true, Problem: "its input is <real> values", Change: "a coder before it"}},
		Used:     []schema.Amount{{Name: "cores", Used: float64(cores), Limit: 128}, {Name: "synapses", Used: 43008}},
		Chips:    2, Inference: "a sample of sampler dpm",
		Layers: []DeployedLayer{
			{Network: "encoder", Layer: "0.conv", Where: OnHost, Kind: "conv", Reason: "its input is <real> values", Operations: 1.2e6},
			{Network: "encoder", Layer: "1.fire", Where: OnChip, Circuit: "encoder", Neurons: 4096, Synapses: 36864, Measured: &schema.Measured{Examples: 32, Rate: 0.1, Active: 0.8, Low: -1, High: 2},
				Used: []schema.Amount{{Name: "cores", Used: 12}}, Loss: &schema.Loss{Circuit: "encoder", Layer: "1.fire", Weights: 0.0123, Bias: 0.0456, Threshold: 0.001, Decay: -0.0002, Bits: 8, Scale: 120, Clipped: 3, Zeroed: 0.02, Note: "per channel"},
				Activity: &schema.Activity{Layer: "1.fire", Spikes: []float64{10.5, 12, 13, 11}, Synops: 419430.25, Active: 5000, Inactive: 3000, Messages: 200, Hops: 900, Clipped: 2}, Software: &SoftwareActivity{Spikes: []float64{10, 12, 12, 12}, Synops: 410000}},
			{Network: "encoder", Layer: "2.readout", Where: OnChip, Circuit: "encoder", Neurons: 10, Synapses: 40960, Activity: &schema.Activity{Layer: "2.readout", Synops: 900}},
		},
		Circuits: []DeployedCircuit{{Name: "encoder", Network: "encoder", Steps: 4, Ticks: 6, Runs: 10, Neurons: 4106, Synapses: 77824}},
		Ticks:    60, Seconds: Bounds{6.78e-6, 1.2e-3},
		Energy: []schema.Energy{
			{Profile: "early", Part: schema.Dynamic, Low: 9.9e-6, High: 9.9e-6, From: []string{"early.synop", "early.hop"}, Note: "before silicon"},
			{Profile: "board", Part: schema.PerStep, High: 5.3e-4, From: []string{"board.step"}},
			{Profile: "board", Part: schema.Static, Low: 2.1e-7, High: 1.2e-4, From: []string{"board.static"}},
			{Profile: "board", Part: schema.HostIO, High: 8e-5, From: []string{"board.processors"}},
		},
		Totals:    []Total{{"early", Bounds{9.9e-6, 9.9e-6}, []schema.EnergyPart{schema.Dynamic}}, {"board", Bounds{2.1e-7, 7.3e-4}, []schema.EnergyPart{schema.PerStep, schema.Static, schema.HostIO}}},
		Constants: []schema.Constant{{Name: "early.synop", Value: 23.6, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: "A. Nobody & others, 2018, table 2"}, {Name: "board.step", Value: 8.9, Unit: "µJ", Kind: "derived", Source: "logs", Unverified: true}},

		HostOperations: 1.2e6, ChipOperations: 311296, Caution: "only 21 % of the network's operations run on the chip",
		Host:  &HostEnergy{5.52e-6, "1.2e6 multiply-accumulates beside the chip"},
		Whole: []Total{{"early", Bounds{1.542e-5, 1.542e-5}, nil}, {"board", Bounds{5.73e-6, 7.3552e-4}, nil}},
		Baselines: []Baseline{
			{Name: "the part on the chip, simulated on this processor", Low: 0.002, High: 0.015, Label: "assumed", Note: "0.001 s measured with 1 threads", Of: OfChip, Seconds: 0.001, Faster: Bounds{0.83, 147}, Ratios: []Total{{"early", Bounds{202, 0}, nil}}},
			{Name: "the ANN: the same layers without spikes", Low: 3.5e-7, High: 3.5e-7, Label: "model", Note: "7.8e4 multiply-accumulates at 4.6 pJ", Of: OfOperations, Ratios: []Total{{"early", Bounds{0.0227, 0.0227}, []schema.EnergyPart{schema.Dynamic}}, {"board", Bounds{0.0005, 1.7}, nil}}},
		},
		CPU: &CPU{Seconds: 0.001, Host: 0.0001, Threads: 2},
		Figures: []DeployedFigure{{Name: "accuracy", Software: 0.98, Chip: 0.975, ChipInterval: Interval{0.95, 0.99}, Of: "the first 256 examples of test", Recipe: "share of 256 examples of test"},
			{Name: "mse", Software: 0.1, Chip: 0.25, ChipInterval: Interval{0.2, 0.3}, Of: "the first 256 examples of test", Recipe: "of pixels", Chips: NewChipFigures([]uint64{7, 8, 9}, []float64{0.25, 0.5, 0.75})}},
		Examples: 32, Count: 256, Counted: 64, Seed: 7,
		Notes: []string{"0.conv stays on the host"},
	}
	for i := range cores {
		d.Cores = append(d.Cores, schema.Core{Chip: i % 2, X: i / 2 % 8, Y: i / 16, Layers: []string{"encoder: 1.fire"}, Used: []schema.Amount{{Name: "neurons", Used: float64(100 * (i%10 + 1)), Limit: 1024}, {Name: "axons", Used: 12}}})
	}
	a := LayerAgreement{Network: "encoder", Circuit: "encoder", Layer: "1.fire"}
	for t := range 4 {
		x := float64(t)
		a.Steps = append(a.Steps, StepAgreement{Software: 100 * x, Chip: 90 * x, Both: 90*x - 10*x*x})
	}
	d.Agreement = []LayerAgreement{a, {Network: "encoder", Circuit: "encoder", Layer: "1.same", Steps: []StepAgreement{{5, 5, 5}}}}
	return d
}

// A deployment is on the page, with all that it says.
func TestDeployPage(t *testing.T) {
	f := open(t)
	d := deployed(20)
	one := Images{N: 1, Channels: 1, Height: 2, Width: 2, Pixels: make([]float32, 4), Hi: 1}
	for name, to := range map[string]*string{"digit.software": &d.Software, "digit-chip": &d.Chip} {
		var err error
		if *to, err = f.WriteDeploySheet(name, one); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetDeployment("digit-chip", d); err != nil {
		t.Fatal(err)
	}
	got := page(t, f, Report{Title: "a"})
	_, body, _ := strings.Cut(got, "<body>")
	body = regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=&#;]+`).ReplaceAllString(body, "PICTURE")
	if *update {
		if err := os.WriteFile("testdata/deploy.html", []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/deploy.html")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), body); diff != "" {
		t.Errorf("page (run with -update to accept):\n%s", diff)
	}
	for _, part := range []string{">fits</span>", "its input is &lt;real&gt; values", "<title>core 1, 0: ", "900 of 1,024 neurons", "409 of", "unverified", "0.75 V", "9.9 µJ", "6.78 µs to 1.2 ms", "5.00e-4 to 1.70 ×", "7.8e4 multiply-accumulates", "only 21 % of the network", "events only", "≥ 202 ×", "0.830 to 147 ×"} {
		if strings.Contains(got, part) == (part == "409 of") {
			t.Errorf("%q on the page: %v", part, part == "409 of")
		}
	}
}

// Deployments come in the order of their actions and targets, and those of a model stand side by side.
func TestDeployOrder(t *testing.T) {
	f := open(t)
	put(t, f.dir, "deploy/a.json")
	d := deployed(2)
	for i, x := range []struct {
		action string
		place  int
		target string
	}{{"digit-90.10", 0, "chip"}, {"digit-90.2", 0, "chip(cores = 4)"}, {"digit-90", 1, "chip(cores = 3)"}, {"digit-90", 0, "chip(cores = 2)"}, {"digit", 0, "chip"}, {"digit-100", 0, "chip"}, {"other", 0, "chip"}} {
		d.Action, d.Place, d.Written, d.Model = "deploy "+x.action, x.place, x.target, "digit"
		if x.action == "other" {
			d.Model = "other"
		}
		if err := f.SetDeployment(fmt.Sprint("x", i), d); err != nil {
			t.Fatal(err)
		}
	}
	all, compared, err := f.deployments()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range all {
		got = append(got, d.Title+" "+d.Target)
	}
	want := []string{"digit chip", "digit-90 chip(cores = 2)", "digit-90 chip(cores = 3)", "digit-90.2 chip(cores = 4)", "digit-90.10 chip", "digit-100 chip", "other chip", "a "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(compared) != 1 || len(compared[0].Rows) != 6 || !slices.Equal(compared[0].Figures, []string{"accuracy", "mse"}) {
		t.Fatalf("%+v", compared)
	}
	row := compared[0].Rows[1]
	row.ID = ""
	if diff := cmp.Diff(comparedRow{Title: "digit-90", Target: "chip(cores = 2)", Fits: true, Used: "2 of 128 cores", Host: "79.4 %", Time: "6.78 µs to 1.2 ms",
		Energy: []fact{{"early", "9.9 µJ", "events only"}, {"board", "210 nJ to 730 µJ", "without events"}}, Figures: [][2]string{{"0.975", "0.980"}, {"0.250", "0.100"}}}, row); diff != "" {
		t.Error(diff)
	}
	if got := page(t, f, Report{Title: "a"}); !strings.Contains(got, `<a href="#`+compared[0].Rows[0].ID+`"><code>chip</code></a>`) || !strings.Contains(got, `<h3 id="`+compared[0].Rows[0].ID+`">digit: <code>chip</code>`) {
		t.Error("the table does not lead to the sections")
	}
}

// Whatever a file has, its drawings are XML of bounded size.
func TestDeployDrawings(t *testing.T) {
	wild := deployed(3)
	wild.Cores = append(wild.Cores, schema.Core{Chip: -5, X: 1 << 40, Y: -1, Layers: []string{"<&>"}, Used: []schema.Amount{{Used: math.MaxFloat64, Limit: 1e-300}}})
	wild.Energy = append(wild.Energy, schema.Energy{Profile: "<a>", Part: "<b>", Low: -1, High: math.MaxFloat64}, schema.Energy{Profile: "<a>", Part: "<b>", High: math.MaxFloat64})
	many := deployed(0)
	for i := range 200_000 {
		many.Cores = append(many.Cores, schema.Core{Chip: i / 4096, X: i % 64, Y: i / 64 % 64, Layers: []string{fmt.Sprint("a: ", i)}})
	}
	many.Agreement[0].Steps = make([]StepAgreement, 100_000)
	zero := deployed(0)
	zero.Energy, zero.Baselines, zero.Totals = []schema.Energy{{Profile: "p", Part: schema.Dynamic}}, nil, nil
	for i, d := range []Deployment{deployed(20), wild, many, zero, {}} {
		drawn, _, _ := meshes(d.Cores)
		all := []string{string(energyChart(&d))}
		for _, m := range drawn {
			all = append(all, string(m.SVG))
		}
		for _, a := range agreements(d.Agreement) {
			all = append(all, string(a.SVG))
		}
		size := 0
		for _, svg := range all {
			size += len(svg)
			if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
				t.Errorf("%d: %s", i, svg)
			}
			for x := xml.NewDecoder(strings.NewReader(svg)); ; {
				if _, err := x.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%d: %v\n%s", i, err, svg)
				}
			}
		}
		if size > 4<<20 {
			t.Errorf("%d: %d bytes", i, size)
		}
	}
	if drawn, _, hidden := meshes(many.Cores); len(drawn) != 4 || hidden != 45 || drawn[0].Cores != 4096 {
		t.Errorf("%d chips are drawn, %d are not", len(drawn), hidden)
	}
}

// Quantities are written with a prefix, and intervals with one for both ends where it is the same.
func TestSpans(t *testing.T) {
	var b bytes.Buffer
	for _, v := range [][2]float64{{1e-6, 1e-6}, {1e-6, 2.345e-6}, {9.996e-7, 9.996e-7}, {0, 0}, {0, 3e-9}, {-1, 1}, {1e-30, 1e30}, {999.4, 999.6}, {0.5e-12, 12.34e-12}} {
		fmt.Fprintln(&b, span(v[0], v[1], "J"))
	}
	want := "1 µJ\n1 to 2.35 µJ\n1 µJ\n0 J\n≤ 3 nJ\n≤ 1 J\n1.00e-30 to 1.00e30 J\n999 J to 1 kJ\n500 fJ to 12.3 pJ\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// Constants are written with a prefix of their unit, and numbers without one.
func TestMeasures(t *testing.T) {
	var b strings.Builder
	for _, c := range []schema.Constant{{Value: 2.3e-12, Unit: "J"}, {Value: 16, Unit: "1"}, {Value: 6e7, Unit: "1"}, {Value: 0.1, Unit: "1"}, {Value: 2297, Unit: "pJ"}, {Value: 1000, Unit: "ms"}, {Value: 465, Unit: "ns"}, {Value: 8e7, Unit: "1/s"}, {Value: 2e-12, Unit: "J/event"}, {Value: 3, Unit: "bit"}, {Value: 337, Unit: "us"}, {Value: 5, Unit: "W"}, {Value: -1e-6, Unit: "V"}} {
		b.WriteString(measure(c.Value, c.Unit) + "\n")
	}
	want := "2.3 pJ\n16\n60,000,000\n0.1\n2.3 nJ\n1 s\n465 ns\n80,000,000 s⁻¹\n2 pJ/event\n3 bit\n337 µs\n5 W\n-1 µV\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// What layers use stands in columns, without those that have nothing to tell.
func TestUsed(t *testing.T) {
	got := used([]DeployedLayer{{Layer: "a", Neurons: 10, Used: []schema.Amount{{Name: "cores", Used: 2, Limit: 128}, {Name: "neurons", Used: 10}, {Name: "tick"}}}, {Layer: "host"}, {Layer: "b", Neurons: 5, Used: []schema.Amount{{Name: "axons", Used: 7}, {Name: "tick"}}}})
	want := usedTable{Names: []string{"cores", "axons"}, Rows: []usedRow{{Layer: "a", Amounts: []fact{{Value: "2", More: "of 128"}, {}}}, {Layer: "b", Amounts: []fact{{}, {Value: "7"}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A set of constants has a row with its parts and their sums; a part without a figure is no 0.
func TestSpent(t *testing.T) {
	d := deployed(1)
	want := []spentRow{{Profile: "early", Partial: "events only", Parts: []string{"9.9 µJ", "", "", ""}, Chip: "9.9 µJ", Network: "15.4 µJ"},
		{Profile: "board", Partial: "without events", Parts: []string{"", "≤ 530 µJ", "210 nJ to 120 µJ", "≤ 80 µJ"}, Chip: "210 nJ to 730 µJ", Network: "5.73 to 736 µJ"}}
	if diff := cmp.Diff(want, spent(&d)); diff != "" {
		t.Error(diff)
	}
}
