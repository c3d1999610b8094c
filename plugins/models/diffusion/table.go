package diffusion

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// columns of a sampler's table. One row is one turn, which asks the denoiser once, y = denoiser(x, s):
//
//	x0 = clip(a x + b y),   the next x = c x0 + d x + e y + sigma noise
func columns() []string { return []string{"s", "a", "b", "c", "d", "e", "sigma"} }

// table returns the rows of a sampler for its options, or what is wrong with these.
func (n schedule) table(predict, sampler string, options schema.Arguments) ([][]float64, []schema.Complaint) {
	if sampler == "ddpm" {
		return n.ancestral(predict, options.Text("variance") == "large"), nil
	}
	levels, found := n.levels(options.Int("steps"), options.Text("spacing"))
	if len(found) > 0 {
		return nil, found
	}
	return n.implicit(predict, levels, options.Real("eta")), nil
}

// ancestral is DDPM's sampler (Ho et al. 2020, algorithm 2) through all steps. The mean of the step before, given x_s and the
// image, is that of its equation 7; the variance is beta_s (large) or that of the posterior (small), and the last turn, whose
// result is the estimated image, adds no noise.
func (n schedule) ancestral(predict string, large bool) [][]float64 {
	var rows [][]float64
	for s := len(n.kept) - 1; s >= 0; s-- {
		e, before, left := n.estimate(predict, s), n.before(s), 1-n.kept[s]
		row := []float64{float64(s), e.image[0], e.image[1], 1, 0, 0, 0}
		if s > 0 {
			variance := n.beta[s]
			if !large {
				variance *= (1 - before) / left
			}
			row[3] = math.Sqrt(before) * n.beta[s] / left
			row[4] = math.Sqrt(1-n.beta[s]) * (1 - before) / left
			row[6] = math.Sqrt(variance)
		}
		rows = append(rows, row)
	}
	return rows
}

// implicit is DDIM's sampler (Song, Meng & Ermon 2021, equations 12 and 16) along levels; the last of them, the image itself
// being -1, is where it ends. The direction to x_s is that of the denoiser's output, not of the clipped image.
func (n schedule) implicit(predict string, levels []int, eta float64) [][]float64 {
	var rows [][]float64
	for i, s := range levels[:len(levels)-1] {
		e, kept, to := n.estimate(predict, s), n.kept[s], 1.0
		if r := levels[i+1]; r >= 0 {
			to = n.kept[r]
		}
		variance := eta * eta * (1 - to) / (1 - kept) * (1 - kept/to)
		along := math.Sqrt(max(1-to-variance, 0))
		rows = append(rows, []float64{float64(s), e.image[0], e.image[1], math.Sqrt(to), along * e.noise[0], along * e.noise[1], math.Sqrt(variance)})
	}
	return rows
}

// levels returns the steps at which DDIM asks the denoiser, from noisy to clear, and then where it ends.
//
//   - trailing: S - k S / n, rounded, minus 1, and then the image; the last step is always asked for (Lin et al. 2024, table 2)
//   - leading: the multiples of floor(S / n), and then the image (Song et al. 2021)
//   - linspace: n steps evenly from S - 1 to 0, rounded, and then the image
//   - sddpm: floor(S - 1 - k S / n), and then step 0, where the sample still has the noise of that step (the code of Cao et al. 2024)
//
// Halves are rounded to even, as NumPy does.
func (n schedule) levels(steps int, spacing string) ([]int, []schema.Complaint) {
	all := len(n.kept)
	if steps > all {
		return nil, complain("sampler.steps", fmt.Sprintf("write `steps = %d`", all), "the model has %s of diffusion, and the sampler wants %d", count(all, "step"), steps)
	}
	var out []int
	for k := range steps {
		switch spacing {
		case "trailing":
			out = append(out, int(math.RoundToEven(float64(all)-float64(k)*float64(all)/float64(steps)))-1)
		case "leading":
			out = append(out, (steps-1-k)*(all/steps))
		case "linspace":
			out = append(out, int(math.RoundToEven(float64(steps-1-k)*float64(all-1)/float64(max(steps-1, 1)))))
		case "sddpm":
			out = append(out, ((all-1)*steps-k*all)/steps)
		}
	}
	end := -1
	if spacing == "sddpm" {
		// It stops on reaching step 0.
		if i := slices.Index(out, 0); i >= 0 {
			out = out[:i]
		}
		end = 0
	}
	if all > 1 && (len(out) == 0 || out[0] == 0) || len(out) == 0 {
		return nil, complain("sampler.spacing", "write `spacing = trailing`", "in %s, `spacing = %s` asks the denoiser at step 0 alone, where it expects hardly any noise", count(steps, "step"), spacing)
	}
	return append(out, end), nil
}
