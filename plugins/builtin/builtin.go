package builtin

import (
	"fmt"
	"os"

	"snnc.dev/snnc/plugins/coders/burst"
	"snnc.dev/snnc/plugins/coders/count"
	"snnc.dev/snnc/plugins/coders/delta"
	"snnc.dev/snnc/plugins/coders/direct"
	"snnc.dev/snnc/plugins/coders/latency"
	"snnc.dev/snnc/plugins/coders/mean"
	"snnc.dev/snnc/plugins/coders/membrane"
	"snnc.dev/snnc/plugins/coders/phase"
	"snnc.dev/snnc/plugins/coders/poisson"
	"snnc.dev/snnc/plugins/coders/population"
	"snnc.dev/snnc/plugins/coders/rate"
	"snnc.dev/snnc/plugins/coders/scoring"
	"snnc.dev/snnc/plugins/coders/ttfs"
	"snnc.dev/snnc/plugins/models/absorbing"
	"snnc.dev/snnc/plugins/models/diffusion"
	"snnc.dev/snnc/plugins/models/flow"
	"snnc.dev/snnc/plugins/models/gan"
	"snnc.dev/snnc/plugins/models/supervised"
	"snnc.dev/snnc/plugins/models/vae"
	"snnc.dev/snnc/plugins/models/vqvae"
	"snnc.dev/snnc/plugins/neurons/adex"
	"snnc.dev/snnc/plugins/neurons/alif"
	"snnc.dev/snnc/plugins/neurons/alpha"
	"snnc.dev/snnc/plugins/neurons/cubalif"
	"snnc.dev/snnc/plugins/neurons/eif"
	"snnc.dev/snnc/plugins/neurons/glif"
	"snnc.dev/snnc/plugins/neurons/iaf"
	"snnc.dev/snnc/plugins/neurons/iterativelif"
	"snnc.dev/snnc/plugins/neurons/izhikevich"
	"snnc.dev/snnc/plugins/neurons/klif"
	"snnc.dev/snnc/plugins/neurons/lif"
	"snnc.dev/snnc/plugins/neurons/once"
	"snnc.dev/snnc/plugins/neurons/plif"
	"snnc.dev/snnc/plugins/neurons/psp"
	"snnc.dev/snnc/plugins/neurons/qif"
	"snnc.dev/snnc/plugins/neurons/resonate"
	"snnc.dev/snnc/plugins/neurons/synaptic"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/targets/loihi"
	"snnc.dev/snnc/plugins/targets/neurogrid"
	"snnc.dev/snnc/plugins/targets/truenorth"
)

// Version is the version of the built-in plugin.
const Version = "0.1.0"

// Command is the hidden argument that makes the program serve the built-ins.
const Command = "serve-builtins"

// Argv returns the command that serves the built-ins: this program again, with Command.
func Argv() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, Command}, nil
}

// Main serves the built-ins and exits where the process was started with Command alone; otherwise it returns at once.
func Main() {
	if len(os.Args) == 2 && os.Args[1] == Command {
		sdk.Serve(Plugin())
		os.Exit(0)
	}
}

// Plugin returns the built-ins.
func Plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "snnc",
		Version: Version,
		Equations: []schema.Component{
			iaf.Component(), lif.Component(), plif.Component(), iterativelif.Component(),
			izhikevich.Component(), eif.Component(), qif.Component(), adex.Component(), alif.Component(), glif.Component(), klif.Component(),
			cubalif.Component(), resonate.Component(), synaptic.Component(), alpha.Component(), once.Component(), psp.Component(),
			direct.Component(), membrane.Component(), mean.Component(), rate.Component(), count.Component(), ttfs.Component(),
			poisson.Component(), latency.Component(), phase.Component(), burst.Component(), delta.Component(),
		},
		Coders:  []sdk.Coder{scoring.Coder(), population.Coder()},
		Models:  []sdk.Model{vae.Model(), diffusion.Model(), flow.Model(), supervised.Model(), gan.Model(), vqvae.Model(), absorbing.Model()},
		Targets: []sdk.Target{loihi.Target(), truenorth.Target(), neurogrid.Target()},
	}
}
