package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/plugins/schema"
)

// coderFor returns the name of a coder that encodes, or decodes, as an example: one of the file before a built-in one, and of these
// one that has no parameters and takes the steps into account before one that does not; "CODER" where there is none.
func (c *checker) coderFor(encode bool) string {
	for _, k := range c.spec.Coders {
		if c.port(k, encode) {
			return k.Name
		}
	}
	found := "CODER"
	for i := range c.cat.Components {
		x := &c.cat.Components[i]
		k := textOf(x)
		switch {
		case k == nil || encode && k.Encode == nil || !encode && k.Decode == nil:
		case !encode && len(k.Params) == 0 && usesSteps(k.Decode.Body):
			return x.Name
		case found == "CODER":
			found = x.Name
		}
	}
	return found
}

// textOf returns the equations of a coder of a plugin; nil where there are none, or they do not parse.
func textOf(x *schema.Component) *dsl.Coder {
	if x.Kind != schema.Coder || x.Equations == "" {
		return nil
	}
	item, found := dsl.ParseEquations(x.Name, x.Equations)
	if k, is := item.(*dsl.Coder); is && !found.HasErrors() {
		return k
	}
	return nil
}

// wayOf says how a coder is written in a flow: whether it encodes or decodes has to be said.
func (c *checker) wayOf(r *dsl.Ref) string {
	name, text := r.Name.Text, c.written(r.Range)
	var ways []string
	for _, encode := range []bool{true, false} {
		if c.codes(name, encode) {
			ways = append(ways, fmt.Sprintf("`%s(%s)`", map[bool]string{true: "encode", false: "decode"}[encode], text))
		}
	}
	if len(ways) == 0 { // its definition has findings
		ways = []string{"`encode(" + text + ")`", "`decode(" + text + ")`"}
	}
	return "write " + strings.Join(ways, " or ")
}

// codes reports whether the coder of a name encodes, or decodes.
func (c *checker) codes(name string, encode bool) bool {
	for _, k := range c.spec.Coders {
		if k.Name == name {
			return c.port(k, encode)
		}
	}
	i := slices.IndexFunc(c.cat.Components, func(x schema.Component) bool { return x.Kind == schema.Coder && x.Name == name })
	if i < 0 {
		return false
	}
	k := textOf(&c.cat.Components[i])
	if k == nil { // a graph
		return c.cat.Components[i].Goes(direction(encode))
	}
	return encode && k.Encode != nil || !encode && k.Decode != nil
}

// barePort says how `encode(4)` or `encode(steps = 4)` is meant, which have the argument of a coder and no coder; "" for others.
func (c *checker) barePort(r *dsl.Ref, encode bool) string {
	if len(r.Args) != 1 {
		return ""
	}
	_, number := r.Args[0].Value.(*dsl.Number)
	name := r.Args[0].Name.Text
	if !number || name == "coder" {
		return ""
	}
	coder := c.coderFor(encode)
	if name == "" {
		name = "steps"
	}
	return fmt.Sprintf("write `%s(%s(%s = %s))`", r.Name.Text, coder, name, c.written(r.Args[0].Value.Span()))
}
