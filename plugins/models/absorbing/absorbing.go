// Package absorbing is diffusion over the tokens of another model with an absorbing state (D3PM, Austin et al., NeurIPS
// 2021), the second stage of Spiking-Diffusion (Liu et al. 2023, arXiv 2308.10187).
//
// It is a component of the built-in plugin, which imports it; it knows the plugin kit alone.
package absorbing

import (
	_ "embed"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed absorbing.md
var doc string

// Roles by attribute path: exports of the model that makes the tokens, and the network.
const (
	tokens   = "tokens"
	encode   = "tokens.encode"
	decode   = "tokens.decode"
	denoiser = "denoiser"
)

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, most := 0.0, 1.0, 10_000.0
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "absorbing", Version: "1.0", Doc: doc,
			Roles: []schema.Role{
				{Name: tokens, Takes: "model", Doc: "a model that exports encode, image to tokens, and decode, tokens to image"},
				{Name: denoiser, Takes: "network", Doc: "(tokens, of which the largest hides a cell, and step) to numbers for each token that a cell may hold, real[K, h, w]"},
			},
			Params: []schema.Param{
				{Name: "steps", Type: schema.Int, Required: true, Min: &one, Max: &most, Doc: "steps from all cells seen to none; that of one cell a step is as many as there are cells"},
				{Name: "weight", Type: schema.OneOf, Default: "reweighted", Doc: "of the loss at step s of S", Choices: []schema.Choice{
					{Name: "reweighted", Doc: "1 - s / S: the published code, which learns nothing at S, where the sampler starts"},
					{Name: "shifted", Doc: "(S - s + 1) / S"},
					{Name: "elbo", Doc: "S / s: the bound on the likelihood"},
				}},
			},
			Samplers: []schema.Choice{{Name: "reveal", Doc: "from all cells hidden, at each turn reveals some", Params: []schema.Param{
				{Name: "steps", Type: schema.Int, Min: &one, Max: &most, Doc: "how often the denoiser is asked; absent: as often as there are steps"},
				{Name: "temperature", Type: schema.Real, Default: "1", Min: &zero, Doc: "divides the denoiser's numbers: below 1 likely tokens are drawn more often, at 0 the likeliest always"},
				{Name: "spacing", Type: schema.OneOf, Default: "even", Doc: "which steps, where these are fewer than the model's", Choices: []schema.Choice{
					{Name: "even", Doc: "evenly from the last down; as many cells are revealed in each turn"},
					{Name: "last", Doc: "the lowest, the noisier ones are left out: the published code"},
				}},
			}}},
			Exports: []string{"generate", "denoise", "bound"},
		},
		Build:   build,
		Sampler: sampler,
	}
}

// absorbing is a model under construction.
type absorbing struct {
	b     *sdk.ProgramBuilder
	args  schema.Arguments
	image graph.Type
	cells graph.Type // i32[h w]: a token for each cell
	kinds int        // K: tokens are 0 to K - 1, and K hides a cell
}

// start judges what both calls are given.
func start(r sdk.BuildRequest) (*absorbing, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return nil, nil, fmt.Errorf("build absorbing: %w", err)
	}
	net := b.Role(denoiser)
	if net == nil {
		return nil, nil, fmt.Errorf("build absorbing: the denoiser is missing in the request")
	}
	image, c := r.Image()
	if len(c) > 0 {
		return nil, c, nil
	}
	d := &absorbing{b: b, args: r.Arguments, image: image}
	if c := d.other(r); len(c) > 0 {
		return nil, c, nil
	}
	return d, d.borders(net, r), nil
}

// other judges the model that makes the tokens.
func (d *absorbing) other(r sdk.BuildRequest) []schema.Complaint {
	in, out := d.b.Role(encode), d.b.Role(decode)
	named := "this one" // what the spec calls it, where it exports anything
	for _, n := range r.Networks {
		if n.Role != denoiser {
			named = "`" + n.Name + "`"
		}
	}
	switch {
	case in == nil:
		return sdk.Complain(tokens, "use a model that makes tokens, such as `vqvae`", "model %s does not export `encode`", named)
	case out == nil:
		return sdk.Complain(tokens, "use a model that makes tokens, such as `vqvae`", "model %s does not export `decode`", named)
	case len(in.In) != 1 || !in.In[0].Equal(d.image):
		return sdk.Complain(tokens, "train both on images of one size", "model %s encodes %s, the data have images %s", named, sdk.Wire(in.In[0]), sdk.Wire(d.image))
	case in.Out[0].DType != graph.I32 || in.Out[0].Steps > 0 || len(in.Out[0].Dims) == 0:
		return sdk.Complain(tokens, "use a model that makes tokens, such as `vqvae`", "model %s encodes images as %s, which are no tokens", named, sdk.Wire(in.Out[0]))
	case len(out.In) != 1 || !out.In[0].Equal(in.Out[0]):
		return sdk.Complain(tokens, "use a model that makes tokens, such as `vqvae`", "model %s encodes images as %s and decodes %s", named, sdk.Wire(in.Out[0]), sdk.Wire(out.In[0]))
	case !out.Out[0].Equal(d.image):
		return sdk.Complain(tokens, "use a model that makes tokens, such as `vqvae`", "model %s decodes tokens to %s, the data have images %s", named, sdk.Wire(out.Out[0]), sdk.Wire(d.image))
	}
	d.cells = in.Out[0]
	return nil
}

// borders judges the denoiser: (tokens, step) -> numbers for each token and cell.
func (d *absorbing) borders(net *program.Role, r sdk.BuildRequest) []schema.Complaint {
	step := sdk.Int()
	table, name := 0, ""
	for _, n := range r.Networks {
		switch n.Role {
		case decode:
			table = sdk.ShortestTable(n.Graph, 0)
		case denoiser:
			name = n.Name
		}
	}
	logits := func(k int) string { return sdk.Wire(graph.Real(append([]int{k}, d.cells.Dims...)...)) }
	k := table
	if len(net.Out[0].Dims) > 0 && k == 0 {
		k = net.Out[0].Dims[0]
	}
	signature := fmt.Sprintf("write `network %s(cells: %s, s: step) -> %s`", name, sdk.Wire(d.cells), logits(k))
	out := net.Out[0]
	switch {
	case len(net.In) != 2:
		return sdk.Complain(denoiser, signature, "the denoiser takes two parameters, tokens and a step, and this one has %d", len(net.In))
	case net.In[0].Equal(step) && net.In[1].Equal(d.cells):
		return sdk.Complain(denoiser, signature, "the denoiser takes the tokens first and then the step")
	case !net.In[0].Equal(d.cells):
		return sdk.Complain(denoiser, signature, "the denoiser takes %s, the tokens are %s", sdk.Wire(net.In[0]), sdk.Wire(d.cells))
	case !net.In[1].Equal(step):
		return sdk.Complain(denoiser, signature, "the denoiser takes a step beside the tokens, and this one %s", sdk.Wire(net.In[1]))
	case out.Steps > 0:
		return sdk.Complain(denoiser, "end the denoiser with `decode`", "the denoiser gives numbers for each token and cell, and this one gives %s", sdk.Wire(out))
	case k == 0 || !out.Equal(graph.Real(append([]int{k}, d.cells.Dims...)...)):
		return sdk.Complain(denoiser, signature, "the denoiser gives %s, want %s: a number for each token that a cell may hold", sdk.Wire(out), logits(k))
	}
	d.kinds = k
	for _, n := range r.Networks {
		if n.Role != denoiser {
			continue
		}
		if found := sdk.ShortestTable(n.Graph, 0); found > 0 && found < k+1 {
			return sdk.Complain(denoiser, fmt.Sprintf("write `count = %d` in its `embedding`", k+1), "the denoiser looks tokens up in a table of %d rows, and there are %d and one that hides a cell", found, k)
		}
		if found, all := sdk.ShortestTable(n.Graph, 1), d.steps()+1; found > 0 && found < all {
			return sdk.Complain(denoiser, fmt.Sprintf("write `count = %d` in its `sinusoid` or `embedding`", all), "the denoiser has a table of %d steps, and those of the model are 1 to %d", found, d.steps())
		}
	}
	return nil
}

func (d *absorbing) steps() int { return d.args.Int("steps") }

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	d, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	b := d.b
	b.Function("step", d.step)
	b.Function("denoise", func(f *sdk.Function) {
		h, s := f.Input("tokens", d.cells), f.Input("s", sdk.Int())
		f.Output("logits", f.Apply(denoiser, sdk.Mode{Eval: true}, h, s)[0])
	})
	b.Stream("images", "image")
	b.Map("codes", "images", encode)
	b.Stage("train", "codes", program.Step{Function: "step", Moves: []string{denoiser}})
	turns, _ := d.levels(min(d.steps(), sdk.SheetTurns), "even")
	d.reveal(turns, 1)
	b.Export("generate", "generate")
	b.Export("denoise", "denoise")
	b.Function("bound", func(f *sdk.Function) { // in nats, of the tokens of an image: the sum over cells
		h := f.Apply(encode, sdk.Mode{Eval: true}, f.Input("image", d.image))[0]
		gone, hide, miss := d.ask(f, sdk.Mode{Eval: true}, h)
		f.Output("nats", f.Div(f.Mul(hide, miss), gone))
	})
	b.Export("bound", "bound")
	text, err := b.Finish()
	return text, nil, err
}

// step is the training function: each example at a step of its own, all of them alike likely, each cell hidden by itself.
func (d *absorbing) step(f *sdk.Function) {
	all := float64(d.steps())
	gone, hide, miss := d.ask(f, sdk.Mode{}, f.Input("codes", d.cells))
	bits := f.Scale(f.Reduce("sum", f.Mul(hide, miss), graph.DimAxes(d.cells)...), 1/(float64(d.cells.Size())*math.Ln2))
	bound := f.Div(bits, gone)
	weighted := bound
	switch d.args.Text("weight") {
	case "reweighted":
		weighted = f.Mul(bits, f.Sub(f.Const(1), gone))
	case "shifted":
		weighted = f.Mul(bits, f.Sub(f.Const(1+1/all), gone))
	}
	f.Output("total", f.Reduce("mean", weighted, graph.BatchAxis))
	f.Output("bits", f.Reduce("mean", f.Stop(bound), graph.BatchAxis))
	f.Output("hidden", f.Mean(f.Real(hide)))
}

// ask hides cells of the tokens h at a step of each example's own and asks the denoiser for them. It returns the share of cells
// that the step hides, which ones are hidden, and what the denoiser misses of each cell, -log of its probability. The mean of the
// sum of what it misses of the hidden ones, divided by that share, is the bound on -log of the probability of h (Austin et al. 2021).
func (d *absorbing) ask(f *sdk.Function, m sdk.Mode, h graph.Value) (gone, hide, miss graph.Value) {
	s := f.Int(f.Add(f.RandomInt("s", sdk.Int(), d.steps()), f.Const(1)))
	gone = f.Scale(s, 1/float64(d.steps()))
	hide = f.Op(graph.OpLess, nil, f.Uniform("hide", d.cells.With(graph.F32)), gone)
	l := f.Apply(denoiser, m, f.Op(graph.OpWhere, nil, hide, d.whole(f, d.kinds), h), s)[0]
	return gone, hide, f.Neg(f.Op(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, f.LogSoftmax(l), h))
}

func (d *absorbing) whole(f *sdk.Function, v int) graph.Value {
	return f.Op(graph.OpConstant, graph.Attrs{"value": float64(v), "dtype": "i32"})
}
