package record

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// Raster is when some neurons of a layer spike in one example, on the chip and in software, where both are given the same inputs of the
// circuit and run freely from there: neurons spread over those that spike at all, in the first time steps.
type Raster struct {
	Size     int     `json:"size"`     // neurons of the layer
	Steps    int     `json:"steps"`    // time steps that are shown
	Neurons  []int   `json:"neurons"`  // the indices of those that are shown, row-major in the layer
	Software [][]int `json:"software"` // for each of them the time steps at which it spikes
	Chip     [][]int `json:"chip"`
}

// rasterFigure is a raster on the page.
type rasterFigure struct {
	Name, About string
	SVG         template.HTML
}

// mostRasters bounds the rasters of a deployment that the page has; its JSON has all.
const mostRasters = 12

// rasters draws what neurons do in one example.
func rasters(layers []LayerAgreement) (out []rasterFigure) {
	for _, l := range layers {
		if l.Raster != nil && len(out) < mostRasters {
			out = append(out, rasterFigure{l.Layer, fmt.Sprintf("%d of %s neurons, %d time steps", len(l.Raster.Neurons), Grouped(l.Raster.Size), l.Raster.Steps), l.Raster.draw(l.Layer)})
		}
	}
	return out
}

// draw draws time from left to right and a row for each neuron. Each of three classes of spikes is one path.
func (r *Raster) draw(name string) template.HTML {
	var both, software, chip strings.Builder
	counts := [3]int{}
	for row := range r.Neurons {
		dot := func(to *strings.Builder, class, t int) {
			fmt.Fprintf(to, "M%d.1 %d.1h.8v.8h-.8z", t, row)
			counts[class]++
		}
		for _, t := range r.Software[row] {
			if slices.Contains(r.Chip[row], t) {
				dot(&both, 0, t)
			} else {
				dot(&software, 1, t)
			}
		}
		for _, t := range r.Chip[row] {
			if !slices.Contains(r.Software[row], t) {
				dot(&chip, 2, t)
			}
		}
	}
	about := fmt.Sprintf("%d spikes in both, %d in software alone, %d on the chip alone", counts[0], counts[1], counts[2])
	return template.HTML(fmt.Sprintf(`<svg class="raster" style="aspect-ratio: %d / %d" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s: %s"><title>%s</title>`+
		`<path class="same" d="%s"/><path class="missing" d="%s"/><path class="other" d="%s"/></svg>`,
		max(r.Steps, 12), max(len(r.Neurons), 6), r.Steps, len(r.Neurons), template.HTMLEscapeString(name), about, about, both.String(), software.String(), chip.String()))
}
