package plugintest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
)

// tolerated is how far a chip may say that its numbers are off (schema.Loss) and still has to have the spikes of timings: their membranes
// are further from their thresholds than that.
const tolerated = 0.01

// time compares spikes with those of the timings that the chip takes. What it does not take, or takes with other numbers, is said with its
// reason.
func (c *chip) time() (string, error) {
	if c.component.Seeded {
		return "", untested("not: the description has `seeded`, and chips that are not alike do not spike alike")
	}
	h := c.of.host(1)
	all := timings()
	var names, reasons []string
	for _, x := range all {
		if !slices.Contains(names, x.name) {
			names = append(names, x.name)
		}
	}
	spikes, right := 0, []string{}
	var bad *fault                // of the first circuit
	left := map[string][]string{} // names of those that are not judged, by reason
	for _, name := range names {
		judged, why := false, "" // the first reason
		for _, x := range all {
			if x.name != name || judged {
				continue
			}
			n, off, refusal, err := c.timed(h, x)
			switch {
			case err != nil:
				return "", err
			case refusal != "":
				why = cmp.Or(why, refusal)
				continue
			case off == "":
				spikes, right = spikes+n, append(right, name)
			case bad == nil:
				bad = &fault{Time, name + ": " + off, x.rule}
			}
			judged = true
		}
		if !judged {
			if left[why] == nil {
				reasons = append(reasons, why)
			}
			left[why] = append(left[why], name)
		}
	}
	for i, why := range reasons {
		said := fmt.Sprintf("not `%s`: %s", strings.Join(left[why], "`, `"), why)
		if i == len(reasons)-1 && len(right) == 0 && bad == nil {
			return "", untested(said)
		}
		c.of.say(c.title, Time, Untested, said, "")
	}
	if bad != nil {
		return "", bad
	}
	return fmt.Sprintf("%d spikes of `%s`", spikes, strings.Join(right, "`, `")), nil
}

// timed runs a timing: how many spikes are right, or in what the chip is off, or why it is not asked.
func (c *chip) timed(h *host.Host, x timing) (spikes int, off, refusal string, err error) {
	own := &chip{of: c.of, component: c.component, arguments: c.arguments, circuit: x.circuit()}
	said, err := h.Check(c.of.ctx, c.of.name, schema.TargetRequest{Component: c.component.Name, Arguments: c.arguments, Circuits: []schema.Circuit{own.Circuit}})
	if err != nil {
		return 0, "", "", err
	}
	if why := unfit(said); why != "" {
		return 0, "", why, nil
	}
	on, r, err := own.compile(h)
	if err != nil {
		return 0, "", "", err
	}
	defer on.Close()
	if why := lost(r.Losses); why != "" {
		return 0, "", why, nil
	}
	b := host.Block{Circuit: x.name, Steps: own.Steps, Batch: 1, Inputs: x.inputs(), Seeds: []uint64{1}}
	for i, p := range own.Populations {
		block := make([]float32, own.Steps*p.Dims[0])
		if p.Reads {
			block = make([]float32, p.Dims[0])
		} else {
			b.Taps = append(b.Taps, block)
		}
		if i == len(own.Populations)-1 {
			b.Outputs = [][]float32{slices.Clone(block)}
		}
	}
	if _, err := on.Emulate(c.of.ctx, b); err != nil {
		return 0, "", "", err
	}
	spikes, off = x.judge(b)
	return spikes, off, "", nil
}

// judge holds the taps and the output of a block against the trains.
func (x timing) judge(b host.Block) (spikes int, off string) {
	taps := b.Taps
	for i, l := range x.layers {
		if l.Reads {
			for k, v := range l.value {
				if got := float64(b.Outputs[0][k]); !(math.Abs(got-v*l.Scale) <= apartBy*math.Abs(l.Scale)) {
					return 0, fmt.Sprintf("read-out %d of population %d.fire is %v, and by the equations %v", k, i, got, v*l.Scale)
				}
			}
			continue
		}
		if i == len(x.layers)-1 && !slices.Equal(b.Outputs[0], taps[0]) {
			return 0, fmt.Sprintf("the output of population %d.fire and its tap are other spikes", i)
		}
		for k, want := range l.train {
			got := trainOf(taps[0], k, len(l.train))
			if got != want {
				off := fmt.Sprintf("neuron %d of population %d.fire spikes at the time steps `%s`, and by the equations at `%s`", k, i, got, want)
				switch {
				case got[1:] == want[:len(want)-1]:
					off += ", a step late"
				case got[:len(got)-1] == want[1:]:
					off += ", a step early"
				}
				return 0, off
			}
			spikes += strings.Count(got, "|")
		}
		taps = taps[1:]
	}
	return spikes, ""
}

// trainOf is that of a neuron in a block of an example.
func trainOf(block []float32, neuron, of int) string {
	var b strings.Builder
	for ; neuron < len(block); neuron += of {
		if block[neuron] == 0 {
			b.WriteByte('.')
		} else {
			b.WriteByte('|')
		}
	}
	return b.String()
}

// unfit is why a circuit is not on the chip, or not all of it; "" where it is.
func unfit(r schema.TargetReply) string {
	if len(r.Complaints) > 0 {
		return r.Complaints[0].Summary
	}
	for _, l := range r.Layers {
		if l.Problem != "" {
			return l.Problem
		}
	}
	if !r.Fits {
		return "it does not fit"
	}
	return ""
}

// lost is in what a chip says that its numbers are off; "" where they are near.
func lost(all []schema.Loss) string {
	for _, l := range all {
		for _, x := range []struct {
			what string
			off  float64
		}{
			{"weights are off", l.Weights}, {"bias is off", l.Bias}, {"threshold is off", l.Threshold}, {"decay is off", l.Decay}, {"share of weights that become 0 is more", l.Zeroed},
		} {
			if math.Abs(x.off) > tolerated {
				return fmt.Sprintf("its losses say that the %s by %.2g", x.what, x.off)
			}
		}
		if l.Clipped > 0 {
			return fmt.Sprintf("its losses say that %d numbers are clipped", l.Clipped)
		}
	}
	return ""
}
