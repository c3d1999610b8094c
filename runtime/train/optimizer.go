package train

import (
	"math"

	"snnc.dev/snnc/runtime/graph"
)

// Optimizer says how parameters are moved. The names are PyTorch's, and so are the defaults that a schema gives.
type Optimizer struct {
	Kind         string  // sgd, adam, adamw or rmsprop
	Rate         float64 // learning rate
	Warmup       int     // the rate of update n (from 1) is multiplied by min(1, n / Warmup)
	Schedule     string  // constant, cosine, linear or step
	Every        int     // of step: the rate is multiplied by Factor every so many epochs
	Factor       float64
	Clip         float64 // largest L2 norm of the whole gradient; 0: any
	Momentum     float64 // sgd
	Beta1, Beta2 float64 // adam, adamw
	Alpha        float64 // rmsprop
	Epsilon      float64
	Decay        float64 // weight decay: decoupled in adamw (Loshchilov & Hutter 2019), else added to the gradient
	Clamp        float64 // matrices and kernels are kept in [-Clamp, Clamp]; 0: anywhere
}

// slots returns the names of the state that the optimiser keeps per parameter.
func (o Optimizer) slots() []string {
	switch o.Kind {
	case "adam", "adamw":
		return []string{"mean", "square"}
	case "rmsprop":
		return []string{"square"}
	}
	if o.Momentum != 0 {
		return []string{"momentum"}
	}
	return nil
}

// rate returns the learning rate of update n, counted from 1. done is the share of the training before it, in [0, 1);
// epoch the number of whole epochs before it.
func (o Optimizer) rate(n int, done float64, epoch int) float64 {
	r := o.Rate
	switch o.Schedule {
	case "cosine": // Loshchilov & Hutter 2017, without restarts
		r *= (1 + math.Cos(math.Pi*done)) / 2
	case "linear":
		r *= 1 - done
	case "step":
		r *= math.Pow(o.Factor, float64(epoch/max(o.Every, 1)))
	}
	if o.Warmup > 0 {
		r *= min(1, float64(n)/float64(o.Warmup))
	}
	return r
}

// clipping returns the factor that brings a gradient of the given L2 norm down to Clip, 1 where it is short enough.
func (o Optimizer) clipping(length float64) float64 {
	if o.Clip > 0 && length > o.Clip {
		return o.Clip / length
	}
	return 1
}

// move applies an update to parameters w with the gradient g; s is their state, by number of the slot.
func (o Optimizer) move(w, g []float32, s [2][]float32, by moving) {
	lr, sc, decay, eps := float32(by.rate), float32(by.scale), float32(o.Decay), float32(o.Epsilon)
	switch o.Kind {
	case "adam", "adamw": // Kingma & Ba 2015
		m, v := s[0][:len(g)], s[1][:len(g)]
		w := w[:len(g)]
		b1, b2 := float32(o.Beta1), float32(o.Beta2)
		c1 := float32(1 / (1 - math.Pow(o.Beta1, float64(by.update))))
		c2 := float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(by.update))))
		decoupled := o.Kind == "adamw"
		for i, gi := range g {
			gi *= sc
			if decoupled {
				w[i] -= lr * decay * w[i]
			} else {
				gi += decay * w[i]
			}
			m[i] = b1*m[i] + (1-b1)*gi
			v[i] = b2*v[i] + (1-b2)*gi*gi
			w[i] -= lr * c1 * m[i] / (float32(math.Sqrt(float64(v[i])))*c2 + eps)
		}
	case "rmsprop":
		v := s[0]
		a := float32(o.Alpha)
		for i, gi := range g {
			gi = gi*sc + decay*w[i]
			v[i] = a*v[i] + (1-a)*gi*gi
			w[i] -= lr * gi / (float32(math.Sqrt(float64(v[i]))) + eps)
		}
	default:
		mu, b := float32(o.Momentum), s[0]
		for i, gi := range g {
			gi = gi*sc + decay*w[i]
			if mu != 0 {
				b[i] = mu*b[i] + gi
				gi = b[i]
			}
			w[i] -= lr * gi
		}
	}
	if c := float32(o.Clamp); c > 0 {
		for i := range w {
			w[i] = min(max(w[i], -c), c)
		}
	}
}

// Moments returns how many numbers the optimiser keeps for each parameter.
func (o Optimizer) Moments() int { return len(o.slots()) }

// matrices returns the variables that a graph multiplies with as matrices or kernels, or looks rows up in. The others are scales,
// offsets and parameters of neurons, some of which have as many dims: those of a norm over a map, or one for each neuron.
func matrices(g *graph.Graph) map[string]bool {
	found := map[string]bool{}
	var mark func(v graph.Value)
	mark = func(v graph.Value) {
		switch v.Node.Op {
		case graph.OpRead:
			found[v.Node.Text("var")] = len(v.Type().Dims) > 1
		case graph.OpReshape, graph.OpTranspose, graph.OpSlice:
			mark(v.Node.In[0])
		}
	}
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
			mark(n.In[0])
			mark(n.In[1])
		case graph.OpRows:
			mark(n.In[0])
		}
	}
	return found
}
