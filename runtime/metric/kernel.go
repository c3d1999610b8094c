package metric

import (
	"context"
	"fmt"

	"snnc.dev/snnc/runtime/rng"
)

// KID returns the kernel distance between samples and a reference (M. Bińkowski et al., "Demystifying MMD GANs", 2018) as
// kid_FEATURES: the unbiased estimate of the squared maximum mean discrepancy with the kernel (x.y/d + 1)^3,
//
//	mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)
//
// It can be below 0. With subset = 0 it is over all vectors, which has the least variance; else, as published, the mean over so
// many subsets of that many vectors of each side, drawn without replacement by the counter-based generator. The interval is the
// bootstrap of the samples' influences, 2 (mean_{j != i} k(x_i, x_j) - mean_j k(x_i, y_j)): of other samples, the reference as it is.
func KID(ctx context.Context, f *Features, samples, reference Vectors, subset, subsets int, p Protocol) (Figure, error) {
	size := subset
	if subset == 0 {
		size, subsets = min(samples.N, reference.N), 1
	}
	if size < 2 || subsets < 1 || size > samples.N || size > reference.N {
		return Figure{}, fmt.Errorf("kernel distance: %d subsets of %d, but %d samples and %d of the reference; needs two of each", subsets, size, samples.N, reference.N)
	}
	sums, seen := make([]float64, samples.N), make([]float64, samples.N)
	var value float64
	for s := range subsets {
		own, other := all(samples.N), all(reference.N)
		if subset > 0 {
			own = rng.New(0, "kid samples", uint64(s)).Permutation(samples.N)[:size]
			other = rng.New(0, "kid reference", uint64(s)).Permutation(reference.N)[:size]
		}
		v, by, err := discrepancy(ctx, pick(samples, own), pick(reference, other))
		if err != nil {
			return Figure{}, err
		}
		value += v / float64(subsets)
		for i, at := range own {
			sums[at] += by[i]
			seen[at]++
		}
	}
	var influences []float64
	for i, n := range seen {
		if n > 0 {
			influences = append(influences, sums[i]/n)
		}
	}
	how := "all at once"
	if subset > 0 {
		how = fmt.Sprintf("mean of %d subsets of %d", subsets, size)
	}
	return Figure{Name: "kid_" + f.Name, Value: value, Count: samples.N, Interval: about(value, influences, "kid"),
		Recipe: p.recipe(fmt.Sprintf("kernel distance (unbiased, cubic) over %s, %s", f, how), samples.N, reference.N)}, nil
}

// discrepancy returns the unbiased estimate over all vectors, and the samples' influences.
func discrepancy(ctx context.Context, x, y Vectors) (float64, []float64, error) {
	n, m, d := float64(x.N), float64(y.N), float64(x.Size)
	kernel := func(dot float64) float64 {
		k := dot/d + 1
		return k * k * k
	}
	by := make([]float64, x.N)
	var within, among, across float64
	err := products(ctx, x, x, true, func(a, b, rows, columns int, dot []float64) {
		for i := range rows {
			for j := range columns {
				if a+i < b+j {
					k := kernel(dot[i*columns+j])
					within += 2 * k
					by[a+i] += 2 * k / (n - 1)
					by[b+j] += 2 * k / (n - 1)
				}
			}
		}
	})
	if err != nil {
		return 0, nil, err
	}
	err = products(ctx, y, y, true, func(a, b, rows, columns int, dot []float64) {
		for i := range rows {
			for j := range columns {
				if a+i < b+j {
					among += 2 * kernel(dot[i*columns+j])
				}
			}
		}
	})
	if err != nil {
		return 0, nil, err
	}
	err = products(ctx, x, y, false, func(a, b, rows, columns int, dot []float64) {
		for i := range rows {
			for _, e := range dot[i*columns : (i+1)*columns] {
				k := kernel(e)
				across += k
				by[a+i] -= 2 * k / m
			}
		}
	})
	return within/(n*(n-1)) + among/(m*(m-1)) - 2*across/(n*m), by, err
}

// all returns 0 to n-1.
func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// pick returns some vectors.
func pick(v Vectors, numbers []int) Vectors {
	out := Vectors{N: len(numbers), Size: v.Size, Data: make([]float32, 0, len(numbers)*v.Size)}
	for _, i := range numbers {
		out.Data = append(out.Data, v.Vector(i)...)
	}
	return out
}
