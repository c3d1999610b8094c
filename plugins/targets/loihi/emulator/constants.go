package emulator

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// The sources of constants.
const (
	davies  = "Davies et al., Loihi: A Neuromorphic Manycore Processor with On-Chip Learning, IEEE Micro 38(1), 2018, table 2"
	boyle   = "SANA-FE (Boyle et al., IEEE TCAD 2025), arch/loihi.yaml: fitted to a Nahuku board"
	logs    = "abr/power_benchmarks, logs of a Wolf Mountain board, means of both rails"
	frady   = "Frady et al., Neuromorphic Nearest-Neighbor Search Using Intel's Pohoiki Springs, 2020"
	orchard = "lava-dl, pilotnet_snn/benchmark.ipynb: an Oheo Gulch board"
)

// untold is the voltage of what was measured where its source does not say.
const untold = "not told"

// constants are all figures that Energy and Time compute with, by name.
var constants = []schema.Constant{
	{Name: "davies2018.spike", Value: 1.7, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.hop_across", Value: 3.0, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.hop_down", Value: 4.0, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.synop", Value: 23.6, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: davies + " (the least)"},
	{Name: "davies2018.active", Value: 81, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.inactive", Value: 52, Unit: "pJ", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.synop_time", Value: 3.5, Unit: "ns", Voltage: "0.75 V", Kind: "spice", Source: davies + " (the most)"},
	{Name: "davies2018.active_time", Value: 8.4, Unit: "ns", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.inactive_time", Value: 5.3, Unit: "ns", Voltage: "0.75 V", Kind: "spice", Source: davies},
	{Name: "davies2018.barrier_least", Value: 113, Unit: "ns", Voltage: "0.75 V", Kind: "spice", Source: davies + ", one tile"},
	{Name: "davies2018.barrier_most", Value: 465, Unit: "ns", Voltage: "0.75 V", Kind: "spice", Source: davies + ", 32 tiles"},
	{Name: "boyle2025.synop_least", Value: 24.0, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle + ", convolution"},
	{Name: "boyle2025.synop_most", Value: 35.5, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle + ", dense"},
	{Name: "boyle2025.soma_access", Value: 51.2, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.soma_update", Value: 21.6, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.soma_spike", Value: 69.3, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.message", Value: 111, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.hop_across", Value: 3.0, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.hop_down", Value: 4.2, Unit: "pJ", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.synop_time", Value: 4.7, Unit: "ns", Voltage: untold, Kind: "fit", Source: boyle + ", sparse"},
	{Name: "boyle2025.soma_time", Value: 9.7, Unit: "ns", Voltage: untold, Kind: "fit", Source: boyle + ", access and update"},
	{Name: "boyle2025.spike_time", Value: 30, Unit: "ns", Voltage: untold, Kind: "fit", Source: boyle},
	{Name: "boyle2025.barrier_most", Value: 1800, Unit: "ns", Voltage: untold, Kind: "fit", Source: boyle + ", 29 tiles"},
	{Name: "board.idle_boot", Value: 29.6, Unit: "mW", Voltage: untold, Kind: "silicon", Source: logs + ", idle after boot"},
	{Name: "board.processors", Value: 66.7, Unit: "mW", Voltage: untold, Kind: "derived", Source: logs + ": 96.3 mW idle behind a run less 29.6 mW; Frady et al. 2020 say 65 mW a chip"},
	{Name: "board.step_most", Value: 8.9, Unit: "uJ", Voltage: untold, Kind: "derived", Source: logs + ": (107.5 - 96.3) mW of a network of no copies, at 795 us a step"},
	{Name: "board.step_time", Value: 337, Unit: "us", Voltage: untold, Kind: "silicon", Source: logs + ", keyword spotter with input in every step"},
	{Name: "board.chip_static", Value: 104, Unit: "mW", Voltage: untold, Kind: "derived", Source: frady + ": 3.34 W of 32 chips"},
	{Name: "loihi2.neuron_step", Value: 575, Unit: "pJ", Voltage: untold, Kind: "derived", Source: orchard + ": 68.3 uJ a step over 118,909 neurons, all in", Unverified: true},
	{Name: "loihi2.static", Value: 232, Unit: "mW", Voltage: untold, Kind: "silicon", Source: orchard, Unverified: true},
	{Name: "loihi2.step_time", Value: 152.8, Unit: "us", Voltage: untold, Kind: "silicon", Source: orchard, Unverified: true},
	{Name: "loihi2.barrier_least", Value: 66.7, Unit: "ns", Voltage: untold, Kind: "derived", Source: boyle + ", one tile: 600 ns, of which Loihi 2 takes a ninth where a step takes less than 200 ns on all tiles", Unverified: true},
	{Name: "loihi2.barrier_most", Value: 200, Unit: "ns", Voltage: untold, Kind: "derived", Source: "Intel Loihi 2 technology brief, 2021: a step of a chip takes less", Unverified: true},
}

// Constants returns the constants that the energy of a generation is computed from.
func Constants(generation int) []schema.Constant {
	var out []schema.Constant
	for _, c := range constants {
		second := c.Name[:6] == "loihi2"
		if second == (generation == 2) || generation == 2 && c.Unit == "ns" {
			out = append(out, c)
		}
	}
	return out
}

// value is that of a constant, in joules, seconds or watts.
func value(name string) float64 {
	i := slices.IndexFunc(constants, func(c schema.Constant) bool { return c.Name == name })
	c := constants[i] // a name that is none is a mistake in this package, which its tests find
	return c.Value * map[string]float64{"pJ": 1e-12, "uJ": 1e-6, "ns": 1e-9, "us": 1e-6, "mW": 1e-3}[c.Unit]
}
