package experiment

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
)

// codePart heads the parts of a key that stand for what plugins compute by themselves. Equations, graphs and Programs are in the key as they
// are, and who changes code that makes the same ones changes no result.
const codePart = "code of plugin "

// codes returns such parts of what is built: of the plugins, besides the built-in one, of its opaque operators. Those of other models are in the
// keys of these.
func (x *Experiment) codes(b *build.Built) (map[string]string, diag.List) {
	modules := append(slices.Collect(maps.Values(b.OwnNetworks())), &b.Program.Module)
	var names []string
	for _, m := range modules {
		for _, o := range m.Opaques {
			names = append(names, o.Plugin)
		}
	}
	return x.codesOf(names, b.At())
}

// ownCodes returns such parts of what an action puts in that the key of the training has not.
func (x *Experiment) ownCodes(u *use) (map[string]string, diag.List) {
	all := map[string]string{}
	for _, b := range []*build.Built{u.Built, u.drawn} {
		codes, found := x.codes(b)
		if found.HasErrors() {
			return nil, found
		}
		maps.Copy(all, codes)
	}
	trained, found := x.codes(u.trained)
	maps.DeleteFunc(all, func(name, _ string) bool { return trained[name] != "" })
	return all, found
}

// targetCodes returns such parts of a deploy action: of the plugins of its targets.
func (x *Experiment) targetCodes(j *job) (map[string]string, diag.List) {
	var names []string
	for i := range j.Settings["targets"].Items {
		names = append(names, j.Plugins[fmt.Sprintf("targets[%d]", i)])
	}
	return x.codesOf(names, j.Places["targets"])
}

func (x *Experiment) codesOf(plugins []string, at diag.Range) (parts map[string]string, found diag.List) {
	parts = map[string]string{}
	for _, name := range plugins {
		if name == "" || parts[codePart+name] != "" {
			continue
		}
		code, err := x.host.Code(name)
		if err != nil {
			return nil, diag.List{build.PluginFailed(err, at)}
		}
		parts[codePart+name] = code
	}
	return parts, nil
}
