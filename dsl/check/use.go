package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// use finds the plugin of a `use`; false where something was found.
func (c *checker) use(x *dsl.Use) (*schema.Plugin, bool) {
	p, ok := c.cat.Used[x.Plugin.Value]
	if !ok {
		help := fmt.Sprintf("put it into plugins/%s beside the spec by `snnc plugin add SOURCE`, or pass `--plugin-dev %[1]s=DIR`, where DIR is the plugin's folder", x.Plugin.Value)
		if near := nearestPlugin(x.Plugin.Value, c.cat.Plugins); near != "" {
			help = fmt.Sprintf("did you mean `\"%s\"`? else %s", near, help)
		}
		c.fail(diag.UnknownPlugin, x.Plugin.Range, help, "there is no plugin `%s`", x.Plugin.Value)
		return nil, false
	}
	p.Name = x.Plugin.Value // the name that leads to it
	if x.Version == nil {
		return &p, true
	}
	wanted, ok := parseConstraint(x.Version.Value)
	if !ok {
		c.fail(diag.PluginVersion, x.Version.Range, "write `~> 0.3` (0.3 and later, before 1.0), `>= 0.3` or `0.3.1`", "`%s` is no range of versions", x.Version.Value)
		return nil, false
	}
	have, n := parseVersion(p.Version)
	if n != 3 || !wanted.holds(have) {
		c.report(diag.Diagnostic{Code: diag.PluginVersion, Range: x.Version.Range, Help: "change the range, or take another version of the plugin",
			Summary: fmt.Sprintf("plugin `%s` has version %s, and this spec wants `%s`", x.Plugin.Value, p.Version, x.Version.Value)})
		return nil, false
	}
	return &p, true
}

// nearestPlugin returns the known plugin that a user who wrote name may have meant; "" where there is none. Its owner is the one that is
// written and its own name near, or the other way round: plugins of one owner have half of their names in common and nothing else.
func nearestPlugin(name string, known []string) string {
	split := func(name string) (owner, own string) {
		if owner, own, ok := strings.Cut(name, "/"); ok {
			return owner, own
		}
		return "", name
	}
	owner, own := split(name)
	var owners, names []string // of plugins of this name, and of this owner
	for _, k := range known {
		o, n := split(k)
		if strings.EqualFold(o, owner) {
			names = append(names, n)
		}
		if strings.EqualFold(n, own) {
			owners = append(owners, o)
		}
	}
	for _, k := range known {
		o, n := split(k)
		if strings.EqualFold(o, owner) && n == diag.Nearest(own, names) {
			return k
		}
	}
	for _, k := range known {
		o, n := split(k)
		if strings.EqualFold(n, own) && (o == diag.Nearest(owner, owners) || owner == "" && len(owners) == 1) {
			return k
		}
	}
	return ""
}

// offered returns the components of a kind that a plugin's name may stand for: those that the plugin has or, of several, the one that has
// this name, too.
func (d *def) offered(kind string) []*schema.Component {
	var out []*schema.Component
	if d.kind == "use" {
		for i := range d.plugin.Components {
			if x := &d.plugin.Components[i]; string(x.Kind) == kind {
				out = append(out, x)
			}
		}
	}
	if i := slices.IndexFunc(out, func(x *schema.Component) bool { return x.Name == d.name.Text }); i >= 0 {
		return out[i : i+1]
	}
	return out
}

// offers returns the one component of a kind that a plugin's name stands for; nil where it has none or several, which is
// reported.
func (c *checker) offers(kind string, d *def, name dsl.Name) *schema.Component {
	have := d.offered(kind)
	if len(have) == 1 {
		return have[0]
	}
	x := d.item.(*dsl.Use)
	out := diag.Diagnostic{Code: diag.WrongKind, Range: name.Range, Notes: []diag.Note{{Message: fmt.Sprintf("`%s` is plugin `%s`", x.As.Text, x.Plugin.Value), Range: x.Range}}}
	if len(have) == 0 {
		out.Summary = fmt.Sprintf("plugin `%s` has no %s, and a %s is wanted here", x.Plugin.Value, kindName(kind), kindName(kind))
		var all []string
		for _, k := range d.plugin.Components {
			all = append(all, fmt.Sprintf("%s `%s`", k.Kind, k.Name))
		}
		out.Help = "it has " + strings.Join(all, ", ")
		if len(all) == 0 {
			out.Help = "it has nothing"
		}
	} else {
		out.Summary = fmt.Sprintf("plugin `%s` has %d %ss, and its name stands for one", x.Plugin.Value, len(have), kindName(kind))
		var all []string
		for _, k := range have {
			all = append(all, k.Name)
		}
		out.Help = fmt.Sprintf("they are %s: the name of one stands for it, as in `use %q as %s`", quoted(all), x.Plugin.Value, all[0])
	}
	c.report(out)
	return nil
}

// aliases lists the names of plugins that have a component of a kind, in file order.
func (c *checker) aliases(kind string) []string {
	var out []string
	for _, d := range c.order {
		if len(d.offered(kind)) > 0 {
			out = append(out, d.name.Text)
		}
	}
	return out
}

// constraint is a range of versions: from low on and, where it ends, before high.
type constraint struct {
	low, high [3]int
	ends      bool
}

func (c constraint) holds(v [3]int) bool {
	return slices.Compare(v[:], c.low[:]) >= 0 && (!c.ends || slices.Compare(v[:], c.high[:]) < 0)
}

// parseConstraint reads `~> 0.3` (the last part that is written may grow: 0.3 to below 1.0; `~> 0.3.1`: to below 0.4; `~> 1`
// is `~> 1.0`), `>= 0.3`, or one version, `0.3.1` or `= 0.3.1`.
func parseConstraint(s string) (constraint, bool) {
	s = strings.TrimSpace(s)
	op := s[:len(s)-len(strings.TrimLeft(s, "~>="))]
	v, parts := parseVersion(strings.TrimSpace(s[len(op):]))
	c := constraint{low: v, high: v, ends: true}
	switch {
	case op == "~>" && parts >= 1:
		c.high[parts-1] = 0
		grows := max(parts-2, 0)
		c.high[grows] = v[grows] + 1
	case op == ">=" && parts >= 1:
		c.ends = false
	case (op == "" || op == "=") && parts == 3:
		c.high[2]++
	default:
		return c, false
	}
	return c, true
}

// parseVersion reads up to three numbers with dots between them, and says how many there are; 0 where it is something else.
func parseVersion(s string) (v [3]int, parts int) {
	fields := strings.Split(s, ".")
	if len(fields) > 3 {
		return v, 0
	}
	for i, f := range fields {
		n, err := strconv.ParseUint(f, 10, 31)
		if err != nil {
			return v, 0
		}
		v[i] = int(n)
	}
	return v, len(fields)
}
