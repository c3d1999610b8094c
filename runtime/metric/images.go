package metric

import (
	"context"
	"fmt"
	"math"
)

// Images are n images whose pixels are in 0..1 from black to white, each channels first: N x Channels x Height x Width.
type Images struct {
	N, Channels, Height, Width int
	Pixels                     []float32
}

// Size returns the number of pixels of one image, over all channels.
func (m Images) Size() int { return m.Channels * m.Height * m.Width }

// Image returns the pixels of image i.
func (m Images) Image(i int) []float32 { return m.Pixels[i*m.Size() : (i+1)*m.Size()] }

// Round clips pixels to 0..1 and rounds them to 255ths, half up, as a picture of 8 bits keeps them.
func (m Images) Round() {
	for i, p := range m.Pixels {
		m.Pixels[i] = float32(math.Floor(float64(min(max(p, 0), 1))*255+0.5) / 255)
	}
}

// Resize returns the images at another size: bilinear with half-pixel centres and without smoothing beforehand, which is
// what PyTorch's interpolate(mode="bilinear", align_corners=False) computes. Images of that size already are returned as
// they are.
func (m Images) Resize(height, width int) Images { return m.resize(height, width, between) }

// Fit returns the images at another size as data sets bring their own to it: averaged over areas along an axis that shrinks,
// and as Resize does along one that grows.
func (m Images) Fit(height, width int) Images {
	return m.resize(height, width, func(n, m int) []tap {
		if m > n {
			return between(n, m)
		}
		return areas(n, m)
	})
}

// resize makes the pixels of either axis as the taps of its old and new length say.
func (m Images) resize(height, width int, taps func(n, m int) []tap) Images {
	if height == m.Height && width == m.Width {
		return m
	}
	out := Images{N: m.N, Channels: m.Channels, Height: height, Width: width, Pixels: make([]float32, m.N*m.Channels*height*width)}
	down, across := taps(m.Height, height), taps(m.Width, width)
	rows := make([]float64, m.Height*width) // a picture at its new width
	for p := range m.N * m.Channels {
		from, to := m.Pixels[p*m.Height*m.Width:], out.Pixels[p*height*width:]
		for y := range m.Height {
			for x, t := range across {
				sum := 0.0
				for i, w := range t.weights {
					sum += w * float64(from[y*m.Width+t.first+i])
				}
				rows[y*width+x] = sum
			}
		}
		for y, t := range down {
			for x := range width {
				sum := 0.0
				for i, w := range t.weights {
					sum += w * rows[(t.first+i)*width+x]
				}
				to[y*width+x] = float32(sum)
			}
		}
	}
	return out
}

// A tap says how a new pixel of an axis is made: the sum of weights[i] times old pixel first+i.
type tap struct {
	first   int
	weights []float64
}

// between makes each of m new pixels of the two of n old ones that its centre lies between.
func between(n, m int) []tap {
	out := make([]tap, m)
	for o := range out {
		at := max((float64(o)+0.5)*float64(n)/float64(m)-0.5, 0)
		i := min(int(at), n-1)
		out[o] = tap{i, []float64{1}}
		if share := at - float64(i); share > 0 && i < n-1 {
			out[o].weights = []float64{1 - share, share}
		}
	}
	return out
}

// areas makes each of m new pixels of all of n old ones that it covers, n not below m.
func areas(n, m int) []tap {
	out := make([]tap, m)
	for o := range out { // measured in 1/m old pixels: an old one covers [i*m, (i+1)*m), a new one [o*n, (o+1)*n)
		out[o].first = o * n / m
		for i := out[o].first; i*m < (o+1)*n; i++ {
			out[o].weights = append(out[o].weights, float64(min((i+1)*m, (o+1)*n)-max(i*m, o*n))/float64(n))
		}
	}
	return out
}

// Features turn images into the vectors that are compared: the layer of a network, or the pixels themselves.
type Features struct {
	Name    string // as a spec writes it
	Weights string // SHA-256 of the weights in hexadecimal; "" where there are none
	Size    int    // numbers per image
	Classes int    // logits per image; 0 where the network is no classifier
	// Prepare says how an image of the data is brought to what the network takes, for the recipe: "28x28 bilinear to
	// 299x299". "" where nothing is done to it.
	Prepare string
	// Apply returns Size numbers per image, and Classes logits. It neither changes the images nor keeps them, and what it
	// returns is the caller's. It is called with batches of any size, and no result depends on that.
	Apply func(ctx context.Context, images Images) (vectors, logits []float32, err error)
}

// Pixels are the features that are the pixels themselves, channels first.
func Pixels(size int) *Features {
	return &Features{Name: "pixels", Size: size, Apply: func(_ context.Context, m Images) (vectors, logits []float32, err error) {
		return append(vectors, m.Pixels...), nil, nil
	}}
}

// String describes the features in a recipe: name, the first digits of the weights' hash, and what is done to images.
func (f *Features) String() string {
	out := f.Name
	if f.Weights != "" {
		out += " (weights " + f.Weights[:min(12, len(f.Weights))] + ")"
	}
	if f.Prepare != "" {
		out += " of images " + f.Prepare
	}
	return out
}

// Vectors are n vectors of the same size, one behind the other.
type Vectors struct {
	N, Size int
	Data    []float32
}

// Vector returns vector i.
func (v Vectors) Vector(i int) []float32 { return v.Data[i*v.Size : (i+1)*v.Size] }

// batch is how many images a network sees at once.
const batch = 64

// Source gives n images in any order, as often as asked for: images first to end-1, which the caller may change.
type Source struct {
	N      int
	Images func(first, end int) (Images, error)
}

// Each calls each with the images of the source, batch after batch.
func (s Source) Each(ctx context.Context, each func(Images) error) error {
	for first := 0; first < s.N; first += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := s.Images(first, min(first+batch, s.N))
		if err != nil {
			return err
		}
		if err := each(m); err != nil {
			return err
		}
	}
	return nil
}

// Extract applies features to images batch after batch, and calls each with their vectors, which are the callee's. Numbers
// that are not finite are an error.
func Extract(ctx context.Context, f *Features, s Source, each func(vectors, logits Vectors) error) error {
	done := 0
	return s.Each(ctx, func(m Images) error {
		v, l, err := f.Apply(ctx, m)
		if err != nil {
			return fmt.Errorf("apply features %s: %w", f.Name, err)
		}
		if len(v) != m.N*f.Size || len(l) != m.N*f.Classes {
			return fmt.Errorf("apply features %s: %d features and %d logits of %d images, want %d and %d each", f.Name, len(v), len(l), m.N, f.Size, f.Classes)
		}
		for _, list := range [][]float32{v, l} {
			for i, x := range list {
				if x-x != 0 {
					return fmt.Errorf("apply features %s: image %d gives %v", f.Name, done+i*m.N/len(list), x)
				}
			}
		}
		done += m.N
		return each(Vectors{N: m.N, Size: f.Size, Data: v}, Vectors{N: m.N, Size: f.Classes, Data: l})
	})
}

// Extracted returns the vectors and logits of all images.
func Extracted(ctx context.Context, f *Features, s Source) (vectors, logits Vectors, err error) {
	vectors, logits = Vectors{Size: f.Size}, Vectors{Size: f.Classes}
	vectors.Data, logits.Data = make([]float32, 0, s.N*f.Size), make([]float32, 0, s.N*f.Classes)
	err = Extract(ctx, f, s, func(v, l Vectors) error {
		vectors.Data, logits.Data = append(vectors.Data, v.Data...), append(logits.Data, l.Data...)
		vectors.N, logits.N = vectors.N+v.N, logits.N+l.N
		return nil
	})
	return vectors, logits, err
}
