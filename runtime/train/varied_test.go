package train

import (
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/tensor"
)

// varied are examples that know of which epoch and seed they were asked for.
type varied struct {
	examples
	asked *[]int
}

func (v varied) FillVaried(field string, numbers []int, seed uint64, epoch int, dst *tensor.Tensor) error {
	if field == "image" {
		*v.asked = append(*v.asked, int(seed)*100+epoch)
	}
	if err := v.examples.Fill(field, numbers, dst); err != nil || field == "label" {
		return err
	}
	for i := range dst.F32 {
		dst.F32[i] *= float32(1 + epoch%2)
	}
	return nil
}

// Examples that vary are asked for by seed and epoch, also by a training that was stopped in the middle of an epoch, which ends up
// with the same bytes.
func TestVaried(t *testing.T) {
	s := system(t, "classifier")
	o := Settings{Batch: 4, Epochs: 3, Seed: 5, Optimizers: sgd(0.1)}
	var asked, again []int
	whole := s.trainer(t, varied{8, &asked}, o)
	finish(t, whole)
	if want := []int{500, 500, 501, 501, 502, 502}; !slices.Equal(asked, want) {
		t.Errorf("asked for %d, want %d", asked, want)
	}
	first := s.trainer(t, varied{8, &again}, o)
	updates(t, first, 3)
	second := s.trainer(t, varied{8, &again}, o)
	if err := second.Restore(saved(t, first)); err != nil {
		t.Fatal(err)
	}
	finish(t, second)
	if d := differ(saved(t, whole), saved(t, second)); d != "" || !slices.Equal(asked, again) {
		t.Errorf("%s differs; asked for %d", d, again)
	}
	plain := s.trainer(t, examples(8), o)
	finish(t, plain)
	if differ(saved(t, whole), saved(t, plain)) == "" {
		t.Error("what varies changes nothing")
	}
}
