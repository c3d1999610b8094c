package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// Options say what a spec is checked against and how it is changed.
type Options struct {
	Catalogue *Catalogue   // nil: nothing but the language itself
	Preset    string       // name of the preset to use; "" for none
	Sets      []dsl.Change // applied in order, after the preset
}

// The limits of a spec.
const (
	maxErrors   = 100
	maxLayers   = 20_000
	maxVariants = 100       // actions with `replace`: each is a model of its own
	maxDepth    = 100       // of blocks and loops in each other
	maxUses     = 20        // of networks in each other
	maxNested   = 50_000    // of expressions in each other, through blocks and params
	maxWork     = 4_000_000 // expressions and statements evaluated while unrolling
	maxSize     = 1 << 31   // values on a wire, per example and step
	maxCount    = 1 << 40   // trainable numbers of a layer

	largestInt = 1 << 53 // of an argument: arguments are float64, which holds the ints up to here
)

// Check checks a file with what it imports, which dsl.Resolve has read. The spec, which is never nil, has what could be checked;
// it is complete where no finding is an error. Names in f.Broken and whatever depends on a finding stay silent.
func Check(f *dsl.File, o Options) (*Spec, diag.List) {
	c := newChecker(f, o)
	c.declare(f)
	c.change(o)
	c.params()
	for _, d := range c.order {
		switch d.kind {
		case "neuron":
			if n := c.neuronOf(d); n != nil {
				c.spec.Neurons = append(c.spec.Neurons, n)
			}
		case "coder":
			if k := c.coderOf(d); k != nil {
				c.spec.Coders = append(c.spec.Coders, k)
			}
		case "data":
			if x := c.dataOf(d); x != nil {
				c.spec.Data = append(c.spec.Data, x)
			}
		case "target":
			if v := c.targetOf(d); v != nil {
				t := &Target{Name: d.name.Text, Value: *v}
				if d.plugin != nil {
					t.Plugin = d.plugin.Name
				}
				c.spec.Targets = append(c.spec.Targets, t)
			}
		}
	}
	for _, d := range c.order {
		c.names(d)
	}
	for _, d := range c.order {
		if d.kind == "network" {
			if n := c.network(d); n != nil {
				c.spec.Networks = append(c.spec.Networks, n)
			}
		}
	}
	for _, d := range c.order {
		if d.kind == "model" {
			if m := c.modelOf(d); m != nil {
				c.spec.Models = append(c.spec.Models, m)
			}
		}
	}
	c.actions()
	if !c.found.HasErrors() && !c.blind && len(c.broken)+len(c.unread) == 0 { // where all of the file was read
		c.unused(o)
		c.probabilities()
		c.narrow()
		c.flat()
		c.found = append(c.found, c.warnings...)
	}
	return c.spec, c.found
}

// newChecker returns a checker that has seen nothing of the file yet.
func newChecker(f *dsl.File, o Options) *checker {
	c := &checker{answers: map[question]answer{}, opaque: map[use]string{}, file: f, cat: o.Catalogue, spec: &Spec{File: f, Sources: diag.Sources{}},
		defs: map[string]*def{}, acting: map[string][]*action{}, presets: map[string]*dsl.Preset{}, declared: map[*dsl.File]bool{}, imported: map[string][]diag.Note{}, broken: map[string]bool{}, unread: map[string]bool{}, loose: map[dsl.Item]bool{}, at: map[diag.Range]bool{}, layers: layerTable(),
		defaults: map[string]dsl.Expr{}, texts: map[*schema.Component]dsl.Item{}, bodies: map[dsl.Item]bool{}, models: map[*def]*Model{}, times: map[*dsl.Number]float64{}}
	if c.cat == nil {
		c.cat = &Catalogue{}
	}
	for _, g := range f.Files() {
		c.spec.Sources[g.Name] = g.Text
		c.imported[g.Name] = g.Trail
	}
	return c
}

// checker checks one file.
type checker struct {
	file     *dsl.File
	cat      *Catalogue
	spec     *Spec
	found    diag.List
	loose    map[dsl.Item]bool   // bodies with flows whose result goes nowhere
	listed   bool                // whether a help has had all layers
	warnings diag.List           // told where there are no errors
	at       map[diag.Range]bool // places that have a finding
	defs     map[string]*def
	order    []*def // in file order
	presets  map[string]*dsl.Preset
	named    []*dsl.Preset // in file order
	declared map[*dsl.File]bool
	imported map[string][]diag.Note // by the name of an imported file, the imports that led to it
	acts     []*action
	acting   map[string][]*action // by kind and model: "train digit"
	broken   map[string]bool
	unread   map[string]bool // KIND MODEL of actions that did not parse
	blind    bool            // not all names are known
	layers   map[string]*layerKind
	defaults map[string]dsl.Expr            // parsed texts of schemas
	texts    map[*schema.Component]dsl.Item // parsed equations of plugins; nil where they do not parse
	bodies   map[dsl.Item]bool              // judged equations: whether they hold
	answers  map[question]answer            // of plugins whose coders are graphs
	opaque   map[use]string                 // declarations of neurons that plugins compute
	models   map[*def]*Model
	times    map[*dsl.Number]float64 // numbers with a unit in equations, as the steps compute with them
	dt       float64                 // length of a time step in seconds; 0 where the spec does not say
	used     int                     // layers so far
	work     int                     // expressions and statements so far
	nested   int                     // depth of eval
	building []*building             // networks that are unrolled, each for a use in the one before
	frames   []frame                 // uses and loops around the place that is unrolled, outermost first
	asides   []diag.Note             // added to every finding, while a plugin's text or a variant is judged
	standIns map[string]*standIn     // by definition, while a variant is checked
	variants int                     // so far
	nearest  map[[2]string]string    // what an unknown name behind an arrow in the body of another is most like
}

// def is a definition of the file.
type def struct {
	name  dsl.Name
	kind  string
	item  dsl.Item
	value dsl.Expr // the right side of `=`, after presets and --set
	state state
	// What it comes to; nil where something was found.
	param  value
	neuron *Neuron
	coder  *Coder
	data   *Data
	net    *Network
	target *schema.Value
	plugin *schema.Plugin // of a use; of a target that a plugin has
}

type state uint8

const (
	unseen state = iota
	busy
	done
)

// frame is a use of a block, or a turn of a loop.
type frame struct {
	block string // "" for a loop
	loop  string // for or repeat
	turn  int    // from 1
	at    diag.Range
}

// report adds a finding; of several at one place the first stays.
func (c *checker) report(d diag.Diagnostic) {
	if d.Severity == diag.Error && (c.at[d.Range] && !d.Range.IsZero() || len(c.found) >= maxErrors) {
		return
	}
	c.at[d.Range] = true
	d.Notes = append(append(append(d.Notes, c.trail()...), c.asides...), c.imported[d.Range.File]...)
	c.found.Add(d)
}

// silent reports whether a finding at a place would be dropped.
func (c *checker) silent(at diag.Range) bool { return c.at[at] || len(c.found) >= maxErrors }

// fail reports an error; the summary is a format.
func (c *checker) fail(code diag.Code, at diag.Range, help, summary string, args ...any) {
	c.report(diag.Diagnostic{Code: code, Range: at, Help: help, Summary: fmt.Sprintf(summary, args...)})
}

// trail says which uses and loop turns led to the place that is unrolled, innermost first, at most five.
func (c *checker) trail() []diag.Note {
	var notes []diag.Note
	loops := ""
	for i := len(c.frames) - 1; i >= 0 && len(notes) < 5; i-- {
		f := c.frames[i]
		if f.block == "" {
			loops += fmt.Sprintf(", turn %d of `%s`", f.turn, f.loop)
			if i == 0 || c.frames[i-1].block != "" {
				notes = append(notes, diag.Note{Message: "in" + strings.TrimPrefix(loops, ","), Range: f.at})
				loops = ""
			}
			continue
		}
		message := fmt.Sprintf("in `%s`, used here", f.block)
		for ; i > 0 && c.frames[i-1].block == ""; i-- {
			message += fmt.Sprintf(", turn %d of `%s`", c.frames[i-1].turn, c.frames[i-1].loop)
		}
		notes = append(notes, diag.Note{Message: message, Range: f.at})
	}
	return notes
}

// spend counts work and reports whether there is some left.
func (c *checker) spend(n int, at diag.Range) bool {
	if c.work > maxWork {
		return false
	}
	if c.work += n; c.work > maxWork {
		c.fail(diag.TooMuchWork, at, "use fewer turns of the loops around this place", "checking this spec takes more than %d steps", maxWork)
		return false
	}
	return true
}

// declare gathers the definitions and presets of a file and, where they stand, those of the files that it imports; and the
// actions of the spec itself.
func (c *checker) declare(f *dsl.File) {
	main := f == c.file
	c.blind = c.blind || f.Partial
	for _, n := range f.Broken {
		c.broken[n.Text] = true
	}
	if main {
		for _, a := range f.BrokenActions {
			c.unread[a.Kind+" "+a.Model.Text] = true
		}
	}
	for _, item := range f.Items {
		d := &def{item: item}
		switch x := item.(type) {
		case *dsl.Use:
			p, ok := c.use(x)
			if !ok {
				c.broken[x.As.Text] = true
				continue
			}
			d.name, d.kind, d.plugin = x.As, "use", p
		case *dsl.Import:
			if x.File == nil {
				c.blind = true // why has been said
			} else if !c.declared[x.File] {
				c.declared[x.File] = true
				c.declare(x.File)
			}
			continue
		case *dsl.Preset:
			if old := c.presets[x.Name.Text]; old != nil {
				c.twice("preset", x.Name, old.Name)
			} else {
				c.presets[x.Name.Text] = x
				c.named = append(c.named, x)
			}
			continue
		case *dsl.Action:
			if !main {
				continue
			}
			a := &action{Action: x, settings: slices.Clone(x.Settings)}
			c.acts = append(c.acts, a)
			c.acting[x.Kind+" "+x.Model.Text] = append(c.acting[x.Kind+" "+x.Model.Text], a)
			continue
		case *dsl.Param:
			d.name, d.kind, d.value = x.Name, "param", x.Value
		case *dsl.Definition:
			d.name, d.kind, d.value = x.Name, x.Kind, x.Value
		case *dsl.Neuron:
			d.name, d.kind = x.Name, "neuron"
		case *dsl.Coder:
			d.name, d.kind = x.Name, "coder"
		case *dsl.Block:
			d.name, d.kind = x.Name, "block"
		case *dsl.Network:
			d.name, d.kind = x.Name, "network"
		}
		if old := c.defs[d.name.Text]; old != nil {
			if sameUse(old.item, item) {
				continue
			}
			c.twice(d.kind, d.name, old.name)
			continue
		}
		c.defs[d.name.Text] = d
		c.order = append(c.order, d)
	}
}

// sameUse reports whether two files name one plugin by one name.
func sameUse(a, b dsl.Item) bool {
	x, ok := a.(*dsl.Use)
	y, is := b.(*dsl.Use)
	return ok && is && x.Plugin.Value == y.Plugin.Value && x.Range.File != y.Range.File
}

func (c *checker) twice(kind string, name, old dsl.Name) {
	c.report(diag.Diagnostic{Code: diag.DuplicateName, Range: name.Range, Summary: fmt.Sprintf("`%s` is defined twice", name.Text),
		Help: fmt.Sprintf("give this %s another name", kindName(kind)), Notes: []diag.Note{{Message: "the first definition", Range: old.Range}}})
}

// called says what a definition of a kind is, in a sentence.
func called(kind string) string {
	switch kind {
	case "data":
		return "a data set"
	case "param":
		return "a param"
	case "use":
		return "a plugin"
	}
	return "a " + kind
}

// known lists the names of definitions of the kinds, in file order.
func (c *checker) known(kinds ...string) []string {
	var out []string
	for _, d := range c.order {
		if slices.Contains(kinds, d.kind) {
			out = append(out, d.name.Text)
		}
	}
	return out
}

// unknown reports a name that nothing defines, or that something of another kind has. Where names are missing it is silent.
func (c *checker) unknown(name dsl.Name, want string, known []string) {
	if c.broken[name.Text] || c.silent(name.Range) {
		return
	}
	slices.Sort(known)
	known = slices.Compact(known)
	d := diag.Diagnostic{Code: diag.UnknownName, Range: name.Range, Summary: fmt.Sprintf("unknown %s `%s`", want, name.Text)}
	near := diag.Nearest(name.Text, known)
	other := c.defs[name.Text]
	kind := c.builtin(name.Text)
	if other != nil {
		kind = other.kind
		d.Notes = append(d.Notes, diag.Note{Message: fmt.Sprintf("`%s` is defined here", name.Text), Range: other.name.Range})
	}
	if kind != "" {
		d.Code = diag.WrongKind
		d.Summary = fmt.Sprintf("`%s` is %s, and a %s is wanted here", name.Text, called(kind), want)
	} else if c.blind {
		return
	}
	alias := c.alias(name.Text, schema.Kind(want))
	if want == flowing {
		alias = c.alias(name.Text, schema.Neuron)
	}
	switch {
	case kind == "" && foreign.Truth(name.Text) != "":
		d.Help = fmt.Sprintf("write `%s`", foreign.Truth(name.Text))
	case kind == "" && near == "" && dsl.Unit(name.Text):
		d.Help = fmt.Sprintf("`%s` is a unit, which stands behind its number, such as `1 %s`", name.Text, name.Text)
	case kind == "" && foreign.Nothing(name.Text):
		d.Help = "leave the argument out: there is no value that stands for none"
	case kind == "" && alias != "":
		d.Help = fmt.Sprintf("here it is `%s`", alias)
	case kind == "" && want == flowing && foreign.Layer(name.Text) != "":
		d.Help = foreign.Layer(name.Text)
	case near != "":
		d.Help = fmt.Sprintf("did you mean `%s`?", near)
	case kind == "" && want == "model" && foreign.Layer(name.Text) != "":
		d.Help = "a model is made of networks, and layers stand in `network NAME(x: TYPE) -> TYPE { ... }`; the models are " + quoted(known)
	case kind == "" && want == "neuron" && len(known) <= 16:
		d.Help = fmt.Sprintf("known here: %s; others are written as equations, `neuron %s(...) { ... }`", quoted(known), strings.ToLower(name.Text))
	case len(known) > 0 && len(known) <= 16:
		d.Help = "known here: " + quoted(known)
	case kind != "":
		d.Help = fmt.Sprintf("put the name of a %s here", want)
	case want == flowing && !c.listed:
		c.listed = true // they are told once
		names := slices.Sorted(maps.Keys(c.layers))
		d.Help = "the layers are " + quoted(names[:len(names)/2]) + ",\n" + quoted(names[len(names)/2:])
	default:
		d.Help = fmt.Sprintf("define `%s`, or mend its spelling", name.Text)
	}
	c.report(d)
}

// builtin returns the kind of a built-in; "" where there is none of that name.
func (c *checker) builtin(name string) string {
	if c.layers[name] != nil {
		return "layer"
	}
	for _, x := range c.cat.Components {
		if x.Name == name {
			return string(x.Kind)
		}
	}
	return ""
}

// flowing is what may stand behind an arrow.
const flowing = "neuron, block or layer"

// quoted lists names in backquotes.
func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "`" + n + "`"
	}
	return strings.Join(out, ", ")
}
