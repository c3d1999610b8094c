package deploy

import (
	"reflect"
	"testing"

	"snnc.dev/snnc/runtime/record"
)

// A raster is of the first example, and of neurons that spike somewhere.
func TestRaster(t *testing.T) {
	software := []float32{ // [3 steps][2 examples][4 neurons]
		1, 0, 0, 0, 1, 1, 1, 1,
		0, 0, 1, 0, 1, 1, 1, 1,
		1, 0, 0, 0, 1, 1, 1, 1,
	}
	chip := []float32{
		1, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 1, 0, 0, 0, 0, 0,
		0, 0, 0, 1, 0, 0, 0, 0,
	}
	want := &record.Raster{Size: 4, Steps: 3, Neurons: []int{0, 2, 3}, Software: [][]int{{0, 2}, {1}, {}}, Chip: [][]int{{0}, {1}, {2}}}
	if got := raster(software, chip, 3, 2); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := raster(make([]float32, 24), make([]float32, 24), 3, 2); got != nil {
		t.Errorf("%+v of neurons that never spike", got)
	}
	many := make([]float32, 200*1000)
	for i := range many {
		many[i] = 1
	}
	if got := raster(many, many, 200, 1); len(got.Neurons) != mostNeurons || got.Neurons[1] != 20 || got.Steps != mostSteps || len(got.Chip[0]) != mostSteps {
		t.Errorf("%d neurons, %d steps", len(got.Neurons), got.Steps)
	}
}
