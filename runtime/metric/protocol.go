package metric

import "fmt"

// Protocol says what samples are compared with and how both are made ready, for the recipes of figures.
type Protocol struct {
	Reference string // "test of digits (data 0f3a6c12d5e7)"
	Rounded   bool   // whether pixels are clipped and rounded to 8 bits
}

// recipe says what was computed: what, of so many samples, against so many images of the reference; 0 where there are none.
func (p Protocol) recipe(what string, samples, reference int) string {
	out := fmt.Sprintf("%s, %d samples", what, samples)
	if reference > 0 {
		out += fmt.Sprintf(" against %d of %s", reference, p.Reference)
	}
	return out + p.rounding()
}

func (p Protocol) rounding() string {
	if p.Rounded {
		return ", clipped and rounded to 8 bits"
	}
	return ", not rounded"
}
