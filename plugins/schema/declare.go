package schema

import "slices"

// Declare returns the component's arguments as its functions are to have them: whoever reads one by a name that is not declared, such as
// a misspelt one, does not get 0 but a panic with the names that are. Arguments of a choice may be those of any alternative of its
// parameter. Where no argument is given at all, none tells of the others.
func (c *Component) Declare(a Arguments) Arguments {
	var roles []string
	for _, r := range c.Roles {
		roles = append(roles, r.Name)
	}
	return declare(c.Params, roles, a)
}

// DeclareOptions is Declare for the options of a sampler of the component, which may be those of any.
func (c *Component) DeclareOptions(a Arguments) Arguments {
	return declare(alternatives(c.Samplers), nil, a)
}

func declare(params []Param, more []string, a Arguments) Arguments {
	names := slices.Clone(more)
	for _, p := range params {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	out := make(Arguments, len(a))
	for name, v := range a {
		v = v.declare(choices(params, name))
		v.declared = names
		out[name] = v
	}
	return out
}

// declare returns a value whose arguments, and those of its items, are some of params.
func (v Value) declare(params []Param) Value {
	if v.Args != nil {
		v.Args = declare(params, nil, v.Args)
	}
	v.Items = slices.Clone(v.Items)
	for i, item := range v.Items {
		v.Items[i] = item.declare(params)
	}
	return v
}

// choices returns what the alternatives of the parameters of a name declare.
func choices(params []Param, name string) (out []Param) {
	for _, p := range params {
		if p.Name == name {
			out = append(out, alternatives(p.Choices)...)
		}
	}
	return out
}

func alternatives(of []Choice) (out []Param) {
	for _, c := range of {
		out = append(out, c.Params...)
	}
	return out
}
