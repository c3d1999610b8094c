package metric

import (
	"fmt"
	"math"
)

// softmax writes the probabilities of logits to p.
func softmax(p []float64, logits []float32) {
	top, sum := math.Inf(-1), 0.0
	for _, l := range logits {
		top = max(top, float64(l))
	}
	for i, l := range logits {
		p[i] = math.Exp(float64(l) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}

// InceptionScore returns the score of samples whose logits these are (T. Salimans et al., "Improved techniques for training
// GANs", 2016): the mean over splits of
//
//	exp(E_x KL(p(y|x) || p(y)))
//
// where p(y) is the mean of p(y|x) over the split, and split i of n samples are those from floor(i n / splits) on. Its interval is
// the bootstrap of the samples' influences, which are the divergences times the score of their split.
func InceptionScore(f *Features, logits Vectors, splits int, p Protocol) (Figure, error) {
	n, classes := logits.N, logits.Size
	if classes < 2 {
		return Figure{}, fmt.Errorf("inception score: features %s have no logits", f.Name)
	}
	if splits < 1 || n < 2*splits {
		return Figure{}, fmt.Errorf("inception score: %d samples in %d splits, needs two in each", n, splits)
	}
	var value float64
	by := make([]float64, n)
	for s := range splits {
		first, end := s*n/splits, (s+1)*n/splits
		size := float64(end - first)
		probabilities, mean := make([]float64, (end-first)*classes), make([]float64, classes)
		for i := range end - first {
			own := probabilities[i*classes : (i+1)*classes]
			softmax(own, logits.Vector(first+i))
			for c, q := range own {
				mean[c] += q / size
			}
		}
		var sum float64
		for i := range end - first {
			for c, q := range probabilities[i*classes : (i+1)*classes] {
				if q > 0 {
					by[first+i] += q * math.Log(q/mean[c])
				}
			}
			sum += by[first+i]
		}
		score := math.Exp(sum / size)
		value += score / float64(splits)
		for i := first; i < end; i++ { // by = 0 in the mean over the split
			by[i] = score * (by[i] - sum/size) * float64(n) / (size * float64(splits))
		}
	}
	name := "inception_score"
	if f.Name != Inception {
		name += "_" + f.Name
	}
	return Figure{Name: name, Value: value, Count: n, Interval: about(value, by, "inception score"),
		Recipe: p.recipe(fmt.Sprintf("inception score over %s, mean of %d splits", f, splits), n, 0)}, nil
}

// Histogram returns the share of samples that a classifier takes for each class, classes_FEATURES_0 and so on, and before
// these the divergence of that histogram from the reference's by the same classifier, class_divergence_FEATURES in nats:
//
//	sum_c p(c) log(p(c) / q(c))
//
// with one half added to every count, so that it is finite (R. Krichevsky, V. Trofimov, 1981). It is 0 where all classes are
// made as often as they occur; it is biased upwards by about classes/2n.
func Histogram(f *Features, samples, reference Vectors, p Protocol) ([]Figure, error) {
	classes := samples.Size
	if classes < 2 {
		return nil, fmt.Errorf("class histogram: features %s have no logits", f.Name)
	}
	if samples.N == 0 || reference.N == 0 {
		return nil, fmt.Errorf("class histogram: %w", ErrNone)
	}
	count := func(v Vectors) ([]float64, []int) {
		counts, of := make([]float64, classes), make([]int, v.N)
		for i := range v.N {
			of[i] = argmax(v.Vector(i))
			counts[of[i]]++
		}
		return counts, of
	}
	own, of := count(samples)
	other, _ := count(reference)
	var divergence float64
	logs := make([]float64, classes)
	for c := range classes {
		p := (own[c] + 0.5) / (float64(samples.N) + 0.5*float64(classes))
		q := (other[c] + 0.5) / (float64(reference.N) + 0.5*float64(classes))
		logs[c] = math.Log(p / q)
		divergence += p * logs[c]
	}
	by := make([]float64, samples.N)
	for i, c := range of {
		by[i] = logs[c]
	}
	about := about(divergence, by, "class divergence")
	about.Low = max(about.Low, 0)
	figures := []Figure{{Name: "class_divergence_" + f.Name, Value: divergence, Count: samples.N, Interval: about,
		Recipe: p.recipe(fmt.Sprintf("Kullback-Leibler divergence of the classes that %s sees", f), samples.N, reference.N)}}
	for c, k := range own {
		figures = append(figures, Figure{Name: fmt.Sprintf("classes_%s_%d", f.Name, c), Value: k / float64(samples.N), Count: samples.N,
			Interval: share(k, float64(samples.N)), Recipe: p.recipe(fmt.Sprintf("share that %s takes for class %d", f, c), samples.N, 0), Detail: true})
	}
	return figures, nil
}

// argmax returns the place of the largest number, of equal ones the first.
func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
