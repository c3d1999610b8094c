package dsl

import (
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl/diag"
)

// File is a parsed spec.
type File struct {
	Name    string // the name it was read under
	Text    []byte // as read
	Version int
	Doc     string // the first `##` lines, where they stand above no item
	Items   []Item // in file order; items that did not parse are left out, see Broken
	Partial bool   // the text was not read to its end: what its other names are is not known
	Broken  []Name // names that items which did not parse would have defined: silent poison for the checker
	// BrokenActions are the actions that did not parse: their kinds, models and places, without settings.
	BrokenActions []*Action
	Path          string      // inside the folder of the spec, with slashes; Resolve sets it, and
	Trail         []diag.Note // of an imported file: the imports that led to it, innermost first
}

// Item is a top-level statement.
type Item interface {
	Span() diag.Range
	item()
}

// Name is an identifier where it stands.
type Name struct {
	Text  string
	Range diag.Range
}

// Doc is the text of the `##` lines right above an item, without the marks; where there are none, that of a `##` behind its
// first or last line.
type (
	// Use is `use "acme/leap" as leap, version "~> 0.3"`.
	Use struct {
		Plugin  String
		As      Name
		Version *String // nil where none is asked for
		Range   diag.Range
	}
	// Import is `import "path.snn"`.
	Import struct {
		Path  String
		File  *File // set by Resolve; nil where there was something to report
		Range diag.Range
	}
	// Preset is `preset NAME { path = value ... }`.
	Preset struct {
		Doc     string
		Name    Name
		Changes []Change
		Range   diag.Range
	}
	// Param is `param NAME: TYPE = VALUE in LO..HI`.
	Param struct {
		Doc   string
		Name  Name
		Type  Type
		Value Expr // nil where the value must come from --set
		In    Expr // a *Binary with Op "..", or nil
		Range diag.Range
	}
	// Definition is `data NAME = value`, also neuron, coder, model and target.
	Definition struct {
		Doc   string
		Kind  string // data, neuron, coder, model or target
		Name  Name
		Value Expr
		Range diag.Range
	}
	// Neuron is a neuron given by its equations.
	Neuron struct {
		Doc    string
		Name   Name
		Params []Parameter
		Body   []Equation
		Range  diag.Range
	}
	// Coder is a coder given by equations: at least one of Encode and Decode is set.
	Coder struct {
		Doc            string
		Name           Name
		Params         []Parameter
		Encode, Decode *Port
		Range          diag.Range
	}
	// Port is one direction of a coder: `encode x { ... }` or `decode s { ... }`.
	Port struct {
		Input Name
		Body  []Equation
		Range diag.Range
	}
	// Block is a piece of network that is copied where it is used.
	Block struct {
		Doc    string
		Name   Name
		Params []Parameter
		Body   []Statement
		Range  diag.Range
	}
	// Network is `network NAME(params) -> type pure { body }`.
	Network struct {
		Doc    string
		Name   Name
		Params []Parameter
		Result Type
		Pure   bool
		Body   []Statement
		Range  diag.Range
	}
	// Action is `train MODEL { settings }`, also sample, evaluate and deploy.
	Action struct {
		Doc      string
		Kind     string // train, sample, evaluate or deploy
		Model    Name
		Settings []Setting
		Range    diag.Range
	}
)

// Change is one line of a preset, or one --set: a path and the expression that takes its place.
type Change struct {
	Path  []PathStep // at least one
	Value Expr
	Range diag.Range
}

// PathStep is a name with an optional index: `sample` or `sddpm[1]`. Index is -1 where none stands.
type PathStep struct {
	Name  Name
	Index int
}

// PathText returns a path as it is written: `sample.sddpm[1].count`.
func PathText(path []PathStep) string {
	var b strings.Builder
	for i, s := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.Name.Text)
		if s.Index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		}
	}
	return b.String()
}

// Setting is `NAME = value` in an action.
type Setting struct {
	Name  Name
	Value Expr
}

// Parameter is a parameter of a neuron, coder, block or network.
type Parameter struct {
	Name      Name
	Type      *Type  // nil where none is written
	Default   Expr   // or nil
	In        Expr   // range, or nil
	Trainable string // "", "layer", "channel", "neuron" or "step"; a bare `trainable` is "layer"
	Range     diag.Range
}

// Type is `real[1, 28, 28]`, `step`, `int` or, with List set, `[int]`.
type Type struct {
	Name  Name
	Dims  []Expr
	List  bool
	Range diag.Range
}

// Statement is a line of the body of a block or network.
type Statement interface {
	Span() diag.Range
	statement()
}

type (
	// Assign is `NAME = value` in a body. A bare flow that binds nothing is an Assign with an empty Name.
	Assign struct {
		Name  Name
		Value Expr
		Range diag.Range
	}
	// Return is `return value`.
	Return struct {
		Value Expr
		Range diag.Range
	}
	// For is `for NAME in list { body }`.
	For struct {
		Name  Name
		List  Expr
		Body  []Statement
		Range diag.Range
	}
	// Repeat is `repeat N { body }`.
	Repeat struct {
		Count Expr
		Body  []Statement
		Range diag.Range
	}
	// If is `if COND { } else { }`.
	If struct {
		Cond       Expr
		Then, Else []Statement
		Range      diag.Range
	}
)

// Equation is a line of the body of a neuron or of a port of a coder.
type Equation interface {
	Span() diag.Range
	equation()
}

type (
	// Input is `input x, y`.
	Input struct {
		Names []Name
		Range diag.Range
	}
	// State is `state v = 0, s = 0`.
	State struct {
		Names  []Name
		Values []Expr // as many as Names
		Range  diag.Range
	}
	// Noise is `noise n = normal(0, 1)`.
	Noise struct {
		Name  Name
		Value Expr
		Range diag.Range
	}
	// Update is `NAME = e`, `NAME += e`, `NAME -= e` or `NAME *= e`.
	Update struct {
		Name  Name
		Op    string // "=", "+=", "-=" or "*="
		Value Expr
		Range diag.Range
	}
	// Derivative is `NAME' = e`.
	Derivative struct {
		Name  Name
		Value Expr
		Range diag.Range
	}
	// SpikeWhen is `spike NAME when condition`; Name is empty where none is written.
	SpikeWhen struct {
		Name  Name
		Cond  Expr
		Range diag.Range
	}
	// OnSpike is `on spike { updates }`.
	OnSpike struct {
		Body  []*Update
		Range diag.Range
	}
	// Refractory is `refractory TIME holds v` or `refractory forever`.
	Refractory struct {
		Time    Expr
		Forever bool
		Holds   []Name
		Range   diag.Range
	}
	// Output is `output e`.
	Output struct {
		Value Expr
		Range diag.Range
	}
)

// Expr is an expression.
type Expr interface {
	Span() diag.Range
	expr()
}

type (
	// Number is a number with an optional unit.
	Number struct {
		Value float64
		Int   int64  // the exact value where IsInt
		IsInt bool   // written without `.` and `e`
		Unit  string // "" or a word of the closed list
		Range diag.Range
	}
	// Size is `28x28` or `1x28x28`.
	Size struct {
		Dims  []int64
		Range diag.Range
	}
	// String is a quoted text, unescaped.
	String struct {
		Value string
		Range diag.Range
	}
	// Bool is `true` or `false`.
	Bool struct {
		Value bool
		Range diag.Range
	}
	// Ref is a name, or a call `NAME(args)`: f and f() are the same.
	Ref struct {
		Name   Name
		Args   []Arg
		Called bool // whether parentheses stand
		Range  diag.Range
	}
	// List is `[a, b, c]`.
	List struct {
		Items []Expr
		Range diag.Range
	}
	// Index is `x[i]`.
	Index struct {
		Of, At Expr
		Range  diag.Range
	}
	// Field is `x.channels`.
	Field struct {
		Of    Expr
		Name  Name
		Range diag.Range
	}
	// Unary is `-x`, `+x` or `not x`.
	Unary struct {
		Op    string
		Of    Expr
		Range diag.Range
	}
	// Binary is `a + b` and so on; Op is one of or and == != < <= > >= in .. + - * / ^.
	Binary struct {
		Op          string
		Left, Right Expr
		Range       diag.Range
	}
	// Flow is `from -> a -> b(args)`: Steps has at least one entry.
	Flow struct {
		From  Expr
		Steps []*Ref
		Range diag.Range
	}
	// Paren is `(e)`, kept so that ranges and messages show what was written.
	Paren struct {
		Of    Expr
		Range diag.Range
	}
)

// Arg is an argument of a call; Name is empty where it is positional. One that Replaces, which the checker makes of a change,
// stands in for what the call gives under its name or at its place.
type Arg struct {
	Name     Name
	Value    Expr
	Replaces bool
	Range    diag.Range
}

func (x *Use) Span() diag.Range        { return x.Range }
func (x *Import) Span() diag.Range     { return x.Range }
func (x *Preset) Span() diag.Range     { return x.Range }
func (x *Param) Span() diag.Range      { return x.Range }
func (x *Definition) Span() diag.Range { return x.Range }
func (x *Neuron) Span() diag.Range     { return x.Range }
func (x *Coder) Span() diag.Range      { return x.Range }
func (x *Block) Span() diag.Range      { return x.Range }
func (x *Network) Span() diag.Range    { return x.Range }
func (x *Action) Span() diag.Range     { return x.Range }
func (x *Assign) Span() diag.Range     { return x.Range }
func (x *Return) Span() diag.Range     { return x.Range }
func (x *For) Span() diag.Range        { return x.Range }
func (x *Repeat) Span() diag.Range     { return x.Range }
func (x *If) Span() diag.Range         { return x.Range }
func (x *Input) Span() diag.Range      { return x.Range }
func (x *State) Span() diag.Range      { return x.Range }
func (x *Noise) Span() diag.Range      { return x.Range }
func (x *Update) Span() diag.Range     { return x.Range }
func (x *Derivative) Span() diag.Range { return x.Range }
func (x *SpikeWhen) Span() diag.Range  { return x.Range }
func (x *OnSpike) Span() diag.Range    { return x.Range }
func (x *Refractory) Span() diag.Range { return x.Range }
func (x *Output) Span() diag.Range     { return x.Range }
func (x *Number) Span() diag.Range     { return x.Range }
func (x *Size) Span() diag.Range       { return x.Range }
func (x *String) Span() diag.Range     { return x.Range }
func (x *Bool) Span() diag.Range       { return x.Range }
func (x *Ref) Span() diag.Range        { return x.Range }
func (x *List) Span() diag.Range       { return x.Range }
func (x *Index) Span() diag.Range      { return x.Range }
func (x *Field) Span() diag.Range      { return x.Range }
func (x *Unary) Span() diag.Range      { return x.Range }
func (x *Binary) Span() diag.Range     { return x.Range }
func (x *Flow) Span() diag.Range       { return x.Range }
func (x *Paren) Span() diag.Range      { return x.Range }

func (*Use) item()        {}
func (*Import) item()     {}
func (*Preset) item()     {}
func (*Param) item()      {}
func (*Definition) item() {}
func (*Neuron) item()     {}
func (*Coder) item()      {}
func (*Block) item()      {}
func (*Network) item()    {}
func (*Action) item()     {}

func (*Assign) statement() {}
func (*Return) statement() {}
func (*For) statement()    {}
func (*Repeat) statement() {}
func (*If) statement()     {}

func (*Input) equation()      {}
func (*State) equation()      {}
func (*Noise) equation()      {}
func (*Update) equation()     {}
func (*Derivative) equation() {}
func (*SpikeWhen) equation()  {}
func (*OnSpike) equation()    {}
func (*Refractory) equation() {}
func (*Output) equation()     {}

func (*Number) expr() {}
func (*Size) expr()   {}
func (*String) expr() {}
func (*Bool) expr()   {}
func (*Ref) expr()    {}
func (*List) expr()   {}
func (*Index) expr()  {}
func (*Field) expr()  {}
func (*Unary) expr()  {}
func (*Binary) expr() {}
func (*Flow) expr()   {}
func (*Paren) expr()  {}
