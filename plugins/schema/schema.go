package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is the kind of a component that a plugin offers.
type Kind string

// The kinds of components.
const (
	Neuron Kind = "neuron"
	Coder  Kind = "coder"
	Model  Kind = "model"
	Target Kind = "target"
)

// Direction is what a coder does.
type Direction string

// The directions of a coder.
const (
	Encode Direction = "encode" // values become signals or spikes over time steps
	Decode Direction = "decode" // and back
)

// Plugin is what one plugin process answers to Describe.
type Plugin struct {
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	Components []Component `json:"components"`
}

// Component describes one neuron, coder, model or target.
type Component struct {
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"` // as a spec writes it
	Version string `json:"version"`
	Doc     string `json:"doc"` // Markdown; the first sentence stands alone

	// Equations is the definition of a neuron or coder in the spec language, for example
	// `neuron lif(tau: time = 2 steps) { ... }`. Its parameters are declared in that text.
	Equations string `json:"equations,omitempty"`
	// Directions are those of a coder without equations, Encode, Decode or both; none: Decode. One that encodes has an int `steps`
	// of at least 1 among its parameters.
	Directions []Direction `json:"directions,omitempty"`

	// Opaque is set for a neuron or coder that computes by itself: it has neither equations nor a graph, see PrepareRequest.
	Opaque *Opaque `json:"opaque,omitempty"`

	Params   []Param  `json:"params,omitempty"`   // arguments of what has no equations
	Roles    []Role   `json:"roles,omitempty"`    // model: networks, coders and models it is made of
	Samplers []Choice `json:"samplers,omitempty"` // model: what `sampler =` accepts; the first is the default
	Exports  []string `json:"exports,omitempty"`  // model: functions for metrics, other models and deployment

	// Emulates is set for a target that also compiles circuits and emulates its chip, see CompileRequest; Traces for one that runs
	// networks in its own terms, see TraceRequest. Seeded is set where chips of a target are not alike: then the seed of a
	// CompileRequest is the chip, and figures are those of several.
	Emulates bool `json:"emulates,omitempty"`
	Traces   bool `json:"traces,omitempty"`
	Seeded   bool `json:"seeded,omitempty"`

	// Aliases are the names by which other libraries know the component; case counts for nothing. Who writes one of them is
	// told this component's name.
	Aliases []string `json:"aliases,omitempty"`

	// Later is set where a spec may name the component, but nothing in this version can run it.
	Later bool `json:"later,omitempty"`
}

// Goes reports whether a coder without equations has a direction.
func (c *Component) Goes(d Direction) bool {
	if len(c.Directions) == 0 {
		return d == Decode
	}
	return slices.Contains(c.Directions, d)
}

// Opaque says what an opaque neuron or coder takes and gives. It computes each example by itself.
type Opaque struct {
	// Inputs are those of a neuron: the first flows in, the others are arguments at its use; none: one, called x. A coder has none
	// here, what it encodes or decodes is x.
	Inputs   []string `json:"inputs,omitempty"`
	Spikes   bool     `json:"spikes,omitempty"`   // what a neuron gives, or a coder that encodes, is 0 or 1
	Once     bool     `json:"once,omitempty"`     // each element spikes at most once in a sequence
	Gradient bool     `json:"gradient,omitempty"` // it has Backward; without it nothing is trained through it
	Random   bool     `json:"random,omitempty"`   // it draws random numbers, and is given seeds
	// Local says that the gradient is of each time step by itself, by a rule that lets none go through the states to earlier ones, as that
	// of spatial learning through time (SLTT, Meng et al. 2023).
	Local bool `json:"local,omitempty"`
}

// Takes returns the names of the inputs, the one that flows in first.
func (o *Opaque) Takes() []string {
	if len(o.Inputs) == 0 {
		return []string{"x"}
	}
	return o.Inputs
}

// Role is an argument of a model that takes a network, a coder or another model.
// A role may also stand inside a choice (latent = bernoulli(posterior = ..., prior = ...)): it is then a Param of Type ARole.
type Role struct {
	Name     string `json:"name"`
	Takes    string `json:"takes"` // network, coder or model
	Optional bool   `json:"optional,omitempty"`
	// Steps names the role whose result fixes the number of time steps of this one where its network does not encode
	// ("encoder"); "" where nothing does.
	Steps string `json:"steps,omitempty"`
	Doc   string `json:"doc,omitempty"`
}

// Type is the type of a parameter or of a value.
type Type string

// The types. A choice is one of several named alternatives with arguments of their own (`atan(alpha = 2)`); terms is a
// weighted sum of choices (`mse + kl / 240`).
const (
	Int    Type = "int"
	Real   Type = "real"
	Bool   Type = "bool"
	String Type = "string"
	Time   Type = "time"
	Bytes  Type = "bytes" // an amount of memory
	Range  Type = "range"
	Size   Type = "size"
	List   Type = "list"
	OneOf  Type = "choice"
	Terms  Type = "terms"
	ARole  Type = "role"  // a network, coder or model by name
	AField Type = "field" // a field of the data, by name: image, label
)

// Param declares one argument.
type Param struct {
	Name     string   `json:"name"`
	Type     Type     `json:"type"`
	Of       Type     `json:"of,omitempty"` // type of a list's items
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"` // in the spec language: `2 steps`, `0.1..0.3`, `mse + mmd`; "" where absent means absent
	Min      *float64 `json:"min,omitempty"`     // smallest value of an int, real, time (steps) or amount of memory (bytes)
	Max      *float64 `json:"max,omitempty"`     // greatest
	Choices  []Choice `json:"choices,omitempty"` // of OneOf and Terms, also of a List of OneOf
	Role     *Role    `json:"role,omitempty"`    // of ARole
	// Export lets a OneOf of an action also take a model of the file that has this export. Its value is then an ARole.
	Export string `json:"export,omitempty"`
	Doc    string `json:"doc,omitempty"`
}

// Choice is one alternative of a OneOf or Terms parameter.
type Choice struct {
	Name   string  `json:"name"`
	Params []Param `json:"params,omitempty"` // the first ones may be given by position, in this order
	Doc    string  `json:"doc,omitempty"`
	// Later is set where the name is known and checked, but nothing in this version can run it.
	Later bool `json:"later,omitempty"`
}

// Value is a checked argument, complete with defaults. Times are in steps: the spec's `dt` has converted them.
type Value struct {
	Type   Type      `json:"type"`
	Number float64   `json:"number,omitempty"` // int, real; time in steps; bytes; bool as 0 or 1
	Unit   string    `json:"unit,omitempty"`   // time: "steps"; bytes: "B"
	Text   string    `json:"text,omitempty"`   // string; the name of a choice, role or field
	Items  []Value   `json:"items,omitempty"`  // list, terms; range: low and high; size: height and width
	Args   Arguments `json:"args,omitempty"`   // of a choice
	Weight float64   `json:"weight,omitempty"` // of a term: its factor

	declared []string // names that the arguments among which it is may have, where that is known: see Component.Declare
}

// Arguments are values by parameter name. JSON sorts the names, so the text of equal arguments is equal.
type Arguments map[string]Value

// Int returns the argument NAME as an int; 0 where it is absent. Like Real, Bool and Text it panics where it is known which names are
// declared (see Component.Declare) and NAME is none of them.
func (a Arguments) Int(name string) int { return int(a.value(name).Number) }

// Real returns the argument NAME as a number; 0 where it is absent.
func (a Arguments) Real(name string) float64 { return a.value(name).Number }

// Bool reports whether the argument NAME is true.
func (a Arguments) Bool(name string) bool { return a.value(name).Number != 0 }

// Text returns the text of the argument NAME: a string, or the name of a choice, role or field.
func (a Arguments) Text(name string) string { return a.value(name).Text }

// value returns an argument, the zero Value where it is absent.
func (a Arguments) value(name string) Value {
	v, ok := a[name]
	if ok {
		return v
	}
	for _, beside := range a {
		if beside.declared != nil && !slices.Contains(beside.declared, name) {
			panic(fmt.Sprintf("there is no argument %q: those that are declared are %s", name, strings.Join(beside.declared, ", ")))
		}
	}
	return v
}

// Has reports whether the argument NAME is present.
func (a Arguments) Has(name string) bool { _, ok := a[name]; return ok }

// Complaint is a plugin's finding about its arguments, shown at the place of the spec that set the attribute.
type Complaint struct {
	Path    string `json:"path"` // attribute path: "latent.posterior", "loss", "encoder"; "" for the component as a whole
	Summary string `json:"summary"`
	Help    string `json:"help,omitempty"`
}
