package check

import (
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// Catalogue is everything a spec may name that is not defined in it.
type Catalogue struct {
	Components []schema.Component       // neurons, coders, models and targets of the plugins
	Used       map[string]schema.Plugin // plugins that a spec may `use`, by the name it writes there
	Plugins    []string                 // names of all plugins that are there, used or not
	Data       []schema.Choice          // data sets
	// Settings are those of train, sample, evaluate and deploy. `sampler` is the model's business: where it is listed its choices
	// are the component's samplers. What these take is known whatever their type says: `data` (a data set of the file), `replace`
	// (a list of neurons and coders with arguments), `targets` (a list of components of kind target, target definitions, or the
	// choices listed), `quantize` (one of these), `network` (a network of the model: it comes to the list of the roles that it fills).
	Settings map[string][]schema.Param
	// Shape returns channels, height and width of a data set's examples, and their time steps, 0 for images, without reading it.
	Shape func(name string, args schema.Arguments) (channels, height, width, steps int, err error)
	// Graph asks the plugin of a coder that it gives as a graph, and not by equations, for that graph at an input of the given
	// type: to encode a real, to decode what has time steps, whose number is known. Findings are at the places of the coder's arguments, else at `at`, its use. nil
	// where there are no such coders.
	Graph func(k *Coder, in Wire, at diag.Range) (CoderGraph, diag.List)
	// Opaque asks the plugin of a neuron that it computes itself what that keeps for examples of given dims. The answer is the neuron's
	// declaration, the text of a module of runtime/graph. Findings are at the places of the neuron's arguments, else at `at`, its use.
	// nil where there are no such neurons.
	Opaque func(n *Neuron, dims []int, at diag.Range) (string, diag.List)
}

// CoderGraph is a direction of a coder at an input of one type, as its plugin gives it: the text of a module of runtime/graph, what
// it makes of the input, and how many numbers it holds.
type CoderGraph struct {
	Text  string
	Out   Wire
	Count Parameters
}

// Spec is a checked spec: names resolved, networks unrolled, shapes and arguments known.
type Spec struct {
	File     *dsl.File
	Neurons  []*Neuron
	Coders   []*Coder
	Data     []*Data
	Targets  []*Target  // the definitions
	Networks []*Network // in file order
	Models   []*Model
	Actions  []*Action
	Sources  diag.Sources // the texts that ranges point into: the spec, what it imports, equations of plugins
}

// Target is a definition of a target.
type Target struct {
	Name   string
	Value  schema.Value // the component with its arguments
	Plugin string       // the used plugin that it is from; "" for the built-in one
}

// WireKind is what flows on a wire.
type WireKind uint8

// The kinds of wires. Real, Tokens and Step have one value per example, the others one per time step.
const (
	RealWire WireKind = iota
	SignalWire
	SpikesWire
	TimesWire // spikes, at most one per neuron
	TokensWire
	StepWire
)

// String is the kind as a spec writes it.
func (k WireKind) String() string {
	return [...]string{"real", "signal", "spikes", "times", "tokens", "step"}[k]
}

// Wire is the type of a wire.
type Wire struct {
	Kind  WireKind
	Dims  []int
	Steps int // of a timed wire; 0: as many as the network is applied at (FreeSteps)
}

// Timed reports whether the wire has time steps.
func (w Wire) Timed() bool { return w.Kind >= SignalWire && w.Kind <= TimesWire }

// String is the type as a spec writes it, such as `spikes[32, 16, 16]`.
func (w Wire) String() string {
	if w.Kind == StepWire {
		return w.Kind.String()
	}
	dims := make([]string, len(w.Dims))
	for i, d := range w.Dims {
		dims[i] = strconv.Itoa(d)
	}
	return w.Kind.String() + "[" + strings.Join(dims, ", ") + "]"
}

// Network is an unrolled network: layers in an order in which each uses only earlier ones.
type Network struct {
	Name      string
	Doc       string
	Params    []Port
	Result    Wire
	Layers    []*Layer
	Output    int  // index of the layer that is returned
	FreeSteps bool // wires are timed and nothing fixes their number of steps: the network works at any
	Steps     int  // otherwise that number; 0 where nothing is timed but inside of networks that are used as layers
	Pure      bool
	Range     diag.Range
	depth     int // of the networks in it, in each other
	graphs    []graphCoder
}

// Port is a parameter of a network. It is layer number i of Layers, of kind "input", for the i-th parameter.
type Port struct {
	Name string
	Wire Wire
}

// Layer is one step of a network. Kind is the layer's name in the language (conv, deconv, linear, batchnorm, groupnorm,
// layernorm, dropout, maxpool, avgpool, upsample, flatten, reshape, sinusoid, raw, embedding, expand, attention, relu,
// leaky_relu, swish, gelu, sigmoid, tanh, softmax) or one of: input, neuron, encode, decode, concat, add, sub, mul, div, neg.
// Args of a conv: c, kernel, stride, pad, bias and, where set, init; deconv has extra besides; reshape and expand have
// nothing that Wire does not say. The number in `2 * x` is the argument value of a mul with one input, and left is true there.
// `project` is a conv of kernel 1 or, where the channels agree, nothing; push and pop leave no layer.
type Layer struct {
	Kind string
	In   []int // indices of the layers it uses; for a neuron with several inputs in the order of its `input` line
	Wire Wire
	// Title names the layer for people: NETWORK.K.NAME, where NAME is what the spec calls it (the neuron's definition, the
	// layer's name) and K counts the uses of that name in the network from 0. A layer of a network that is used as a layer is
	// NETWORK.K.USED.K.NAME.
	Title  string
	Args   schema.Arguments // complete with defaults: conv has kernel, stride, pad, bias, c; scalar operands of + - * / are a "value"
	Neuron *Neuron          // of kind neuron
	Coder  *Coder           // of kinds encode and decode
	Graphs map[int]string   // of a coder that its plugin gives as a graph: the text of that, by the time steps of what flows in
	Opaque string           // of a neuron that its plugin computes: its declaration, see Catalogue.Opaque
	Origin []diag.Range     // the use in the spec; then the block's, network's or loop's places that led there, innermost first
	// Home is where the layer is written down: its own place or, of a layer that is here because its network is used as a
	// layer, its place in that network. Layers of one home have the same weights, in whichever networks they are.
	Home Place
	// Weights is the index of the first layer of the network with this home, whose weights it uses; mostly its own.
	Weights int
	count   Parameters
}

// Place is a layer of a network, by its index.
type Place struct {
	Network *Network
	Layer   int
}

// Parameters returns how many trainable numbers the layer holds, and how many are frozen.
// (Equation parameters that are trainable count here too.)
type Parameters struct{ Trainable, Frozen int }

// Count returns how many numbers the layer holds; running statistics are not among them. A layer that uses the weights of an
// earlier one holds none.
func (l *Layer) Count() Parameters { return l.count }

// Count returns how many numbers the network's layers hold.
func (n *Network) Count() Parameters {
	var sum Parameters
	for _, l := range n.Layers {
		sum.Trainable += l.count.Trainable
		sum.Frozen += l.count.Frozen
	}
	return sum
}

// Neuron is a neuron definition with its arguments: what an equation is compiled from.
type Neuron struct {
	Name        string
	Definition  *dsl.Neuron           // parsed equations, from the spec or from a plugin; nil for one that its plugin computes, see Opaque
	Params      map[string]float64    // arguments; times in steps
	Trainable   map[string]string     // parameters that are trained: per layer, channel, neuron or step
	Ranges      map[string][2]float64 // of trained parameters that have one: where training keeps them
	Integrate   string                // euler, exact, ...
	DetachReset bool
	Surrogate   Surrogate
	Once        bool // refractory forever: its wire is times
	Spikes      bool // false: it has an `output`, its wire is a signal
	// Times are the numbers with a unit in equations of the spec: times in steps, frequencies per step, the rest in V, A, J and B.
	Times  map[*dsl.Number]float64
	Opaque *Opaque // of a neuron that its plugin computes
}

// Opaque is what a plugin computes: a component with its arguments.
type Opaque struct {
	Component *schema.Component
	Plugin    string // "" for the built-ins, else the plugin's name as its `use` writes it
	Args      schema.Arguments
	Places    map[string]diag.Range // attribute path of an argument -> where the spec sets it
}

// inputs returns the names of what flows into a neuron.
func (n *Neuron) inputs() []string {
	if n.Opaque != nil {
		return n.Opaque.Component.Opaque.Takes()
	}
	return inputs(n.Definition.Body)
}

// Surrogate is the derivative that stands in for the spike's.
type Surrogate struct {
	Kind     string // atan, rectangle, triangle, sigmoid, expression or temporal
	Alpha    float64
	Width    float64
	Center   float64
	Absolute bool     // Center is a value of the left side, not an offset from the threshold
	Expr     dsl.Expr // of kind expression: in terms of u
	// of kind temporal
	Open, Normalize bool
}

// Coder is a coder definition with its arguments.
type Coder struct {
	Name       string
	Definition *dsl.Coder // nil for a coder that its plugin gives as a graph, see Component
	Params     map[string]float64
	Trainable  map[string]string
	Ranges     map[string][2]float64
	Times      map[*dsl.Number]float64 // as of a neuron
	Steps      int                     // of a coder that encodes
	// Of a coder that its plugin gives as a graph:
	Component *schema.Component
	Plugin    string // "" for the built-ins, else the plugin's name as its `use` writes it
	Args      schema.Arguments
	Places    map[string]diag.Range // attribute path of an argument -> where the spec sets it
}

// Model is a checked model.
type Model struct {
	Name       string
	Component  *schema.Component
	Plugin     string // "" for the built-ins, else the plugin's name as its `use` writes it
	Args       schema.Arguments
	Roles      []Role // in the order of the schema, then those inside choices, by attribute path
	Definition *dsl.Definition
	// Places maps attribute paths ("latent.posterior") to where the spec sets them.
	Places map[string]diag.Range
}

// Role is a filled role: its attribute path and what fills it.
type Role struct {
	Path    string
	Network *Network
	Coder   *Coder
	Model   *Model
	Steps   int // time steps that the role runs at: its network's own, or those of the role its schema names
}

// Data is a checked data set.
type Data struct {
	Name                    string // as defined
	Set                     string // the data set's name
	Args                    schema.Arguments
	Channels, Height, Width int
	Steps                   int // time steps of an example; 0 for images
	Later                   bool
	Range                   diag.Range
}

// Action is a checked train, sample, evaluate or deploy.
type Action struct {
	Kind     string
	Model    *Model
	Settings schema.Arguments // complete with defaults; `each(...)` is a choice named each whose arguments are by role
	Data     *Data            // of train, and of an evaluate that names one; for the others that of the model's train
	// Variant is Model with what `replace` puts in the place of definitions: the same roles, filled with networks that are unrolled
	// with these; nil where the action replaces nothing.
	Variant *Model
	Places  map[string]diag.Range
	Plugins map[string]string // attribute path of a target ("targets[0]") to the used plugin it is from; built-ins are not in it
	Range   diag.Range
	Number  int // among the actions of its kind and model, from 0
}
