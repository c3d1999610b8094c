package sdk

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Plugin is what one plugin process serves.
type Plugin struct {
	Name    string
	Version string
	// Equations are neurons and coders that equations say all of.
	Equations []schema.Component
	Models    []Model
	Coders    []Coder
	Opaque    []Opaque // neurons and coders that compute by themselves
	Targets   []Target
}

// Model is a model component.
type Model struct {
	Component schema.Component
	// Build returns the text of the Program for checked arguments, or what is wrong with them.
	Build func(BuildRequest) (string, []schema.Complaint, error)
	// Sampler returns the text of a Program that holds one sampler with its functions, for samplers that have options (what
	// else is in it: schema.SamplerRequest), or what is wrong with the options; nil where the samplers of Build's Program are
	// all there are.
	Sampler func(r BuildRequest, sampler string, options schema.Arguments) (string, []schema.Complaint, error)
}

// BuildRequest is what a model is built from.
type BuildRequest struct {
	Arguments schema.Arguments
	Networks  []schema.Network
	Fields    map[string]graph.Type // of the data
	Classes   map[string]int        // of a field that holds class numbers: they are below this
	All       map[string]int        // of one whose examples are of chosen classes: how many classes the data set has
	Bounds    map[string][2]float64 // of a field of real numbers: the least and the greatest
}

// NewBuildRequest reads a request as the host sends it.
func NewBuildRequest(q schema.BuildRequest) (BuildRequest, error) {
	r := BuildRequest{Arguments: q.Arguments, Networks: q.Networks, Fields: map[string]graph.Type{}, Classes: q.Classes, All: q.All, Bounds: q.Bounds}
	for name, text := range q.Fields {
		t, err := parseType(text)
		if err != nil {
			return BuildRequest{}, fmt.Errorf("read the type of field %s: %w", name, err)
		}
		r.Fields[name] = t
	}
	return r, nil
}

// Image returns the type of the data's field `image`, or the complaint that there is none.
func (r BuildRequest) Image() (graph.Type, []schema.Complaint) {
	image, ok := r.Fields["image"]
	if !ok {
		return image, Complain("", "train it on a data set of images", "this model is trained on images, and the data have no field `image`")
	}
	return image, nil
}

// Complain returns one complaint about the argument at a path (schema.Complaint): its summary in words, and what mends it, "" where
// that is plain.
func Complain(path, help, format string, args ...any) []schema.Complaint {
	return []schema.Complaint{{Path: path, Summary: fmt.Sprintf(format, args...), Help: help}}
}

// Coder is a coder component that is a graph, which may own weights.
type Coder struct {
	Component schema.Component
	// Each direction returns the text of a module with the functions "train" and "eval", of one input of the given type. Encode
	// makes of real numbers a signal or spikes over as many time steps as the argument `steps` says, Decode makes of what has time
	// steps real numbers; both may change the dims, to the same for any number of steps. nil where the coder does not go that way.
	Encode, Decode func(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error)
}

// component is the component with its directions.
func (c Coder) component() schema.Component {
	out := c.Component
	if c.Encode != nil {
		out.Directions = append(out.Directions, schema.Encode)
	}
	if c.Decode != nil {
		out.Directions = append(out.Directions, schema.Decode)
	}
	return out
}

// Target is a chip.
type Target struct {
	Component schema.Component
	// Check says how networks lie on the chip.
	Check func(schema.TargetRequest) (schema.TargetReply, error)
	// Compile puts circuits on the chip; nil where the target only tells whether they fit. The tensors of the request are read
	// with w, which holds during the call only. The chip is nil where the reply has complaints or the circuits do not fit.
	Compile func(q schema.CompileRequest, w Weights) (Chip, schema.CompileReply, error)
	// Trace runs a network in the target's own terms; nil where there is none. The tensors that the text names are by name.
	Trace func(q schema.TraceRequest, tensors map[string][]byte) (schema.TraceReply, error)
}

// component is the component with what it does.
func (t Target) component() schema.Component {
	out := t.Component
	out.Emulates, out.Traces = t.Compile != nil, t.Trace != nil
	return out
}

// Weights returns the numbers of a tensor of a request, which are to be read only.
type Weights func(schema.Tensor) []float32

// Chip is compiled circuits on an emulated chip. Its methods may be called concurrently.
type Chip interface {
	// Emulate runs examples of a circuit.
	Emulate(b *Block) (schema.EmulateReply, error)
	// Export returns the compiled circuits in the target's own terms, with the bytes of CompileReply.Tensors in their order. What goes in
	// is that of the examples, at most one for each circuit: blocks of one example with a seed, without outputs and taps. What Trace makes
	// of the text is what Emulate makes of them.
	Export(examples ...*Block) (text string, tensors [][]byte, err error)
}

// Block is examples of a circuit to be run. Its slices lie in shared memory and hold during the call only.
type Block struct {
	Circuit  string
	Steps    int
	Examples int
	Inputs   []Series // one for each input, to be read only; drives are without time steps
	Outputs  []Series // one for each population that gives, to be written, all of it; read-outs are without time steps
	Taps     []Series // one for each population with spikes, to be written, all of it; nil where nobody wants them
	Seeds    []uint64 // one for each example; nil: 0 for all
}

// Components lists what the plugin has, in the order of its fields.
func (p Plugin) Components() []schema.Component {
	out := append([]schema.Component(nil), p.Equations...)
	for _, x := range p.Coders {
		out = append(out, x.component())
	}
	for _, x := range p.Opaque {
		out = append(out, x.Component)
	}
	for _, x := range p.Models {
		out = append(out, x.Component)
	}
	for _, x := range p.Targets {
		out = append(out, x.component())
	}
	return out
}
