package experiment

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
)

// Text prints the plan for people: a table for each network, then each model with its Program, then memory. steps adds what
// the planner has made of the functions that are trained, step by step.
func (p *Plan) Text(out io.Writer, steps bool) error {
	for _, n := range p.Networks {
		if err := n.text(out); err != nil {
			return err
		}
	}
	for _, m := range p.Models {
		m.text(out)
	}
	for _, f := range p.Functions {
		if f.Train {
			if err := f.text(out); err != nil {
				return err
			}
		}
	}
	for _, a := range p.Memory.Actions {
		var parts []string
		for _, part := range a.parts() {
			parts = append(parts, part.what+" "+amount(part.bytes))
		}
		fmt.Fprintf(out, "memory of %s: %s (%s)", a.Action, amount(a.Bytes), strings.Join(parts, ", "))
		for _, t := range p.trainings {
			if over := t.Bytes - t.most; t.Action == a.Action && t.most > 0 && over > 0 {
				fmt.Fprintf(out, ", %s more than `memory` allows", amount(over))
			}
		}
		fmt.Fprintln(out)
	}
	for _, d := range p.Deployments {
		d.text(out)
	}
	if !steps {
		return nil
	}
	for _, f := range p.Functions {
		if f.Train {
			fmt.Fprintf(out, "\n%s, function %s\n%s", f.Action, f.Name, f.plan.Print())
		}
	}
	return nil
}

// text prints how networks lie on a target.
func (d DeploymentPlan) text(out io.Writer) {
	verdict := "fits"
	switch {
	case d.Assumed:
		verdict = "does not fit at the rates that are assumed until examples are run"
	case !d.Fits:
		verdict = "does not fit"
	}
	fmt.Fprintf(out, "%s on %s: %s", d.Action, d.Target, verdict)
	if len(d.Used) > 0 {
		fmt.Fprintf(out, ", %s", record.Amounts(d.Used))
	}
	fmt.Fprintln(out)
	for _, l := range d.Limits {
		fmt.Fprintf(out, "    %s\n", l)
	}
	for _, h := range d.Host {
		fmt.Fprintf(out, "    host: %s\n", h)
	}
}

// text prints what a function is made of: the passes over its graph and where they did something, then its memory.
func (f FunctionPlan) text(out io.Writer) error {
	fmt.Fprintf(out, "%s, function %s: batch %d, %d steps one after another\n", f.Action, f.Name, f.Batch, f.Steps)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range f.Passes {
		const few = 3
		where := p.Layers
		if more := len(where) - few; more > 1 {
			where = append(slices.Clone(where[:few]), fmt.Sprintf("and %d more layers", more))
		}
		fmt.Fprintf(w, "    pass %s\t%4d x\t%s\n", p.Name, p.Count, strings.Join(where, ", "))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	k := f.Peak
	layer := k.Layer
	if layer == "" {
		layer = "outside of layers"
	}
	_, err := fmt.Fprintf(out, "    memory %s, most of it in use at step %d (%s): kept for the way back %s, spikes %s, weights %s, gradients %s\n",
		amount(f.Bytes), k.Step, layer, amount(k.Kept), amount(k.Spikes), amount(k.Weights), amount(k.Gradients))
	return err
}

// amount is so many bytes of memory for people.
func amount(n int) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	if n >= 1e5 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f KB", float64(n)/1e3)
}

// text prints a network as a table.
func (n NetworkPlan) text(out io.Writer) error {
	fmt.Fprintf(out, "network %s: %s", n.Name, counted(n.Parameters, n.Frozen))
	if n.Steps > 0 {
		fmt.Fprintf(out, ", %d time steps", n.Steps)
	}
	if n.Operations > 0 {
		fmt.Fprintf(out, ", %s operations", record.Short(n.Operations))
	}
	if len(n.Roles) > 0 {
		fmt.Fprintf(out, "; it is %s", strings.Join(n.Roles, ", "))
	}
	fmt.Fprintln(out)
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "    layer\tshape\tparameters\toperations\tkernel\tkept\n")
	short := func(name string) string { return strings.TrimPrefix(name, n.Name+".") }
	for _, l := range n.Layers {
		parameters, operations := "", ""
		switch {
		case l.Weights != "":
			parameters = "of " + short(l.Weights)
		case l.Parameters > 0:
			parameters = fmt.Sprintf("%10s", record.Grouped(l.Parameters))
		}
		if l.Operations > 0 {
			operations = fmt.Sprintf("%10s", record.Short(l.Operations))
		}
		kept := ""
		if l.Kept > 0 {
			kept = fmt.Sprintf("%10s", amount(l.Kept))
		}
		fmt.Fprintf(w, "    %s\t%s\t%s\t%s\t%s\t%s\n", short(l.Name), l.wire, parameters, operations, l.Kernel, kept)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	_, err := fmt.Fprintln(out)
	return err
}

// text prints a model with what its Program does.
func (m ModelPlan) text(out io.Writer) {
	fmt.Fprintf(out, "model %s (%s): %s", m.Name, m.Kind, counted(m.Parameters, m.Frozen))
	if m.Shared > 0 {
		fmt.Fprintf(out, "; %s are shared by its networks", record.Grouped(m.Shared))
	}
	fmt.Fprintln(out)
	for _, r := range m.roles {
		fmt.Fprintf(out, "    role %s: %s\n", r.Path, filler(r))
	}
	for _, s := range m.program.Stages {
		for _, step := range s.Steps {
			fmt.Fprintf(out, "    %s: each batch of %s runs %s, which lowers the loss %s", s.Name, s.Stream, step.Function, strings.Join(losses(m.program, step), " with the terms "))
			if step.Every > 1 || step.Epoch {
				fmt.Fprintf(out, " (every %d %s)", step.Every, map[bool]string{false: "batches", true: "epochs"}[step.Epoch])
			}
			fmt.Fprintf(out, " and moves %s\n", strings.Join(step.Moves, ", "))
		}
	}
	for i, s := range m.program.Samplers {
		sheets := ""
		if i == 0 {
			sheets = " (it draws the sheets of epochs)"
		}
		fmt.Fprintf(out, "    sampler %s: %s%s\n", s.Name, course(&s), sheets)
	}
	for _, d := range m.draws {
		fmt.Fprintf(out, "    %s draws by %s: %s\n", d.action, d.by, course(d.sampler))
	}
	var exports []string
	for _, e := range m.program.Exports {
		exports = append(exports, e.Name)
	}
	if len(exports) > 0 {
		fmt.Fprintf(out, "    exports: %s\n", strings.Join(exports, ", "))
	}
}

// course says what a sampler runs.
func course(s *program.Sampler) string {
	var parts []string
	if s.Init != "" {
		parts = append(parts, s.Init)
	}
	if s.Loop != "" {
		parts = append(parts, fmt.Sprintf("%d times %s", s.Turns, s.Loop))
	}
	return strings.Join(append(parts, s.Result), ", then ")
}

func filler(r check.Role) string {
	switch {
	case r.Network != nil:
		if r.Steps > 0 {
			return fmt.Sprintf("network %s at %d time steps", r.Network.Name, r.Steps)
		}
		return "network " + r.Network.Name
	case r.Coder != nil:
		return "coder " + r.Coder.Name
	}
	return "model " + r.Model.Name
}

// losses are the outputs of a step's function: what is lowered, and, in one text, its terms.
func losses(p *program.Program, s program.Step) []string {
	var terms []string
	g := p.Function(s.Function)
	for _, o := range g.Outputs[1:] {
		terms = append(terms, o.Name)
	}
	if len(terms) == 0 {
		return []string{g.Outputs[0].Name}
	}
	return []string{g.Outputs[0].Name, strings.Join(terms, ", ")}
}

// Kernels says, by role and layer, what computes the layer where it is trained, by the plans of the training's steps.
func Kernels(plans ...*plan.Plan) map[string]string {
	out := map[string]string{}
	fused := map[string]bool{}
	for _, p := range plans {
		for _, x := range p.Steps[:p.Turn()] {
			have := out[x.Layer]
			if x.Layer == "" || have != "" && have != "equation" {
				continue
			}
			switch {
			case x.Node != nil && ownKernel(x.Node.Op): // also where a readout in front of the product is an equation
				out[x.Layer] = kernel(x)
			case x.Equation != nil && !x.Equation.Gradient:
				out[x.Layer] = "equation"
			case x.Loop != nil:
				fused[x.Layer] = true
			}
		}
	}
	for layer := range fused {
		if out[layer] == "" {
			out[layer] = "fused loop"
		}
	}
	return out
}

// keeps says, by role and layer, how many bytes of the layer's results are kept for the way back.
func keeps(functions []FunctionPlan) map[string]int {
	out := map[string]int{}
	for _, f := range functions {
		kept := f.plan.Kept()
		for _, x := range f.plan.Steps {
			for _, v := range x.Out {
				if kept[v] {
					out[x.Layer] += tensor.Bytes(v.Type, f.Batch)
				}
			}
		}
	}
	return out
}

// ownKernel reports whether an operator is what people call the kernel of a layer.
func ownKernel(op graph.Op) bool {
	return slices.Contains([]graph.Op{graph.OpConv, graph.OpConvInput, graph.OpMatmul, graph.OpMaxPool, graph.OpNormalise, graph.OpOpaque, graph.OpRows, graph.OpRepeat, graph.OpConcat}, op)
}

// kernel names a step's operator, and whether it goes through spikes alone.
func kernel(s *plan.Step) string {
	name := string(s.Node.Op)
	if s.Node.Op == graph.OpConvInput {
		name = "transposed conv"
	}
	if slices.Contains([]graph.Op{graph.OpConv, graph.OpConvInput, graph.OpMatmul}, s.Node.Op) && s.In[0].Type.DType == graph.Bit {
		return name + " of spikes"
	}
	return name
}

func counted(parameters, frozen int) string {
	s := record.Grouped(parameters) + " parameters"
	if frozen > 0 {
		s += " and " + record.Grouped(frozen) + " frozen"
	}
	return s
}
