package deploy

import "snnc.dev/snnc/runtime/record"

// The bounds of a raster.
const (
	mostNeurons = 48
	mostSteps   = 128
)

// raster is what the first of so many examples does in a layer, in neurons spread over those that spike at all: taps [steps][batch][neurons]
// of software and of the chip. It is nil where none does.
func raster(software, chip []float32, steps, batch int) *record.Raster {
	row := len(software) / steps
	n := row / batch
	shown := min(steps, mostSteps)
	r := &record.Raster{Size: n, Steps: shown}
	var spiking []int
	for i := range n {
		for t := range shown {
			if software[t*row+i]+chip[t*row+i] > 0 {
				spiking = append(spiking, i)
				break
			}
		}
	}
	for k := range min(len(spiking), mostNeurons) {
		r.Neurons = append(r.Neurons, spiking[k*len(spiking)/min(len(spiking), mostNeurons)])
	}
	if r.Neurons == nil {
		return nil
	}
	of := func(taps []float32, neuron int) []int {
		at := []int{}
		for t := range shown {
			if taps[t*row+neuron] > 0 {
				at = append(at, t)
			}
		}
		return at
	}
	for _, i := range r.Neurons {
		r.Software = append(r.Software, of(software, i))
		r.Chip = append(r.Chip, of(chip, i))
	}
	return r
}
