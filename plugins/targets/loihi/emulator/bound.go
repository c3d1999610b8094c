package emulator

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// The bounds of what an emulation holds and of what a trace computes and prints.
const (
	maxHeld    = 1 << 26 // entries of synapse lists: some 50 bytes each while they are made
	maxPrinted = 1 << 22 // numbers
	maxTicks   = 1 << 31 // compartments times steps: half a minute on a slow processor
)

// held counts the entries that the synapses of a validated network take, before any is made. Rows of weights that a dense or
// convolutional spike reaches together are one entry; sources have one each, and so have elements of a view.
func (n *Network) held() error {
	dims := map[string][]int{}
	for _, in := range n.Inputs {
		dims[in.Name] = in.Dims
	}
	for i := range n.Groups {
		dims[n.Groups[i].Name] = n.Groups[i].Dims
	}
	all := 0
	for i := range n.Synapses {
		s := &n.Synapses[i]
		from, to := dims[s.From], dims[s.To]
		entries := circuit.Size(from) * len(s.delays())
		if s.Kind == list {
			entries += len(s.Weights.List)
		} else {
			geometry := s.geometry(from, to)
			view := circuit.Size(geometry.View.Dims)
			entries += view
			switch geometry.Kind {
			case schema.Dense:
				entries += view
			case schema.Conv, schema.Deconv:
				entries += circuit.Count(&geometry, to) / to[0]
			default:
				entries += circuit.Count(&geometry, to)
			}
		}
		if all += entries; all > maxHeld {
			return fmt.Errorf("synapses[%d], from %q to %q, take %d entries of synapse lists, which makes %d with those before them, and an emulation holds at most %d: make the kernel, the source or the target smaller", i, s.From, s.To, entries, all, maxHeld)
		}
	}
	return nil
}

// traced says why a network is not traced: it is too long, or prints too much.
func (n *Network) traced() error {
	all, size := 0, 0
	for i := range n.Groups {
		k := circuit.Size(n.Groups[i].Dims)
		all += k
		if n.recorded(i) {
			size += k
		}
	}
	if steps := max(n.Steps-n.From, 0); 2*size*steps > maxPrinted {
		return fmt.Errorf("%d steps of %d compartments are %d numbers, and at most %d are printed: name fewer groups in record, or begin later with from", steps, size, 2*size*steps, maxPrinted)
	}
	if all*n.Steps > maxTicks {
		return fmt.Errorf("%d steps of %d compartments are %d updates, and a trace computes at most %d: write at most %d steps, or fewer compartments", n.Steps, all, all*n.Steps, maxTicks, maxTicks/all)
	}
	return nil
}
