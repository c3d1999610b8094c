package host

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/installed"
	"snnc.dev/snnc/runtime/program"
)

// decode reads JSON that holds a T and nothing else, and no text in it that would steer a terminal: most of it is shown to users.
func decode[T any](text string) (T, error) {
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if bad := (*json.UnmarshalTypeError)(nil); errors.As(err, &bad) {
		return v, fmt.Errorf("read JSON: %s is a %s and has to be %s", bad.Field, bad.Value, wanted(bad.Type))
	}
	if err != nil {
		return v, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return v, errors.New("read JSON: something follows the value")
	}
	if r, bad := steering(text); bad {
		return v, fmt.Errorf("read JSON: a text has the control character %U", r)
	}
	return v, nil
}

// wanted is what JSON has for a type of Go.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number" // in the range of its type
}

// steering returns the first control character in the texts of JSON that is none of a line's or a tab.
func steering(json string) (rune, bool) {
	const (
		escape = `\`
		whole  = len(`\u0000`)
	)
	for i := 0; i < len(json); {
		r, n := rune(json[i]), 1
		switch {
		case r >= utf8.RuneSelf:
			r, n = utf8.DecodeRuneInString(json[i:])
		case strings.HasPrefix(json[i:], escape+"u"):
			hex, _ := strconv.ParseUint(json[i+2:i+whole], 16, 16) // it is JSON
			r, n = rune(hex), whole
		case strings.HasPrefix(json[i:], escape):
			n = 2
			if at := strings.IndexByte("bf", json[i+1]); at >= 0 {
				r = rune("\b\f"[at])
			}
		}
		if isSteering(r) {
			return r, true
		}
		i += n
	}
	return 0, false
}

// isSteering reports whether a character is a control character that is none of a line's or a tab.
func isSteering(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }

// judgePlugin judges the answer to Describe; of a plugin with a manifest also that it is the one of the manifest. Whether
// equations hold is the checker's business.
func judgePlugin(text string, m *installed.Manifest) (schema.Plugin, error) {
	p, err := decode[schema.Plugin](text)
	if err != nil {
		return p, err
	}
	switch {
	case m == nil:
	case p.Name == m.Name && p.Version != m.Version:
		return p, fmt.Errorf("its program says that it is version %.100q, and its manifest %q: write the same version in %s and in the program, and build it again where it is built",
			p.Version, m.Version, installed.ManifestName)
	case p.Name != m.Name:
		return p, fmt.Errorf("its program says that it is %.100q, and its manifest %q: write the same name in %s and in the program, and build it again where it is built",
			p.Name, m.Name, installed.ManifestName)
	}
	seen := map[[2]string]bool{}
	for _, c := range p.Components {
		if err := judgeComponent(c); err != nil {
			return p, fmt.Errorf("%s %q: %w", c.Kind, c.Name, err)
		}
		key := [2]string{string(c.Kind), c.Name}
		if seen[key] {
			return p, fmt.Errorf("%s %q stands twice", c.Kind, c.Name)
		}
		seen[key] = true
	}
	return p, nil
}

func judgeComponent(c schema.Component) error {
	if !isName(c.Name) {
		return errors.New("the name is none that a spec can write")
	}
	equations := c.Kind == schema.Neuron || c.Kind == schema.Coder
	switch {
	case !slices.Contains([]schema.Kind{schema.Neuron, schema.Coder, schema.Model, schema.Target}, c.Kind):
		return errors.New("there is no such kind of component")
	case c.Equations != "" && !equations:
		return errors.New("only neurons and coders have equations")
	case c.Opaque != nil && (!equations || c.Equations != ""):
		return errors.New("only neurons and coders without equations are opaque")
	case c.Opaque != nil && c.Opaque.Local && !c.Opaque.Gradient:
		return errors.New("what has no gradient has none that is local")
	case c.Opaque != nil && c.Opaque.Once && !c.Opaque.Spikes:
		return errors.New("what does not spike does not spike once")
	case c.Opaque != nil && c.Kind == schema.Coder && len(c.Opaque.Inputs) > 0:
		return errors.New("a coder has one input without a name")
	case c.Equations != "" && len(c.Params) > 0:
		return errors.New("the parameters of equations are declared in their text")
	case c.Kind == schema.Neuron && c.Equations == "" && c.Opaque == nil && !c.Later:
		return errors.New("a neuron has equations, or is opaque")
	case len(c.Directions) > 0 && (c.Kind != schema.Coder || c.Equations != ""):
		return errors.New("only coders without equations have directions")
	case slices.ContainsFunc(c.Directions, func(d schema.Direction) bool { return d != schema.Encode && d != schema.Decode }):
		return fmt.Errorf("its directions are %q, and there are encode and decode", c.Directions)
	case c.Kind == schema.Coder && c.Goes(schema.Encode) && !slices.ContainsFunc(c.Params, isSteps):
		return errors.New("a coder that encodes has the parameter steps, an int of at least 1, required or with a default")
	case c.Kind != schema.Target && (c.Emulates || c.Traces):
		return errors.New("only targets emulate and trace")
	case c.Seeded && !c.Emulates:
		return errors.New("only targets that emulate are seeded")
	case c.Kind != schema.Model && len(c.Roles)+len(c.Samplers)+len(c.Exports) > 0:
		return errors.New("only models have roles, samplers and exports")
	}
	var names []string
	for i := range c.Roles {
		if err := judgeRole(&c.Roles[i]); err != nil {
			return err
		}
		names = append(names, c.Roles[i].Name)
	}
	for _, p := range c.Params {
		names = append(names, p.Name)
	}
	if c.Opaque != nil {
		names = append(names, c.Opaque.Takes()...)
	}
	if err := distinct("argument", names); err != nil {
		return err
	}
	if err := distinct("export", c.Exports); err != nil {
		return err
	}
	if err := judgeChoices(c.Samplers); err != nil {
		return fmt.Errorf("samplers: %w", err)
	}
	return judgeParams(c.Params)
}

// isSteps reports whether a parameter is the number of time steps that a coder encodes for.
func isSteps(p schema.Param) bool {
	return p.Name == "steps" && p.Type == schema.Int && p.Min != nil && *p.Min >= 1 && (p.Required || p.Default != "")
}

func judgeRole(r *schema.Role) error {
	switch {
	case r.Takes != "network" && r.Takes != "coder" && r.Takes != "model":
		return fmt.Errorf("role %q takes a network, a coder or a model, not %q", r.Name, r.Takes)
	case r.Steps != "" && !isPath(r.Steps):
		return fmt.Errorf("role %q has the time steps of %q, which is no path of a role", r.Name, r.Steps)
	}
	return nil
}

func judgeParams(params []schema.Param) error {
	var names []string
	for _, p := range params {
		if err := judgeParam(p); err != nil {
			return fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		names = append(names, p.Name)
	}
	return distinct("parameter", names)
}

func judgeParam(p schema.Param) error {
	types := []schema.Type{schema.Int, schema.Real, schema.Bool, schema.String, schema.Time, schema.Bytes, schema.Range, schema.Size, schema.List,
		schema.OneOf, schema.Terms, schema.ARole, schema.AField}
	number := p.Type == schema.Int || p.Type == schema.Real || p.Type == schema.Time || p.Type == schema.Bytes
	choices := p.Type == schema.OneOf || p.Type == schema.Terms || p.Type == schema.List && p.Of == schema.OneOf
	switch {
	case !slices.Contains(types, p.Type):
		return fmt.Errorf("there is no type %q", p.Type)
	case p.Type == schema.List && (p.Of == schema.List || !slices.Contains(types, p.Of)):
		return fmt.Errorf("there is no list of %q", p.Of)
	case p.Type != schema.List && p.Of != "":
		return errors.New("only lists are of a type")
	case (p.Min != nil || p.Max != nil) && !number:
		return errors.New("only numbers, times and amounts of memory have a smallest and largest value")
	case p.Min != nil && p.Max != nil && *p.Min > *p.Max:
		return fmt.Errorf("no value is between %v and %v", *p.Min, *p.Max)
	case choices != (len(p.Choices) > 0):
		return errors.New("choices, and they alone, have alternatives")
	case (p.Type == schema.ARole) != (p.Role != nil):
		return errors.New("roles, and they alone, say what they take")
	case p.Required && p.Default != "":
		return errors.New("what is required has no default")
	}
	if p.Role != nil {
		if err := judgeRole(p.Role); err != nil {
			return err
		}
	}
	return judgeChoices(p.Choices)
}

func judgeChoices(choices []schema.Choice) error {
	var names []string
	for _, c := range choices {
		if err := judgeParams(c.Params); err != nil {
			return fmt.Errorf("choice %q: %w", c.Name, err)
		}
		names = append(names, c.Name)
	}
	return distinct("choice", names)
}

// distinct judges a list of names.
func distinct(what string, names []string) error {
	seen := map[string]bool{}
	for _, n := range names {
		if !isName(n) {
			return fmt.Errorf("the name of %s %q is none that a spec can write", what, n)
		}
		if seen[n] {
			return fmt.Errorf("%s %q stands twice", what, n)
		}
		seen[n] = true
	}
	return nil
}

// isName reports whether s is a name as a spec writes it: [A-Za-z_][A-Za-z0-9_]*.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// isPath reports whether s is an attribute path: names with dots between them.
func isPath(s string) bool {
	return !slices.ContainsFunc(strings.Split(s, "."), func(n string) bool { return !isName(n) })
}

// judgeComplaints judges complaints, which stand in the place of what was asked for.
func judgeComplaints(complaints []schema.Complaint, answered bool) error {
	if answered == (len(complaints) > 0) {
		return errors.New("it holds neither what was asked for nor a complaint, or both")
	}
	for _, c := range complaints {
		switch {
		case c.Summary == "":
			return fmt.Errorf("the complaint about %q says nothing", c.Path)
		case c.Path != "" && !isPath(c.Path):
			return fmt.Errorf("a complaint is about %q, which is no path of an argument", c.Path)
		}
	}
	return nil
}

// maxKeeps is how many states an opaque component has at most, and how much it saves.
const maxKeeps = 64

// judgePrepared judges the answer to Prepare.
func judgePrepared(text string) (schema.PrepareReply, error) {
	r, err := decode[schema.PrepareReply](text)
	if err != nil {
		return r, err
	}
	if len(r.Complaints) > 0 {
		return r, judgeComplaints(r.Complaints, len(r.States)+len(r.Saved) > 0)
	}
	if n := len(r.States) + len(r.Saved); n > maxKeeps {
		return r, fmt.Errorf("it keeps %d numbers for a neuron, and %d are the most", n, maxKeeps)
	}
	names := slices.Clone(r.Saved)
	for _, s := range r.States {
		names = append(names, s.Name)
	}
	return r, distinct("state or what is saved", names)
}

// judgeOwn judges that the opaque operators of a plugin's graphs are its own, and that it leaves chips to the host.
func judgeOwn(plugin string, m *graph.Module) error {
	if len(m.Chips) > 0 {
		return fmt.Errorf("it declares a chip %q; the host alone puts networks on chips", m.Chips[0].Name)
	}
	for _, o := range m.Opaques {
		if o.Plugin != plugin {
			return fmt.Errorf("its opaque operator %q is of plugin %q", o.Name, o.Plugin)
		}
	}
	return nil
}

// judgeProgram judges the answer to Build: a Program made of the networks of the request, or complaints.
func judgeProgram(text, plugin string, networks []schema.Network) (schema.BuildReply, error) {
	reply, _, err := programOf(text, plugin, networks)
	return reply, err
}

// judgeSampler judges the answer to Sampler, as schema.SamplerRequest says what is in it.
func judgeSampler(text, plugin string, networks []schema.Network, name string) (schema.BuildReply, error) {
	reply, p, err := programOf(text, plugin, networks)
	switch {
	case err != nil || p == nil:
	case len(p.Samplers) != 1 || p.Samplers[0].Name != name:
		err = fmt.Errorf("the program holds %d samplers, it should hold %s alone", len(p.Samplers), name)
	case len(p.Streams)+len(p.Stages)+len(p.Exports) > 0:
		err = errors.New("the program of a sampler holds streams, stages or exports")
	}
	return reply, err
}

func programOf(text, plugin string, networks []schema.Network) (schema.BuildReply, *program.Program, error) {
	reply, err := decode[schema.BuildReply](text)
	if err == nil {
		err = judgeComplaints(reply.Complaints, reply.Program != "")
	}
	if err != nil || reply.Program == "" {
		return reply, nil, err
	}
	p, err := program.Parse(reply.Program)
	if err != nil {
		return reply, nil, fmt.Errorf("read the program: %w", err)
	}
	for _, r := range p.Roles {
		if !slices.ContainsFunc(networks, func(n schema.Network) bool { return n.Role == r.Name && cmp.Or(n.Kind, "network") == r.Kind }) {
			return reply, nil, fmt.Errorf("the program has a %s %s that the request has not", r.Kind, r.Name)
		}
	}
	return reply, p, judgeOwn(plugin, &p.Module)
}

// judgeCoder judges the answer to Coder: a module with the functions of a role, of one input of the given type.
func judgeCoder(text, plugin, input string) (schema.BuildReply, error) {
	reply, err := decode[schema.BuildReply](text)
	if err == nil {
		err = judgeComplaints(reply.Complaints, reply.Program != "")
	}
	if err != nil || reply.Program == "" {
		return reply, err
	}
	m, err := graph.Parse(reply.Program)
	if err != nil {
		return reply, fmt.Errorf("read the module: %w", err)
	}
	if err := judgeOwn(plugin, m); err != nil {
		return reply, err
	}
	for _, v := range m.Variables {
		if v.Of != "" {
			return reply, fmt.Errorf("variable %q of the module is %q of a role; it has its own", v.Name, v.Of)
		}
	}
	for _, name := range []string{program.TrainFunction, program.EvalFunction} {
		g := m.Function(name)
		switch {
		case g == nil:
			return reply, fmt.Errorf("the module has no function %s", name)
		case len(g.Inputs) != 1 || g.Inputs[0].Out[0].String() != input || len(g.Outputs) != 1:
			return reply, fmt.Errorf("the function %s does not take one %s to one value", name, input)
		}
		if err := program.Flat(g); err != nil {
			return reply, fmt.Errorf("the function %s %w", name, err)
		}
	}
	return reply, nil
}
