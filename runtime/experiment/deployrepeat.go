package experiment

import (
	"context"
	"fmt"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
)

// repeatsSetting names the setting of how many chips metrics are measured on.
const repeatsSetting = "repeats"

// repeated measures the figures of a deployment on further chips of a target whose chips are not alike, as often as the action says, and
// writes their mean and spread. All else is told of the first chip alone.
func (x *deployment) repeated(ctx context.Context, c *compiled, target schema.Value, out *record.Deployment) error {
	j, h := x.job, x.x.host
	n, seeded := j.Settings.Int(repeatsSetting), x.x.component(j.Plugins[c.path], schema.Target, target.Text).Seeded
	note := ""
	switch {
	case n < 2 && seeded && len(out.Figures) > 0:
		note = fmt.Sprintf("figures are those of one chip, and chips of %s are not alike: `repeats = 10` tells their mean and spread", target.Text)
	case n > 1 && !seeded:
		note = fmt.Sprintf("repeats = %d does nothing: chips of %s are alike", n, target.Text)
	case n > 1 && len(out.Figures) == 0:
		note = fmt.Sprintf("repeats = %d does nothing: no metric is measured", n)
	}
	if note != "" {
		out.Notes = append(out.Notes, note)
		x.o.Watch.Say(j.name, "    "+note)
	}
	if n < 2 || note != "" {
		return nil
	}
	seeds, values := []uint64{seed(j)}, make([][]float64, len(out.Figures))
	add := func() {
		var text []string
		for i, f := range out.Figures {
			text = append(text, fmt.Sprintf("%s = %.4g", f.Name, values[i][len(seeds)-1]))
		}
		x.o.Watch.Say(j.name, fmt.Sprintf("    %s, chip %d of %d: %s", out.Written, len(seeds), n, strings.Join(text, ", ")))
	}
	for i, f := range out.Figures {
		values[i] = []float64{f.Chip}
	}
	add()
	for len(seeds) < n {
		next := seed(j) + uint64(len(seeds))
		chip, reply, err := h.Compile(ctx, j.Plugins[c.path], schema.CompileRequest{Component: target.Text, Arguments: target.Args, Circuits: c.placed.Circuits, Seed: next}, c.placed.Tensors)
		if err != nil {
			return err
		}
		if chip == nil || len(reply.Complaints) > 0 || !reply.Fits {
			return fmt.Errorf("compile for %s with seed %d: what fits a chip of another seed does not fit this one", out.Written, next)
		}
		err = func() error {
			defer chip.Close()
			c.server.Emulate(chip)
			var images []*tensor.Tensor
			if x.way.export == "" {
				err := x.run(ctx, c.whole, c.drawn, x.count, x.measure, true, func(_ int, t *tensor.Tensor) error {
					images = append(images, t.Clone())
					return nil
				})
				if err != nil {
					return err
				}
			}
			figures, err := x.judge(ctx, c.whole, c.drawn, images)
			if err != nil {
				return err
			}
			for i, f := range figures {
				values[i] = append(values[i], f.Value)
			}
			return nil
		}()
		if err != nil {
			return err
		}
		seeds = append(seeds, next)
		add()
	}
	for i := range out.Figures {
		out.Figures[i].Chips = record.NewChipFigures(seeds, values[i])
	}
	return nil
}
