package check

// Operations returns how many multiply-accumulates layer i takes for one example, at one time step where its result is timed:
// those of products with weights, and of attention's scores and sums. Norms, activations and the arithmetic of neurons, a few
// operations for each value, do not count. It is what published tables of networks count.
func (n *Network) Operations(i int) int {
	l := n.Layers[i]
	if len(l.In) == 0 {
		return 0
	}
	in := n.Layers[l.In[0]].Wire.Dims
	k := l.Args.Int("kernel")
	switch l.Kind {
	case "linear":
		return in[0] * l.Wire.Dims[0]
	case "conv":
		wide := k
		if l.Args.Has("width") {
			wide = l.Args.Int("width")
		}
		return size(l.Wire.Dims) * in[0] * k * wide
	case "deconv": // each input value goes to a window of the result
		return size(in) * l.Wire.Dims[0] * k * k
	case "attention":
		c := in[0]
		places := size(in) / c
		return 4*c*c*places + 2*c*places*places
	}
	return 0
}
