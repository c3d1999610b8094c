package record

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
)

// Deployment is what a deploy action says of one target: how trained networks lie on the chip, what was lost on the way, and what the
// emulated chip did, which JSON and the page show.
type Deployment struct {
	Action    string           `json:"action"` // such as "deploy digit"
	Model     string           `json:"model"`
	Place     int              `json:"place"`   // of the target among those of the action
	Target    string           `json:"target"`  // the component
	Written   string           `json:"written"` // the target as the spec has it: chip(cores = 4)
	Arguments schema.Arguments `json:"arguments,omitempty"`

	// Fits is the verdict. Where it is false there are problems, and nothing was emulated: what is below Layers is empty.
	Fits     bool               `json:"fits"`
	Problems []schema.Placement `json:"problems,omitempty"`

	// Used, Chips and Cores are of all circuits together.
	Used  []schema.Amount `json:"used,omitempty"`
	Chips int             `json:"chips,omitempty"`
	Cores []schema.Core   `json:"cores,omitempty"`

	// Inference says what the figures per inference are of: "a sample of sampler dpm", "an example classified".
	Inference string          `json:"inference"`
	Layers    []DeployedLayer `json:"layers"`

	Circuits []DeployedCircuit `json:"circuits,omitempty"`
	// Ticks are steps of the chip in an inference, and Seconds how long these take; no work of the host is in it.
	Ticks     float64           `json:"ticks,omitempty"`
	Seconds   Bounds            `json:"seconds,omitzero"`
	Energy    []schema.Energy   `json:"energy,omitempty"` // of the chip in an inference, by profile and part
	Totals    []Total           `json:"totals,omitempty"` // its sums by profile
	Constants []schema.Constant `json:"constants,omitempty"`

	// HostOperations are the multiply-accumulates that the host does in an inference beside the chip, and ChipOperations those that it would
	// do in place of the chip: one for each synapse and time step. Caution says where less than half of them are the chip's.
	HostOperations float64 `json:"host_operations,omitempty"`
	ChipOperations float64 `json:"chip_operations,omitempty"`
	Caution        string  `json:"caution,omitempty"`
	// Host is the energy of HostOperations; Whole are Totals with it: what the whole network takes.
	Host      *HostEnergy `json:"host,omitempty"`
	Whole     []Total     `json:"whole,omitempty"`
	Baselines []Baseline  `json:"baselines,omitempty"`
	// CPU is the same networks in software on the machine that the action ran on; it is measured and differs from run to run.
	CPU *CPU `json:"cpu,omitempty"`

	Figures   []DeployedFigure `json:"figures,omitempty"`
	Agreement []LayerAgreement `json:"agreement,omitempty"`

	Examples int    `json:"examples"` // of which rates are measured and spikes compared
	Count    int    `json:"count"`    // samples drawn, or examples judged
	Counted  int    `json:"counted"`  // inferences whose activities, energy and time are summed
	Seed     uint64 `json:"seed"`

	Notes []string `json:"notes,omitempty"`
	// Software and Chip are files in the run folder with a sheet of samples each, drawn with the same seeds; "" where none are drawn.
	Software string `json:"software,omitempty"`
	Chip     string `json:"chip,omitempty"`
}

// Bounds is an interval of a quantity.
type Bounds struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Total is the energy of an inference by one set of constants, in joules, or a ratio to it.
type Total struct {
	Profile string `json:"profile"`
	Bounds
	Parts []schema.EnergyPart `json:"parts,omitempty"` // what the set has figures of
}

// HostEnergy is the energy of what the host computes in an inference.
type HostEnergy struct {
	Joules float64 `json:"joules"`
	Note   string  `json:"note"` // how it is computed
}

// DeployedCircuit is a circuit that is compiled.
type DeployedCircuit struct {
	Name     string  `json:"name"`
	Network  string  `json:"network"`
	Steps    int     `json:"steps"` // time steps of the network
	Ticks    int     `json:"ticks"` // steps of the chip for one run of it
	Runs     float64 `json:"runs"`  // in an inference: as often as its network is applied
	Neurons  int     `json:"neurons"`
	Synapses int     `json:"synapses"`
}

// The places where a layer is computed.
const (
	OnChip = "chip"
	OnHost = "host"
)

// DeployedLayer is one layer of a network. Of what is on the chip all amounts are those of an inference, in the mean of Counted ones.
type DeployedLayer struct {
	Network string `json:"network"` // the role that it fills
	Layer   string `json:"layer"`   // structural name
	Where   string `json:"where"`   // OnChip or OnHost
	Circuit string `json:"circuit,omitempty"`
	Kind    string `json:"kind,omitempty"`   // of host work: conv, linear, neuron, maxpool ...
	Reason  string `json:"reason,omitempty"` // why the host computes it

	// Operations are the multiply-accumulates of host work in an inference.
	Operations float64 `json:"operations,omitempty"`

	Neurons  int               `json:"neurons,omitempty"`
	Synapses int               `json:"synapses,omitempty"`
	Measured *schema.Measured  `json:"measured,omitempty"` // in software
	Used     []schema.Amount   `json:"used,omitempty"`
	Loss     *schema.Loss      `json:"loss,omitempty"`
	Activity *schema.Activity  `json:"activity,omitempty"` // on the chip
	Software *SoftwareActivity `json:"software,omitempty"` // in software, where it is given what the chip is given
}

// SoftwareActivity is what a layer does in software in an inference, in the mean of Examples ones.
type SoftwareActivity struct {
	Spikes []float64 `json:"spikes"` // at each time step
	Synops float64   `json:"synops"` // synaptic events: one synapse that a spike reaches
}

// Spent lists in words, for each set of constants, what an inference takes on the chip and with the host's part.
func (d *Deployment) Spent() (out []string) {
	for i, t := range d.Totals {
		text := span(t.Low, t.High, "J")
		if d.Host != nil && i < len(d.Whole) {
			text += " on the chip and " + span(d.Whole[i].Low, d.Whole[i].High, "J") + " with the host's part"
		}
		text += " for " + d.Inference + ", by " + t.Profile
		if some := partial(t.Parts); some != "" {
			text += ", " + some
		}
		out = append(out, text)
	}
	return out
}

// Baseline is the energy of an inference on something else than the chip, in joules.
type Baseline struct {
	Name  string  `json:"name"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Note  string  `json:"note"`  // how it is computed
	Label string  `json:"label"` // what it is worth: "model" or "assumed"
	Of    string  `json:"of"`    // what it is compared with: OfChip, OfTime, OfOperations
	// Seconds is how long it takes; 0 where nobody knows. Faster is that time divided by the one that it is compared with.
	Seconds float64 `json:"seconds,omitempty"`
	Faster  Bounds  `json:"faster,omitzero"`
	// Ratios are this energy divided by the one that it is compared with, by profile. A High of 0 is no bound.
	Ratios []Total `json:"ratios,omitempty"`
}

// What a baseline is compared with: as much of the network as it has itself.
const (
	OfChip       = "the chip"
	OfTime       = "the chip and the host's part on this processor"
	OfOperations = "the chip and the host's part at 4.6 pJ an operation"
)

// CPU is a measured time.
type CPU struct {
	Seconds float64 `json:"seconds"` // of an inference, by the clock on the wall
	Host    float64 `json:"host"`    // of what the host does in one beside the chip, by the same clock
	Threads int     `json:"threads"`
}

// DeployedFigure is a metric of the software and of the chip, on the same seeds.
type DeployedFigure struct {
	Name     string  `json:"name"`
	Software float64 `json:"software"`
	Chip     float64 `json:"chip"`
	// Intervals of 95% over other samples or examples; none where there is no such thing.
	SoftwareInterval Interval `json:"software_interval,omitzero"`
	ChipInterval     Interval `json:"chip_interval,omitzero"`
	Of               string   `json:"of"` // what is judged: "the first 64 examples of test", "256 samples"
	Recipe           string   `json:"recipe"`
	// Chips is the metric of several chips of a target whose chips are not alike, of which Chip is the first; nil where there is one.
	Chips *ChipFigures `json:"chips,omitempty"`
}

// String writes both, as "accuracy = 0.9 in 0.8..0.95 on the chip, 1 in software, of the first 64 examples of test", or "accuracy = 0.9 ± 0.03
// on 10 chips, 1 in software".
func (f DeployedFigure) String() string {
	chip := f.ChipInterval.around(f.Chip) + " on the chip"
	if c := f.Chips; c != nil {
		chip = fmt.Sprintf("%.4g ± %.2g on %d chips", c.Mean, c.Deviation, len(c.Values))
	}
	text := fmt.Sprintf("%s = %s, %s in software", f.Name, chip, f.SoftwareInterval.around(f.Software))
	if f.Of != "" {
		text += ", of " + f.Of
	}
	return text
}

// around writes a number with its interval, if it has one.
func (i Interval) around(v float64) string {
	if i == (Interval{}) {
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.4g in %.4g..%.4g", v, i.Low, i.High)
}

// ChipFigures is a metric of several chips. They are compiled with these seeds; samples and examples are the same.
type ChipFigures struct {
	Seeds     []uint64  `json:"seeds"`
	Values    []float64 `json:"values"`
	Mean      float64   `json:"mean"`
	Deviation float64   `json:"deviation"` // the standard deviation of chips
}

// NewChipFigures adds up a metric of two chips or more.
func NewChipFigures(seeds []uint64, values []float64) *ChipFigures {
	f := &ChipFigures{Seeds: seeds, Values: values}
	for _, v := range values {
		f.Mean += v / float64(len(values))
	}
	for _, v := range values {
		f.Deviation += (v - f.Mean) * (v - f.Mean) / float64(len(values)-1)
	}
	f.Deviation = math.Sqrt(f.Deviation)
	return f
}

// LayerAgreement compares the spikes of a layer on the chip with those in software, where both are given the same inputs of the circuit and
// run freely from there.
type LayerAgreement struct {
	Network string          `json:"network"`
	Circuit string          `json:"circuit"`
	Layer   string          `json:"layer"`
	Steps   []StepAgreement `json:"steps"` // by time step
	Raster  *Raster         `json:"raster,omitempty"`
}

// StepAgreement counts spikes of all neurons, examples and applications together.
type StepAgreement struct {
	Software float64 `json:"software"`
	Chip     float64 `json:"chip"`
	Both     float64 `json:"both"` // at the same neuron
}
