package diffusion

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

// columns of a sampler's table. One row is one turn, which asks the denoiser once, y = denoiser(x, s):
//
//	x0 = clip(a x + b y),   the next x = c x0 + d x + e y + sigma noise
//
// Those of a sampler of two steps have one more, f, the weight of the x0 of the turn before in the next x.
func columns(twoStep bool) []string {
	all := []string{"s", "a", "b", "c", "d", "e", "sigma", "f"}
	if twoStep {
		return all
	}
	return all[:7]
}

// twoStep reports whether turns of a sampler look back at the estimate of the turn before.
func twoStep(sampler string) bool { return sampler == "dpm" }

// table returns the rows of a sampler for its options, or what is wrong with these.
func (n schedule) table(predict, sampler string, options schema.Arguments) ([][]float64, []schema.Complaint) {
	steps := len(n.kept)
	if options.Has("steps") {
		steps = options.Int("steps")
	}
	levels, found := n.levels(steps, options.Text("spacing"))
	if len(found) > 0 {
		return nil, found
	}
	switch sampler {
	case "ddpm":
		if levels[len(levels)-1] == 0 {
			levels = append(levels, -1)
		}
		return n.ancestral(predict, levels, options.Text("variance")), nil
	case "dpm":
		return n.multistep(predict, levels), nil
	}
	return n.implicit(predict, levels, options.Real("eta")), nil
}

// at returns what is kept at a level, -1 being the image itself.
func (n schedule) at(level int) float64 {
	if level < 0 {
		return 1
	}
	return n.kept[level]
}

// ancestral is DDPM's sampler (Ho et al. 2020, algorithm 2) along levels, the last of which is the image, -1. The mean at the next
// level, given x_s and the image, is that of its equation 7, where one step leads from level to level (Nichol & Dhariwal 2021,
// section 4); the variance is what that step adds (large), that of the posterior (small), or beta_s however many steps are made one
// (single). The last turn, whose result is the estimated image, adds no noise.
func (n schedule) ancestral(predict string, levels []int, variance string) [][]float64 {
	var rows [][]float64
	for i, s := range levels[:len(levels)-1] {
		e, to, left := n.estimate(predict, s), n.at(levels[i+1]), 1-n.kept[s]
		row := []float64{float64(s), e.image[0], e.image[1], 1, 0, 0, 0}
		if levels[i+1] >= 0 {
			added := n.beta[s]
			if levels[i+1] < s-1 {
				added = 1 - n.kept[s]/to
			}
			noise := added
			switch variance {
			case "small":
				noise *= (1 - to) / left
			case "single":
				noise = n.beta[s]
			}
			row[3] = math.Sqrt(to) * added / left
			row[4] = math.Sqrt(1-added) * (1 - to) / left
			row[6] = math.Sqrt(noise)
		}
		rows = append(rows, row)
	}
	return rows
}

// multistep is DPM-Solver++(2M), the second order solver in two steps for the estimated image (Lu et al. 2022, algorithm 2): with
// lambda = log(sqrt(kept) / sqrt(1 - kept)), h from one level to the next and r = (h of the turn before) / h,
//
//	x = sqrt(1 - to) / sqrt(1 - kept) x - sqrt(to) (exp(-h) - 1) ((1 + 1/2r) x0 - (1/2r) (x0 of the turn before)).
//
// The first turn is of first order, and the one that ends at the image, too: its result is the estimate.
func (n schedule) multistep(predict string, levels []int) [][]float64 {
	lambda := func(level int) float64 { return math.Log(n.kept[level]/(1-n.kept[level])) / 2 }
	var rows [][]float64
	for i, s := range levels[:len(levels)-1] {
		e, r := n.estimate(predict, s), levels[i+1]
		row := []float64{float64(s), e.image[0], e.image[1], 1, 0, 0, 0, 0}
		if r >= 0 {
			h := lambda(r) - lambda(s)
			toward := -math.Sqrt(n.kept[r]) * math.Expm1(-h)
			row[3], row[4] = toward, math.Sqrt((1-n.kept[r])/(1-n.kept[s]))
			if i > 0 {
				back := toward * h / (2 * (lambda(s) - lambda(levels[i-1])))
				row[3], row[7] = toward+back, -back
			}
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
		e, kept, to := n.estimate(predict, s), n.kept[s], n.at(levels[i+1])
		variance := eta * eta * (1 - to) / (1 - kept) * (1 - kept/to)
		along := math.Sqrt(max(1-to-variance, 0))
		rows = append(rows, []float64{float64(s), e.image[0], e.image[1], math.Sqrt(to), along * e.noise[0], along * e.noise[1], math.Sqrt(variance)})
	}
	return rows
}

// levels returns the steps at which a sampler asks the denoiser, from noisy to clear, and then where it ends.
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
		return nil, sdk.Complain("sampler.steps", fmt.Sprintf("write `steps = %d`", all), "the model has %s of diffusion, and the sampler wants %d", count(all, "step"), steps)
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
		return nil, sdk.Complain("sampler.spacing", "write `spacing = trailing`", "in %s, `spacing = %s` asks the denoiser at step 0 alone, where it expects hardly any noise", count(steps, "step"), spacing)
	}
	return append(out, end), nil
}
