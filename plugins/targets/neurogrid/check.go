package neurogrid

import (
	_ "embed"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

//go:embed neurogrid.md
var doc string

// longestStep is the longest time step in ms.
const longestStep = 1000.0

// Target returns the plugin component. Its parameters say how long a time step of the network is, how fast membranes are, how much
// neurons differ, and how many spikes to expect where none were counted.
func Target() sdk.Target {
	number := func(x float64) *float64 { return &x }
	return sdk.Target{
		Component: schema.Component{
			Kind: schema.Target, Name: "neurogrid", Version: "1.0", Doc: doc, Seeded: true,
			Params: []schema.Param{
				{Name: "step", Type: schema.Real, Default: "40", Min: number(1), Max: number(longestStep), Doc: "real time of a time step of the network, in ms"},
				{Name: "tau", Type: schema.Real, Default: "10", Min: number(1), Max: number(200), Doc: "time constant of membranes, in ms"},
				{Name: "mismatch", Type: schema.Real, Default: "0.1", Min: number(0), Max: number(0.5), Doc: "spread of neurons: the standard deviation of the logarithm of their gains and reversal potentials"},
				{Name: "rate", Type: schema.Real, Default: "0.1", Min: number(0), Max: number(1), Doc: "spikes per neuron and time step that are taken for what was not measured"},
				{Name: "integration", Type: schema.Real, Default: "0.1", Min: number(0.01), Max: number(emulator.MaxStep), Doc: "step of the emulation, in ms: a spike acts where the next one begins"},
			},
		},
		Check:   Check,
		Compile: Compile,
		Trace:   Trace,
	}
}

// arguments reads the options.
func arguments(args schema.Arguments) (options, []schema.Complaint) {
	o := options{step: 40, tau: 10, mismatch: 0.1, rate: 0.1, dt: emulator.MaxStep}
	for name, x := range map[string]*float64{"step": &o.step, "tau": &o.tau, "mismatch": &o.mismatch, "rate": &o.rate, "integration": &o.dt} {
		if args.Has(name) {
			*x = args.Real(name)
		}
	}
	var bad []schema.Complaint
	wrong := func(path, help, format string, x ...any) {
		bad = append(bad, schema.Complaint{Path: path, Summary: fmt.Sprintf(format, x...), Help: help})
	}
	within := func(x, low, high float64) bool { return x >= low && x <= high }
	if !within(o.step, 1, longestStep) {
		wrong("step", "", "a time step of %v ms is not 1 to %v", o.step, longestStep)
	}
	if !within(o.tau, 1, 200) {
		wrong("tau", "", "a time constant of %v ms is not 1 to 200", o.tau)
	}
	if !within(o.mismatch, 0, 0.5) {
		wrong("mismatch", "", "a spread of %v is not 0 to 0.5", o.mismatch)
	}
	if !within(o.rate, 0, 1) {
		wrong("rate", "", "a rate of %v is not 0 to 1", o.rate)
	}
	if !within(o.dt, 0.01, emulator.MaxStep) {
		wrong("integration", "", "a step of %v ms is not 0.01 to %v", o.dt, emulator.MaxStep)
	}
	if len(bad) == 0 && o.dt > o.tau/50 {
		wrong("integration", fmt.Sprintf("integration = %g", o.tau/50), "steps of %v ms are too long for a membrane of %v ms", o.dt, o.tau)
	}
	return o, bad
}

// Check says how the circuits of a request lie on the board, all of them at once.
func Check(r schema.TargetRequest) (schema.TargetReply, error) {
	o, bad := arguments(r.Arguments)
	if len(bad) > 0 {
		return schema.TargetReply{Complaints: bad}, nil
	}
	if err := circuit.VerifyAll(r.Circuits); err != nil {
		return schema.TargetReply{}, err
	}
	reply := schema.TargetReply{Fits: true}
	var host []schema.Placement
	l := newLayout(o, r.Circuits, func(w where) bool { return refusal(&r.Circuits[w.circuit].Populations[w.population]) != "" })
	for i := range r.Circuits {
		for j := range r.Circuits[i].Populations {
			if why := refusal(&r.Circuits[i].Populations[j]); why != "" {
				reply.Fits = false
				host = append(host, schema.Placement{Network: r.Circuits[i].Network, Layer: r.Circuits[i].Populations[j].Name, Host: true, Problem: why})
			}
		}
	}
	l.report(&reply, r.Circuits)
	reply.Layers = append(reply.Layers, host...)
	if T := emulator.Saturated(o.tau, saturation, excitatory); T+leastRefractory > o.step {
		reply.Notes = append(reply.Notes, fmt.Sprintf("a neuron takes %.1f ms from a spike to the next at least, so it cannot spike in each time step of %g ms", T+leastRefractory, o.step))
	}
	reply.Notes = append(reply.Notes, "weights are probabilities that spikes come through, and neurons differ: no two boards give the same")
	return reply, nil
}
