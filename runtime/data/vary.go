package data

import (
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// FillVaried is Fill as an epoch of a training with a seed sees the set. With `flip`, images are mirrored left to right with
// probability 1/2; whether one is follows from the seed, the epoch and the number of the example alone, so that a training that is
// resumed sees what it would have seen. It allocates nothing.
func (s *Set) FillVaried(field string, examples []int, seed uint64, epoch int, dst *tensor.Tensor) error {
	if err := s.Fill(field, examples, dst); err != nil || field != ImageField || !s.flips {
		return err
	}
	flips := rng.New(seed, "mirrored images", uint64(epoch))
	size := s.image.Size()
	for k, i := range examples {
		if flips.Uniform(uint64(i), 0) < 0.5 {
			mirror(dst.F32[k*size:(k+1)*size], s.arguments.width, s.arguments.channels)
		}
	}
	return nil
}

// mirror mirrors an image left to right; channels lie side by side.
func mirror(pixels []float32, width, channels int) {
	for row := pixels; len(row) > 0; row = row[width*channels:] {
		for x, y := 0, width-1; x < y; x, y = x+1, y-1 {
			for c := range channels {
				row[x*channels+c], row[y*channels+c] = row[y*channels+c], row[x*channels+c]
			}
		}
	}
}
