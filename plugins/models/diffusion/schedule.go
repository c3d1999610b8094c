package diffusion

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

// schedule is how the noise grows, by diffusion step s = 0..S-1: x_s = sqrt(kept[s]) x_0 + sqrt(1 - kept[s]) noise.
type schedule struct {
	beta []float64 // variance that step s adds
	kept []float64 // what is left of the variance of the image: the product of 1 - beta over 0..s
}

// newSchedule returns the schedule that `beta` names. linear(first, last) is that of DDPM (Ho et al. 2020);
// cosine(offset) that of Nichol & Dhariwal 2021, equation 17: kept[s] = f(s + 1) / f(0) with
// f(t) = cos^2((t / S + offset) / (1 + offset) * pi / 2), where no beta is above 0.999.
func newSchedule(steps int, v schema.Value) schedule {
	n := schedule{make([]float64, steps), make([]float64, steps)}
	f := func(t int) float64 {
		o := v.Args.Real("offset")
		c := math.Cos((float64(t)/float64(steps) + o) / (1 + o) * math.Pi / 2)
		return c * c
	}
	product := 1.0
	for s := range steps {
		if v.Text == "cosine" {
			n.beta[s] = min(1-f(s+1)/f(s), 0.999)
		} else {
			first, last := v.Args.Real("first"), v.Args.Real("last")
			n.beta[s] = first + (last-first)*float64(s)/float64(max(steps-1, 1))
		}
		product *= 1 - n.beta[s]
		n.kept[s] = product
	}
	return n
}

// complaints judges whether the steps lead from an image to noise.
func (n schedule) complaints(v schema.Value) []schema.Complaint {
	const help = "write `beta = cosine`, which goes from the image to noise in any number of steps"
	steps := len(n.kept)
	last := n.kept[steps-1]
	for _, name := range []string{"first", "last"} {
		if b, ok := v.Args[name]; ok && (b.Number <= 0 || b.Number >= 1) {
			return sdk.Complain("beta."+name, "write `beta = linear(1e-4, 0.02)`", "a step of noise has a variance between 0 and 1, and this one %v", b.Number)
		}
	}
	switch {
	case last > 0.1: // an amplitude of more than 0.3 beside the noise's of less than 0.95
		return sdk.Complain("beta", help, "after %s %.0f %% of the image's variance is left, and samples start from noise alone", count(steps, "step"), 100*last)
	case n.kept[0] == 1: // a table divides by the noise of step 0
		return sdk.Complain("beta", help, "step 0 adds no noise: %v is nothing beside the image's variance of 1", n.beta[0])
	case !(last > 1e-20): // its reciprocal is a factor in float32
		return sdk.Complain("beta", help, "nothing of the image is left long before step %d", steps)
	}
	return nil
}

// count says how many there are of what.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// estimate says how an image and its noise follow from x_s and y, the denoiser's output: the image is image[0] x_s + image[1] y,
// the noise is noise[0] x_s + noise[1] y.
type estimate struct{ image, noise [2]float64 }

// estimate returns it for what the denoiser predicts: the noise (eps), the image (x0), or v = sqrt(kept) noise -
// sqrt(1 - kept) image (Salimans & Ho 2022).
func (n schedule) estimate(predict string, s int) estimate {
	image, noise := math.Sqrt(n.kept[s]), math.Sqrt(1-n.kept[s])
	switch predict {
	case "x0":
		return estimate{[2]float64{0, 1}, [2]float64{1 / noise, -image / noise}}
	case "v":
		return estimate{[2]float64{image, -noise}, [2]float64{noise, image}}
	}
	return estimate{[2]float64{1 / image, -noise / image}, [2]float64{0, 1}}
}
