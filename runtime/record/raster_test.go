package record

import (
	"strings"
	"testing"
)

func TestRaster(t *testing.T) {
	r := &Raster{Size: 40, Steps: 4, Neurons: []int{3, 7}, Software: [][]int{{0, 2}, {}}, Chip: [][]int{{0, 3}, {1}}}
	layers := []LayerAgreement{{Layer: "1.<fire>", Raster: r}, {Layer: "2.fire"}}
	for range 20 {
		layers = append(layers, layers[0])
	}
	got := rasters(layers)
	if len(got) != mostRasters || got[0].About != "2 of 40 neurons, 4 time steps" {
		t.Fatalf("%d rasters, the first %q", len(got), got[0].About)
	}
	for _, want := range []string{`viewBox="0 0 4 2"`, "1.&lt;fire&gt;: 1 spikes in both, 1 in software alone, 2 on the chip alone",
		`class="same" d="M0.1 0.1h.8v.8h-.8z"`, `class="missing" d="M2.1 0.1h.8v.8h-.8z"`, `class="other" d="M3.1 0.1h.8v.8h-.8zM1.1 1.1h.8v.8h-.8z"`} {
		if !strings.Contains(string(got[0].SVG), want) {
			t.Errorf("%s has no %s", got[0].SVG, want)
		}
	}
}
