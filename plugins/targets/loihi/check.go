package loihi

import (
	_ "embed"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
	"snnc.dev/snnc/plugins/targets/loihi/mapping"
)

//go:embed loihi.md
var doc string

// Target returns the plugin component. Its parameters are cores, how many the chip or a system of chips has (128 in one),
// dialect, whose arithmetic counts, generation, 1 or 2, and weight_bits, the bits of a weight in synapse memory.
func Target() sdk.Target {
	one, many := 1.0, float64(mapping.MaxCores)
	most, second := 8.0, 2.0
	return sdk.Target{
		Component: schema.Component{
			Kind: schema.Target, Name: "loihi", Version: "1.0", Doc: doc,
			Params: []schema.Param{
				{Name: "cores", Type: schema.Int, Default: "128", Min: &one, Max: &many, Doc: "cores that there are; one chip has 128"},
				{Name: "dialect", Type: schema.OneOf, Default: "chip", Doc: "whose arithmetic counts where open codes differ", Choices: []schema.Choice{
					{Name: "chip", Doc: "that of hardware tests in nengo-loihi"},
					{Name: "lava", Doc: "that of PyLifModelBitAcc and Dense of lava"},
					{Name: "brian2", Doc: "that of brian2_loihi"}}},
				{Name: "generation", Type: schema.Int, Default: "1", Min: &one, Max: &second, Doc: "1, or 2 for Loihi 2"},
				{Name: "weight_bits", Type: schema.Int, Default: "8", Min: &one, Max: &most, Doc: "bits of a weight: 1 to 6, or 8"},
			},
		},
		Check:   Check,
		Compile: Compile,
		Trace:   emulator.Trace,
	}
}

// Check says how the circuits of a request lie on the chip: all of them at once, each layer with cores of its own. It gives an
// error where a circuit does not hold together.
func Check(r schema.TargetRequest) (schema.TargetReply, error) {
	c, t, bad := chip(r.Arguments)
	if len(bad) > 0 {
		return schema.TargetReply{Complaints: bad}, nil
	}
	reply := schema.TargetReply{Fits: true}
	host, err := t.circuits(&c, &reply, r.Circuits)
	if err != nil {
		return schema.TargetReply{}, err
	}
	c.Report(&reply)
	reply.Layers = append(reply.Layers, host...)
	return reply, nil
}

// circuits puts the populations of circuits on the chip, and returns those that it refuses.
func (t terms) circuits(c *mapping.Chip, reply *schema.TargetReply, list []schema.Circuit) (host []schema.Placement, err error) {
	if err := circuit.VerifyAll(list); err != nil {
		return nil, err
	}
	list = (&added{terms: t}).circuits(list)
	silenced := false
	for i := range list {
		from := &list[i]
		refused := make([]bool, len(from.Populations))
		for j := range from.Populations {
			if why := t.refusal(from, j); why != "" {
				refused[j], reply.Fits = true, false
				host = append(host, schema.Placement{Network: from.Network, Layer: from.Populations[j].Name, Host: true, Problem: why})
			}
		}
		c.AddCircuit(i, from, refused)
		silenced = silenced || slices.ContainsFunc(from.Populations, func(p schema.Population) bool {
			return slices.ContainsFunc(p.Synapses, func(s schema.Synapses) bool {
				return s.Population >= 0 && from.Populations[s.Population].Name == p.Name
			})
		})
	}
	if c.Generation == 2 {
		reply.Notes = append(reply.Notes, "Loihi 2: how layers are cut is inferred from what its compiler printed of one network; of energies nothing is published, and what is shown is extrapolated")
	}
	if silenced {
		reply.Notes = append(reply.Notes, "neurons that fire once have a synapse onto themselves, which keeps them silent: they cannot rest for so long")
	}
	if reply.Grids = grids(c.Bits); len(reply.Grids) == 0 {
		reply.Notes = append(reply.Notes, "weights of 1 bit have one sign for all of a layer")
	}
	return host, nil
}

// grids is how weights are rounded: to whole numbers of as many steps on either side of 0, with one scale for all Synapses onto a
// population, whose exponents differ by powers of two alone. Of one bit there is but the sign.
func grids(bits int) []schema.Grid {
	if bits == 1 {
		return nil
	}
	most := 1<<(bits-1) - 1
	return []schema.Grid{{Low: -most, High: most, Shared: true}}
}

// chip reads the arguments.
func chip(args schema.Arguments) (mapping.Chip, terms, []schema.Complaint) {
	c := mapping.Chip{Cores: 128, Bits: 8, Generation: 1}
	if args.Has("cores") {
		c.Cores = args.Int("cores")
	}
	if args.Has("weight_bits") {
		c.Bits = args.Int("weight_bits")
	}
	if args.Has("generation") {
		c.Generation = args.Int("generation")
	}
	name := "chip"
	if args.Has("dialect") {
		name = args.Text("dialect")
	}
	t := terms{c.Generation, dialects[name]}
	var bad []schema.Complaint
	switch {
	case t.dialect == "":
		bad = append(bad, schema.Complaint{Path: "dialect", Summary: fmt.Sprintf("there is no dialect %q", name), Help: "write chip, lava or brian2"})
	case t.dialect != emulator.Chip && c.Generation == 2:
		bad = append(bad, schema.Complaint{Path: "dialect", Summary: fmt.Sprintf("%s has the neuron of Loihi, and this is Loihi 2", name), Help: "leave dialect out, or generation"})
	}
	if c.Generation != 1 && c.Generation != 2 {
		bad = append(bad, schema.Complaint{Path: "generation", Summary: fmt.Sprintf("there is no generation %d of the chip", c.Generation), Help: "write 1, or 2 for Loihi 2"})
	}
	if c.Cores < 1 {
		bad = append(bad, schema.Complaint{Path: "cores", Summary: fmt.Sprintf("a chip with %d cores holds nothing", c.Cores), Help: "one chip has 128"})
	}
	if !slices.Contains(mapping.Widths(), c.Bits) {
		bad = append(bad, schema.Complaint{Path: "weight_bits", Summary: fmt.Sprintf("synapse memory has no weights of %d bits", c.Bits), Help: "write 8, 6, 5, 4, 3, 2 or 1"})
	}
	return c, t, bad
}
