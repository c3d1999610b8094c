package record

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// mesh is the picture of a chip's cores.
type mesh struct {
	Chip, Cores int
	Fill        string // the mean of the cores in use
	SVG         template.HTML
}

// swatch is a colour and the layer that it is of.
type swatch struct {
	Colour template.CSS
	Layer  string
}

// The bounds of what is drawn: a file that somebody has put into the folder may have more.
const (
	mostChips  = 16
	mostSide   = 256 // cores in a row
	mostCores  = 1 << 14
	mostRows   = 512 // layers of a strip
	mostLegend = 24
	meshSize   = 300.0
)

// colour is that of a layer's cores: hues of neighbours are far apart.
func colour(i int) string {
	return fmt.Sprintf("hsl(%d, 58%%, 45%%)", (212+i*137)%360)
}

// cores says how many cores are in use, and of how many; "" where none is drawn.
func cores(d *Deployment) string {
	if len(d.Cores) == 0 {
		return ""
	}
	i := slices.IndexFunc(d.Used, func(a schema.Amount) bool { return a.Used == float64(len(d.Cores)) && a.Limit > 0 })
	if i < 0 {
		return Grouped(len(d.Cores)) + " " + plural(len(d.Cores), "core") + " in use"
	}
	return Amount(d.Used[i]) + " in use"
}

// fill is the share of a core that is used, of the thing that it has used most of; 0 where nothing has a limit.
func fill(c *schema.Core) float64 {
	most := 0.0
	for _, a := range c.Used {
		if a.Limit > 0 {
			most = max(most, a.Used/a.Limit)
		}
	}
	return min(max(most, 0), 1)
}

// meshes draws the cores of each chip at their places, in the colour of their first layer and as strong as they are full. It returns which
// colours are of which layers, and how many chips are not drawn, too.
func meshes(cores []schema.Core) (out []mesh, legend []swatch, hidden int) {
	width, height := 0, 0
	colours, circuits := map[string]int{}, map[string]bool{}
	for i := range cores {
		layer := first(cores[i])
		if _, told := colours[layer]; told {
			continue
		}
		colours[layer] = len(colours)
		name, _, _ := strings.Cut(layer, ": ")
		if circuits[name] = true; layer != "" && len(legend) < mostLegend {
			legend = append(legend, swatch{template.CSS(colour(colours[layer])), layer})
		}
	}
	if len(circuits) == 1 { // whose name tells nothing
		for i := range legend {
			if _, rest, ok := strings.Cut(legend[i].Layer, ": "); ok {
				legend[i].Layer = rest
			}
		}
	}
	of := map[int][]*schema.Core{}
	for i := range cores {
		c := &cores[i]
		of[c.Chip] = append(of[c.Chip], c)
		if c.X < 0 || c.Y < 0 || c.X >= mostSide || c.Y >= mostSide {
			continue
		}
		width, height = max(width, c.X+1), max(height, c.Y+1)
	}
	chips := make([]int, 0, len(of))
	for chip := range of {
		chips = append(chips, chip)
	}
	slices.Sort(chips)
	drawn := 0
	for i, chip := range chips {
		list := of[chip]
		if i >= mostChips || drawn+len(list) > mostCores || width == 0 {
			return out, legend, len(chips) - i
		}
		drawn += len(list)
		out = append(out, newMesh(chip, list, width, height, colours))
	}
	return out, legend, 0
}

// first is the first layer of a core; "" of one without.
func first(c schema.Core) string {
	if len(c.Layers) == 0 {
		return ""
	}
	return c.Layers[0]
}

func newMesh(chip int, list []*schema.Core, width, height int, colours map[string]int) mesh {
	cell := min(28, meshSize/float64(max(width, height)))
	gap := min(1.5, cell/10)
	sum := 0.0
	var b strings.Builder
	w, h := cell*float64(width), cell*float64(height)
	fmt.Fprintf(&b, `<svg class="mesh" viewBox="0 0 %.2f %.2f" style="max-width: %.0fpx" role="img" aria-label="%d cores of chip %d">`, w, h, w, len(list), chip)
	fmt.Fprintf(&b, `<rect class="die" width="%.2f" height="%.2f"/>`, w, h)
	for _, c := range list {
		full := fill(c)
		sum += full
		if c.X < 0 || c.Y < 0 || c.X >= width || c.Y >= height {
			continue
		}
		fmt.Fprintf(&b, `<rect class="core" x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s" fill-opacity="%.2f"><title>core %d, %d: %s`, cell*float64(c.X)+gap, cell*float64(c.Y)+gap, cell-2*gap, cell-2*gap, colour(colours[first(*c)]),
			0.2+0.8*full, c.X, c.Y, percent(full))
		for _, l := range c.Layers {
			b.WriteString("\n" + template.HTMLEscapeString(l))
		}
		for _, a := range c.Used {
			b.WriteString("\n" + template.HTMLEscapeString(Amount(a)))
		}
		b.WriteString(`</title></rect>`)
	}
	b.WriteString(`</svg>`)
	return mesh{chip, len(list), percent(sum / float64(len(list))), template.HTML(b.String())}
}

// agreementRow is how much a layer's spikes are the same on the chip and in software.
type agreementRow struct {
	Circuit string // "" where it is that of the row before
	Layer   string
	Same    string // of all steps
	Rate    string // the chip's spikes for each of software
	SVG     template.HTML
}

// same is the share of spikes that both have of those that either has; 1 where neither has any.
func same(s StepAgreement) float64 {
	if any := s.Software + s.Chip - s.Both; any > 0 {
		return min(max(s.Both/any, 0), 1)
	}
	return 1
}

// agreements draws a strip of time steps for each layer, whose colour goes over into that of a warning the fewer of its spikes are the same.
func agreements(layers []LayerAgreement) (out []agreementRow) {
	before := ""
	for i, l := range layers {
		if i == mostRows {
			break
		}
		row := agreementRow{Layer: l.Layer}
		if l.Circuit != before || i == 0 {
			row.Circuit, before = l.Circuit, l.Circuit
		}
		var sum StepAgreement
		for _, s := range l.Steps {
			sum.Software, sum.Chip, sum.Both = sum.Software+s.Software, sum.Chip+s.Chip, sum.Both+s.Both
		}
		if row.Same = percent(same(sum)); sum.Software+sum.Chip == 0 {
			row.Same = "no spikes"
		}
		if sum.Software > 0 {
			row.Rate = number(sum.Chip/sum.Software) + " ×"
		}
		if n := len(l.Steps); n > 0 {
			var b strings.Builder
			shown := min(n, mostPoints)
			fmt.Fprintf(&b, `<svg class="heat" viewBox="0 0 %d 1" preserveAspectRatio="none" role="img" aria-label="%s: spikes that are the same: %s">`, shown, template.HTMLEscapeString(l.Layer), row.Same)
			for i := range shown {
				from, to := i*n/shown, (i+1)*n/shown
				var s StepAgreement
				for _, x := range l.Steps[from:to] {
					s.Software, s.Chip, s.Both = s.Software+x.Software, s.Chip+x.Chip, s.Both+x.Both
				}
				steps := fmt.Sprintf("step %d", from)
				if to-from > 1 {
					steps = fmt.Sprintf("steps %d to %d", from, to-1)
				}
				class, opacity := "silent", 1.0
				if s.Software+s.Chip > 0 { // what is not the same lies over what is
					fmt.Fprintf(&b, `<rect class="same" x="%d" width="1" height="1"/>`, i)
					class, opacity = "other", 1-same(s)
				}
				fmt.Fprintf(&b, `<rect class="%s" x="%d" width="1" height="1" fill-opacity="%.3f"><title>%s: %s spikes in software, %s on the chip, %s the same</title></rect>`, class, i, opacity, steps, Quantity(round(s.Software)), Quantity(round(s.Chip)), Quantity(round(s.Both)))
			}
			b.WriteString(`</svg>`)
			row.SVG = template.HTML(b.String())
		}
		out = append(out, row)
	}
	return out
}

// bar is a row of the chart of energies.
type bar struct {
	label     string
	low, high float64
	class     string
	head      bool // a heading without bar
}

// energyChart draws the energies of an inference as intervals on a logarithmic axis: for each set of constants its parts, their sum and
// that of the whole network, and apart from these what other things take.
func energyChart(d *Deployment) template.HTML {
	var bars []bar
	for _, profile := range inOrder(d.Energy, func(e schema.Energy) string { return e.Profile }) {
		bars = append(bars, bar{label: profile, head: true})
		of := slices.DeleteFunc(slices.Clone(d.Energy), func(e schema.Energy) bool { return e.Profile != profile })
		for _, part := range inOrder(of, func(e schema.Energy) string { return string(e.Part) }) {
			x := bar{label: cmp.Or(parted[schema.EnergyPart(part)], part), class: "part"}
			for _, e := range of {
				if string(e.Part) == part {
					x.low, x.high = x.low+e.Low, x.high+e.High
				}
			}
			bars = append(bars, x)
		}
		sums := func(totals []Total, label string) {
			for _, t := range totals {
				if t.Profile == profile {
					if some := partial(t.Parts); some != "" {
						label += ": " + some
					}
					class := "sum"
					if partial(t.Parts) != "" {
						class = "part"
					}
					bars = append(bars, bar{label: label, low: t.Low, high: t.High, class: class})
				}
			}
		}
		if sums(d.Totals, "the chip"); d.Host != nil {
			bars = append(bars, bar{label: "the host's part, at 4.6 pJ an operation", low: d.Host.Joules, high: d.Host.Joules, class: "other"})
			sums(d.Whole, "the network")
		}
	}
	if len(bars) == 0 {
		return ""
	}
	if len(d.Baselines) > 0 {
		bars = append(bars, bar{label: "elsewhere: computed, at 45 nm or of an assumed power, and not to be added", head: true})
		for _, b := range d.Baselines {
			bars = append(bars, bar{label: b.Name + " (" + b.Label + ")", low: b.Low, high: b.High, class: "other"})
		}
	}
	least, most := math.Inf(1), 0.0
	for _, x := range bars {
		for _, v := range []float64{x.low, x.high} {
			if math.IsInf(v, 0) {
				return "" // sums of a file that somebody has put there
			}
			if v > 0 {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	if most == 0 || least < 1e-300 || most > 1e300 {
		return ""
	}
	least, most = math.Pow(10, math.Floor(math.Log10(least)-0.05)), math.Pow(10, math.Ceil(math.Log10(most)+0.05))
	const width, left, right, row, top = 1040.0, 380.0, 140.0, 24.0, 8.0
	plot := width - left - right
	x := func(v float64) float64 {
		if v < least {
			return left
		}
		return left + plot*(math.Log10(v)-math.Log10(least))/(math.Log10(most)-math.Log10(least))
	}
	bottom := top + row*float64(len(bars))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="energy" viewBox="0 0 %g %g" role="img" aria-label="energy of an inference">`, width, bottom+40)
	decades := math.Round(math.Log10(most / least))
	every := max(1, int(math.Ceil(decades/8)))
	for d := 0; d <= int(decades); d += every {
		v := least * math.Pow(10, float64(d))
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %.1fV%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x(v), top, bottom, x(v), bottom+16, si(v, "J"))
	}
	fmt.Fprintf(&b, `<text class="label" x="%.1f" y="%.1f" text-anchor="middle">energy per inference, logarithmic scale</text>`, left+plot/2, bottom+36)
	for i, r := range bars {
		y := top + row*float64(i)
		if r.head {
			fmt.Fprintf(&b, `<text class="head" x="0" y="%.1f">%s</text>`, y+row-7, template.HTMLEscapeString(r.label))
			continue
		}
		fmt.Fprintf(&b, `<text class="label" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, left-12, y+row-8, template.HTMLEscapeString(r.label))
		text := span(r.low, r.high, "J")
		from, to := x(r.low), x(r.high)
		if r.high > 0 {
			if to-from < 3 {
				from, to = from-1.5, from+1.5
			}
			class := r.class
			if r.low <= 0 {
				class += " open"
			}
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"><title>%s: %s</title></rect>`, class, from, y+6, to-from, row-11, template.HTMLEscapeString(r.label), text)
		}
		fmt.Fprintf(&b, `<text class="label" x="%.1f" y="%.1f">%s</text>`, max(to, left)+8, y+row-8, text)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}
