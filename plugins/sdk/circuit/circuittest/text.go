package circuittest

import (
	"fmt"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Parse reads a circuit: its steps on the first line, and then one line for each input and population,
//
//	steps 4
//	x input 8x8x8
//	a 4x8x8 decay=0.5 bias <- conv x k=3 pad=1
//	b 10 reads <- linear a, linear x
//
// Sources may be parts and shapes of what is there: x[64:128], x:64x8, x*2 (rows and columns twice). Depths and delays follow, and there are no weights. A circuit that
// does not hold together is an error.
func Parse(name, text string) (schema.Circuit, error) {
	c := schema.Circuit{Name: name, Network: name, Steps: 4}
	at := map[string]int{} // populations; inputs are -1 - their index
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		head, tail, _ := strings.Cut(line, "<-")
		words := strings.Fields(head)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if words[0] == "steps" {
			c.Steps, _ = strconv.Atoi(words[1])
			continue
		}
		if words[1] == "input" || words[1] == "drive" {
			kind := schema.SpikeInput
			if words[1] == "drive" {
				kind = schema.DriveInput
			}
			at[words[0]] = -1 - len(c.Inputs)
			c.Inputs = append(c.Inputs, schema.Input{Name: words[0], Kind: kind, Dims: numbers(words[2])})
			continue
		}
		p := schema.Population{Name: words[0], Dims: numbers(words[1]), Dynamics: schema.Dynamics{Decay: 0.5, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}}
		for _, w := range words[2:] {
			key, value, _ := strings.Cut(w, "=")
			v, _ := strconv.ParseFloat(value, 64)
			switch key {
			case "decay":
				p.Decay = v
			case "current":
				p.Current, p.CurrentDecay = true, v
			case "threshold":
				p.Threshold = v
			case "start":
				p.Start = v
			case "reset":
				p.Reset.Value = v
			case "soft":
				p.Reset = schema.Reset{Kind: schema.ResetBy, Value: 1}
			case "unreset":
				p.Reset.Kind = schema.ResetNone
			case "refractory":
				p.Refractory = int(v)
			case "once":
				p.Once = true
			case "strict":
				p.Strict = true
			case "late":
				p.Late = true
			case "bias":
				p.Bias = &schema.Tensor{Dims: p.Dims[:1]}
			case "drive":
				p.Drive = append(p.Drive, -1-at[value])
			case "reads":
				p.Reads, p.Scale, p.Reset = true, 1, schema.Reset{}
			default:
				return c, fmt.Errorf("line %d: %q", n+1, w)
			}
		}
		for _, part := range strings.Split(tail, ",") {
			if words := strings.Fields(part); len(words) > 0 {
				s, err := synapses(&c, &p, words, at)
				if err != nil {
					return c, fmt.Errorf("line %d: %w", n+1, err)
				}
				p.Synapses = append(p.Synapses, s)
			}
		}
		depth := func(s *schema.Synapses) int {
			if s.Population < 0 {
				return 0
			}
			return c.Populations[s.Population].Depth
		}
		deepest := 0
		for k := range p.Synapses {
			deepest = max(deepest, depth(&p.Synapses[k]))
		}
		for k := range p.Synapses {
			p.Synapses[k].Delay = deepest - depth(&p.Synapses[k])
		}
		if p.Depth = deepest; !p.Late {
			p.Depth++
		}
		at[p.Name] = len(c.Populations)
		c.Populations = append(c.Populations, p)
	}
	return c, circuit.Verify(c)
}

func synapses(c *schema.Circuit, p *schema.Population, words []string, at map[string]int) (s schema.Synapses, err error) {
	name, view := words[1], ""
	if i := strings.IndexAny(name, "[:*"); i > 0 {
		name, view = name[:i], name[i:]
	}
	i, ok := at[name]
	if !ok {
		return s, fmt.Errorf("no %s", name)
	}
	if s.Population = i; i < 0 {
		s.Population, s.Input = -1, -1-i
	}
	s.View.From = circuit.SourceDims(c, &s)
	if from, rest, ok := strings.Cut(strings.TrimPrefix(view, "["), "]"); ok {
		a, b, _ := strings.Cut(from, ":")
		s.View.Offset, _ = strconv.Atoi(a)
		to, _ := strconv.Atoi(b)
		s.View.From, view = []int{to - s.View.Offset}, rest
	}
	if shape, ok := strings.CutPrefix(view, ":"); ok {
		shape, view, _ = strings.Cut(shape, "*")
		s.View.From = numbers(shape)
		view = "*" + view
	}
	times := 1
	if n := strings.TrimPrefix(view, "*"); n != "" {
		times, _ = strconv.Atoi(n)
	}
	d := append([]int(nil), s.View.From...)
	if len(d) == 3 {
		s.View.Tall, s.View.Wide, d[1], d[2] = times, times, d[1]*times, d[2]*times
	}
	s.View.Dims = d
	s.Kind = map[string]schema.SynapseKind{"linear": schema.Dense, "conv": schema.Conv, "deconv": schema.Deconv, "same": schema.Same, "pool": schema.Pool}[words[0]]
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		v, err := strconv.Atoi(value)
		if err != nil {
			return s, err
		}
		switch key {
		case "k":
			s.Kernel = v
		case "stride":
			s.Stride = v
		case "pad":
			s.Pad = v
		}
	}
	switch s.Kind {
	case schema.Dense:
		s.View.Dims = []int{circuit.Size(d)}
	case schema.Conv, schema.Deconv, schema.Pool:
		s.Stride = max(s.Stride, 1)
	}
	s.Weights.Dims = circuit.WeightDims(&s, p.Dims)
	return s, nil
}

func numbers(text string) (out []int) {
	for _, w := range strings.Split(text, "x") {
		n, _ := strconv.Atoi(w)
		out = append(out, n)
	}
	return out
}
