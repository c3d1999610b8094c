// Package gan is the generative adversarial network (Goodfellow et al. 2014): ordinary and spiking ones, by the loss and by the
// networks that a spec gives.
//
// losses.go has the losses on a critic's numbers, firstspike.go the one on spike times, sampler.go the sampler.
package gan

import (
	_ "embed"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed gan.md
var doc string

// Roles by attribute path.
const (
	generator     = "generator"
	discriminator = "discriminator"
	coder         = "coder"
	encode        = coder + ".encode"
	decode        = coder + ".decode"
)

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, million := 0.0, 1.0, 1e6
	gap := schema.Param{Name: "gap", Type: schema.Time, Default: "20 steps", Min: &one, Doc: "by how many steps the right output is to be earlier than the wrong one"}
	share := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: &zero, Max: &one, Doc: doc}
	}
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "gan", Version: "1.0", Doc: doc,
			Roles: []schema.Role{
				{Name: generator, Takes: "network", Steps: coder, Doc: "noise to image, or to spikes that the coder decodes; with `label` the class is its second parameter"},
				{Name: discriminator, Takes: "network", Steps: coder, Doc: "image, or spikes, to numbers that are high for images of the data; spikes[2], of \"fake\" and \"real\", for first_spike; with `label` the class is its second parameter"},
				{Name: coder, Takes: "coder", Optional: true, Doc: "images to spikes and back, where both networks work on spikes"},
			},
			Params: []schema.Param{
				{Name: "loss", Type: schema.OneOf, Default: "least_squares", Doc: "what the discriminator D and the generator minimise, x of the data, y generated", Choices: []schema.Choice{
					{Name: "least_squares", Doc: "mean of (D(x) - 1)^2 / 2 + D(y)^2 / 2, and of (D(y) - 1)^2 / 2 (Mao et al. 2017)"},
					{Name: "non_saturating", Doc: "mean of -log s(D(x)) - log(1 - s(D(y))), and of -log s(D(y)), s the sigmoid (Goodfellow et al. 2014)"},
					{Name: "wasserstein", Doc: "mean of D(y) - D(x), and of -D(y) (Arjovsky et al. 2017)", Params: []schema.Param{
						{Name: "penalty", Type: schema.Real, Min: &zero, Doc: "weight of the mean of (|grad D| - 1)^2, the gradient at random points between x and y (Gulrajani et al. 2017); absent: no penalty"},
					}},
					{Name: "hinge", Doc: "mean of max(0, 1 - D(x)) + max(0, 1 + D(y)), and of -D(y) (Lim & Ye 2017)"},
					{Name: "first_spike", Doc: "least squares of the times of first spikes from their targets, in shares of the window; a silent neuron counts as firing at its end", Params: []schema.Param{
						{Name: "targets", Type: schema.OneOf, Default: "relative(20 steps)", Doc: "when the two outputs are to fire", Choices: []schema.Choice{
							{Name: "relative", Params: []schema.Param{gap}, Doc: "the right one as early as the first of both does, the wrong one `gap` later (Kheradpisheh & Masquelier 2020)"},
							{Name: "aggressive", Params: []schema.Param{gap}, Doc: "the right one `gap` earlier than the first of both does, the wrong one `gap` later"},
							{Name: "absolute", Params: []schema.Param{share("right", "0.3", "share of the window after which the right one is to fire"), share("wrong", "0.9", "the same of the wrong one")}, Doc: "at fixed times"},
						}},
						{Name: "gate", Type: schema.OneOf, Default: "open", Doc: "how the error passes the discriminator on its way to the generator", Choices: []schema.Choice{
							{Name: "open", Doc: "to every pixel, so that one which fell silent can come back"},
							{Name: "strict", Doc: "to pixels that spiked earlier than the neuron behind them"},
						}},
					}},
				}},
				{Name: "noise", Type: schema.OneOf, Doc: "the distribution of the generator's input, standard normal unless it is said; with first_spike it is uniform over the steps and silence", Choices: []schema.Choice{
					{Name: "normal", Doc: "standard normal"},
					{Name: "uniform", Doc: "uniform", Params: []schema.Param{{Name: "between", Type: schema.Range, Default: "0..1", Doc: "lowest and highest value"}}},
				}},
				{Name: "critic_steps", Type: schema.Int, Default: "1", Min: &one, Max: &million, Doc: "updates of the discriminator, each on a batch of its own, for one of the generator"},
				sdk.LabelParam("which both networks are then told"),
			},
			Samplers: []schema.Choice{{Name: "once", Doc: "noise through the generator", Params: []schema.Param{sdk.LabelOption()}}},
			Exports:  []string{"generate", "score"},
		},
		Build:   build,
		Sampler: sampler,
	}
}

// gan is a model under construction.
type gan struct {
	b     *sdk.ProgramBuilder
	args  schema.Arguments
	image graph.Type // an example of the data
	label sdk.Label
	found []schema.Complaint
}

func (m *gan) complain(path, help, format string, args ...any) {
	m.found = append(m.found, sdk.Complain(path, help, format, args...)...)
}

// loss returns the name and the arguments of the loss.
func (m *gan) loss() (string, schema.Arguments) { return m.args["loss"].Text, m.args["loss"].Args }

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	m, err := begin(r, r.Networks)
	if err != nil || len(m.found) > 0 {
		return "", m.found, err
	}
	if m.b.Role(discriminator) == nil {
		return "", nil, fmt.Errorf("build gan: the discriminator is missing in the request")
	}
	m.borders(r.Networks)
	modules := map[string]*graph.Module{}
	for _, n := range r.Networks {
		if modules[n.Role], err = graph.Parse(n.Graph); err != nil {
			return "", nil, fmt.Errorf("build gan: read the network of %s: %w", n.Role, err)
		}
	}
	name, args := m.loss()
	switch {
	case name == firstSpike:
		m.checkTimes(modules)
	case name == "wasserstein" && args.Has("penalty"):
		m.smooth(modules[discriminator])
	}
	if len(m.found) > 0 {
		return "", m.found, nil
	}
	if name == firstSpike {
		m.times()
	} else {
		m.numbers()
	}
	m.b.Stream("images", m.label.Fields("image")...)
	m.b.Stage("train", "images",
		program.Step{Function: "discriminate", Moves: []string{discriminator}, Slot: discriminator},
		program.Step{Function: "deceive", Moves: []string{generator}, Slot: generator, Every: max(1, m.args.Int("critic_steps"))})
	m.sampler(nil)
	m.b.Export("generate", "generate")
	m.b.Export("score", "score")
	text, err := m.b.Finish()
	return text, nil, err
}

// begin judges what training and sampling share.
func begin(r sdk.BuildRequest, networks []schema.Network) (*gan, error) {
	m := &gan{b: sdk.NewProgram(networks), args: r.Arguments}
	if err := m.b.Err(); err != nil {
		return m, fmt.Errorf("build gan: %w", err)
	}
	if m.b.Role(generator) == nil {
		return m, fmt.Errorf("build gan: the generator is missing in the request")
	}
	var c []schema.Complaint
	m.image, c = r.Image()
	m.found = append(m.found, c...)
	m.label, c = r.Label()
	m.found = append(m.found, c...)
	return m, nil
}

// borders judges the wires of the networks.
func (m *gan) borders(networks []schema.Network) {
	gen, dis := m.b.Role(generator), m.b.Role(discriminator)
	seen, from := m.image, "the data have images"
	if m.b.Role(encode) != nil {
		seen, from = m.b.Role(encode).Out[0], "the coder makes of images"
	}
	for _, n := range networks {
		r := m.b.Role(n.Role)
		switch {
		case r != gen && r != dis:
		case len(r.In) > 2 || len(r.In) == 0:
			m.complain(r.Name, "leave it the first, and with `label` the class behind it", "the %s takes one parameter, or with `label` two; this one has %d", r.Name, len(r.In))
		case m.label.Field != "" && len(r.In) != 2:
			m.complain(r.Name, fmt.Sprintf("add a parameter `y: real[%d]` or `y: step`", m.label.All), "with `label` the %s takes the class as its second parameter, and this one has %d", r.Name, len(r.In))
		default:
			m.found = append(m.found, m.label.Check(n, r, 1)...)
		}
	}
	if len(dis.In) > 0 && !alike(dis.In[0], seen) {
		m.complain(discriminator, "give the discriminator's parameter the size of the images, or the data set the size of the network", "the discriminator takes %s, %s %s", sdk.Wire(dis.In[0]), from, sdk.Wire(seen))
	} else if len(dis.In) > 0 && !alike(gen.Out[0], dis.In[0]) {
		m.complain(generator, "the generator's result must be like what the discriminator takes", "the generator gives %s, the discriminator takes %s", sdk.Wire(gen.Out[0]), sdk.Wire(dis.In[0]))
	}
	switch {
	case m.b.Role(encode) != nil && m.b.Role(decode) == nil:
		m.complain(coder, "take one with both directions", "the coder cannot decode, and samples must be images again")
	case m.b.Role(decode) != nil && m.b.Role(encode) == nil:
		m.complain(coder, "take one with both directions", "the coder cannot encode the images of the data")
	case m.b.Role(decode) != nil && !m.b.Role(decode).Out[0].Equal(m.image):
		m.complain(coder, "take one that keeps the size of what it decodes, as `ttfs` does", "the coder decodes to %s, the data have images %s", sdk.Wire(m.b.Role(decode).Out[0]), sdk.Wire(m.image))
	}
	if name, _ := m.loss(); name == firstSpike {
		return
	}
	if len(gen.In) > 0 && (gen.In[0].DType != graph.F32 || gen.In[0].Steps > 0) {
		m.complain(generator, "let it take `real[n]` and `encode` it", "the generator takes noise, which is real, and this one takes %s", sdk.Wire(gen.In[0]))
	}
	if dis.Out[0].DType != graph.F32 || dis.Out[0].Steps > 0 {
		m.complain(discriminator, "end it with `linear(1)` and, where it has time steps, `decode(mean)`", "the discriminator gives a real number for each image, or several; this one gives %s", sdk.Wire(dis.Out[0]))
	}
}

// alike reports whether a wire of type a takes what flows on one of type b: a network of free steps may have been shown at others.
func alike(a, b graph.Type) bool {
	return a.DType == b.DType && a.Batch == b.Batch && (a.Steps > 0) == (b.Steps > 0) && slices.Equal(a.Dims, b.Dims)
}

// apply applies a role to its first input and the class.
func (m *gan) apply(f *sdk.Function, role string, mode sdk.Mode, x, class graph.Value) graph.Value {
	return m.label.Apply(f, role, mode, class, x)[0]
}

// genuine declares the images of the data and returns them as the discriminator takes them.
func (m *gan) genuine(f *sdk.Function, mode sdk.Mode) graph.Value {
	x := f.Input("image", m.image)
	if m.b.Role(encode) != nil {
		x = f.Apply(encode, mode, x)[0]
	}
	return x
}
