package emulator

import (
	"snnc.dev/snnc/plugins/schema"
)

// Work is what the chips did and what they are.
type Work struct {
	Ticks            float64
	Synops           float64
	Active, Inactive float64 // updates
	Spikes           float64
	Messages         float64 // to cores
	Across, Down     float64 // tiles that messages pass, east or west and north or south
	Cores, Chips     int
	Generation       int // 2: Loihi 2; else Loihi
}

// names lists the names of constants in the order of terms.
type term struct {
	name  string
	times float64
}

func sum(terms ...term) (joules float64, from []string) {
	for _, t := range terms {
		joules += t.times * value(t.name)
		from = append(from, t.name)
	}
	return joules, from
}

// Energy returns what the work costs by two sets of constants: events, and under each set what each step costs besides, what time costs
// and the embedded processors, which boards tell. Of Loihi 2 no energy per operation is published: what is given is scaled from one measured network.
func (w Work) Energy() []schema.Energy {
	time := w.Time()[0]
	least, most := time.Used, time.Limit
	chips := float64(max(w.Chips, 1))
	updates := w.Active + w.Inactive
	if w.Generation == 2 {
		high, from := sum(term{"loihi2.neuron_step", updates})
		static := value("loihi2.static") * chips
		return []schema.Energy{
			{Profile: "loihi2.extrapolated", Part: schema.Dynamic, High: high, From: from, Note: "no energy per operation is published: at most what a measured network spent on each neuron and step, all in"},
			{Profile: "loihi2.extrapolated", Part: schema.Static, Low: static * least, High: static * most, From: []string{"loihi2.static"}},
		}
	}
	d, dFrom := sum(term{"davies2018.synop", w.Synops}, term{"davies2018.active", w.Active}, term{"davies2018.inactive", w.Inactive},
		term{"davies2018.spike", w.Messages}, term{"davies2018.hop_across", w.Across}, term{"davies2018.hop_down", w.Down})
	rest := []term{{"boyle2025.soma_access", updates}, {"boyle2025.soma_update", w.Active}, {"boyle2025.soma_spike", w.Spikes},
		{"boyle2025.message", w.Messages}, {"boyle2025.hop_across", w.Across}, {"boyle2025.hop_down", w.Down}}
	low, bFrom := sum(append([]term{{"boyle2025.synop_least", w.Synops}}, rest...)...)
	high, _ := sum(append([]term{{"boyle2025.synop_most", w.Synops}}, rest...)...)
	out := []schema.Energy{
		{Profile: "davies2018", Part: schema.Dynamic, Low: d, High: d, From: dFrom, Note: "before silicon, at 0.75 V"},
		{Profile: "boyle2025", Part: schema.Dynamic, Low: low, High: high, From: append(bFrom, "boyle2025.synop_most"), Note: "fitted to a board, from sums of products of convolutions to dense ones"},
	}
	for _, events := range out[:2:2] { // neither set has more than events, and a total of either has what boards spent besides
		out = append(out,
			schema.Energy{Profile: events.Profile, Part: schema.PerStep, High: chips * w.Ticks * value("board.step_most"), From: []string{"board.step_most"}, Note: "the energy of the barrier is not published; at most what a board spent on the steps of a network without neurons, for each chip"},
			schema.Energy{Profile: events.Profile, Part: schema.Static, Low: chips * least * value("board.idle_boot"), High: chips * most * value("board.chip_static"), From: []string{"board.idle_boot", "board.chip_static"}},
			schema.Energy{Profile: events.Profile, Part: schema.HostIO, High: chips * most * value("board.processors"), From: []string{"board.processors"}, Note: "embedded processors, which are awake where the host sends or reads in every step; what a spike from the host costs on its way is not published and not counted"})
	}
	return out
}

// Time returns one amount of seconds: at least what the cores need if work spreads evenly over them; at most what they need if all
// synaptic events are in one core, or what a board took for as many steps with input, whichever is more.
func (w Work) Time() []schema.Amount {
	cores := float64(max(w.Cores, 1))
	soma, synapse, spike := 1.0, 1.0, 1.0
	barrier, barrierMost, step := value("davies2018.barrier_least"), value("boyle2025.barrier_most"), value("board.step_time")
	if w.Generation == 2 { // twice, five and ten times as fast (Intel, Loihi 2 technology brief, 2021)
		soma, synapse, spike = 1.0/2, 1.0/5, 1.0/10
		barrier, barrierMost, step = value("loihi2.barrier_least"), value("loihi2.barrier_most"), value("loihi2.step_time")
	}
	updates := w.Active*value("davies2018.active_time") + w.Inactive*value("davies2018.inactive_time")
	least := w.Ticks*barrier + (soma*updates+synapse*w.Synops*value("davies2018.synop_time"))/cores
	most := w.Ticks*barrierMost + (soma*(w.Active+w.Inactive)*value("boyle2025.soma_time")+spike*w.Spikes*value("boyle2025.spike_time"))/cores + synapse*w.Synops*value("boyle2025.synop_time")
	return []schema.Amount{{Name: "steps", Used: least, Limit: max(least, most, w.Ticks*step)}}
}
