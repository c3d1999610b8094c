package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/record"
)

// A network of which the host does nine tenths is compared with what chip and host take together, and the part on the chip with the chip alone.
func TestBaselines(t *testing.T) {
	deployed := func() *record.Deployment {
		return &record.Deployment{
			Layers: []record.DeployedLayer{
				{Network: "n", Layer: "conv", Where: record.OnHost, Operations: 9000},
				{Network: "n", Layer: "fire", Where: record.OnChip, Circuit: "n", Synapses: 125, Software: &record.SoftwareActivity{Synops: 200}},
			},
			Circuits: []record.DeployedCircuit{{Name: "n", Network: "n", Steps: 4, Runs: 2}},
			Seconds:  record.Bounds{Low: 0, High: 1},
			Totals: []record.Total{{Profile: "events", Bounds: record.Bounds{Low: 1e-9, High: 1e-9}, Parts: []schema.EnergyPart{schema.Dynamic}},
				{Profile: "board", Bounds: record.Bounds{Low: 0, High: 1e-6}}},
			CPU: &record.CPU{Seconds: 3, Host: 1, Threads: 1},
		}
	}
	d := deployed()
	Baselines(d, &Placed{}, 5000)
	var b strings.Builder
	fmt.Fprintf(&b, "%g of the host, %g of the chip: %s\n", d.HostOperations, d.ChipOperations, d.Caution)
	fmt.Fprintf(&b, "host %.4g J\n", d.Host.Joules)
	for _, w := range d.Whole {
		fmt.Fprintf(&b, "%s %v %.5g to %.5g J\n", w.Profile, w.Parts, w.Low, w.High)
	}
	for _, x := range d.Baselines {
		fmt.Fprintf(&b, "%s, %s, against %s: %g s, %.4g to %.4g J; %.4g to %.4g", x.Name, x.Label, x.Of, x.Seconds, x.Low, x.High, x.Faster.Low, x.Faster.High)
		for _, r := range x.Ratios {
			fmt.Fprintf(&b, "; %s %v %.5g to %.5g", r.Profile, r.Parts, r.Low, r.High)
		}
		b.WriteByte('\n')
	}
	// 9,000 operations at 4.6 pJ are 41.4 nJ; 5,000 are 23 nJ; 9,200 additions at 0.9 pJ are 8.28 nJ; a thread takes 2 to 15 W.
	want := `9000 of the host, 1000 of the chip: only 10 % of the network's operations run on the chip, and the host does the others: what the chip takes is not what the network takes
host 4.14e-08 J
events [dynamic] 4.24e-08 to 4.24e-08 J
board [] 4.14e-08 to 1.0414e-06 J
the part on the chip, simulated on this processor, assumed, against the chip: 2 s, 4 to 30 J; 2 to 0; events [dynamic] 4e+09 to 3e+10; board [] 4e+06 to 0
the whole network, simulated on this processor, assumed, against the chip and the host's part on this processor: 3 s, 6 to 45 J; 1.5 to 3; events [dynamic] 3 to 3; board [] 3 to 3
the ANN: the same layers without spikes, model, against the chip and the host's part at 4.6 pJ an operation: 0 s, 2.3e-08 to 2.3e-08 J; 0 to 0; events [dynamic] 0.54245 to 0.54245; board [] 0.022086 to 0.55556
the same spikes as additions, model, against the chip and the host's part at 4.6 pJ an operation: 0 s, 8.28e-09 to 8.28e-09 J; 0 to 0; events [dynamic] 0.19528 to 0.19528; board [] 0.0079508 to 0.2
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	d = deployed()
	d.Layers[1].Synapses = 1125 // as much as the host does
	d.CPU.Host = 3              // the clock does not tell the chip's part apart
	Baselines(d, &Placed{}, 5000)
	if d.Caution != "" || len(d.Baselines) != 3 || d.Baselines[0].Of != record.OfTime {
		t.Errorf("%+v", d)
	}
}
