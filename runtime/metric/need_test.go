package metric

import (
	"math/rand/v2"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// With as many images as Needs says a metric has a figure, and with one less on either side it has none.
func TestNeeds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := &Features{Name: "f", Size: 3, Classes: 3}
	draw := func(n int) Vectors {
		v := Vectors{N: n, Size: 3}
		for range 3 * n {
			v.Data = append(v.Data, float32(r.NormFloat64()))
		}
		return v
	}
	whole := func(n float64) schema.Value { return schema.Value{Type: schema.Int, Number: n} }
	for _, c := range []struct {
		metric schema.Value
		figure func(x, y Vectors) error
	}{
		{schema.Value{Text: "frechet"}, func(x, y Vectors) error {
			m, err := MomentsOf(y)
			if err == nil {
				_, err = Frechet(f, x, m, Protocol{})
			}
			return err
		}},
		{schema.Value{Text: "kid"}, func(x, y Vectors) error {
			_, err := KID(t.Context(), f, x, y, 0, 100, Protocol{})
			return err
		}},
		{schema.Value{Text: "kid", Args: schema.Arguments{"subset": whole(7)}}, func(x, y Vectors) error {
			_, err := KID(t.Context(), f, x, y, 7, 2, Protocol{})
			return err
		}},
		{schema.Value{Text: "precision_recall", Args: schema.Arguments{"neighbours": whole(4)}}, func(x, y Vectors) error {
			_, err := PrecisionRecall(t.Context(), f, x, y, 4, Protocol{})
			return err
		}},
		{schema.Value{Text: "density_coverage", Args: schema.Arguments{"neighbours": whole(1)}}, func(x, y Vectors) error {
			_, err := DensityCoverage(t.Context(), f, x, y, 1, Protocol{})
			return err
		}},
		{schema.Value{Text: "inception_score", Args: schema.Arguments{"splits": whole(5)}}, func(x, _ Vectors) error {
			_, err := InceptionScore(f, x, 5, Protocol{})
			return err
		}},
	} {
		n := Needs(c.metric)
		if err := c.figure(draw(n.Samples), draw(n.Reference)); err != nil {
			t.Errorf("%s with what it needs: %v", c.metric.Text, err)
		}
		if c.figure(draw(n.Samples-1), draw(n.Reference)) == nil {
			t.Errorf("%s needs fewer samples than %d", c.metric.Text, n.Samples)
		}
		if n.Reference > 0 && c.figure(draw(n.Samples), draw(n.Reference-1)) == nil {
			t.Errorf("%s needs fewer of the reference than %d", c.metric.Text, n.Reference)
		}
	}
}
