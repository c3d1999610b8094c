package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"text/tabwriter"

	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/record/wholefile"
)

type dataCommand struct {
	List    dataListCommand    `cmd:"" help:"List the data sets that a spec may name, and where they are."`
	Fetch   dataFetchCommand   `cmd:"" help:"Fetch a data set and verify it."`
	Show    dataShowCommand    `cmd:"" help:"Show the size and classes of a data set, and draw its first images."`
	Compare dataCompareCommand `cmd:"" help:"Compare images of a data set with those of another, as the samples of a model are."`
	Clear   dataClearCommand   `cmd:"" help:"Remove the decoded images that are kept in the user's cache."`
}

type dataFlags struct {
	Data []string `sep:"none" placeholder:"DIR" help:"Folder of data sets; several are looked into in order. Default: $SNNC_DATA, then the user's data folder."`
}

type dataListCommand struct{ dataFlags }

func (c *dataListCommand) Run(s streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tIMAGES\tTRAIN\tTEST\tWHERE")
	known := func(n int) string {
		if n == 0 {
			return "-"
		}
		return record.Grouped(n)
	}
	for _, x := range data.List(data.Folders(c.Data...)) {
		where := x.Found
		switch {
		case x.Err != nil:
			where = x.Err.Error()
		case where == "":
			where = x.Help
		}
		shape := fmt.Sprintf("%dx%dx%d", x.Channels, x.Height, x.Width)
		if x.Height == 0 {
			shape = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", x.Name, shape, known(x.Train), known(x.Test), where)
	}
	return w.Flush()
}

type dataFetchCommand struct {
	dataFlags
	Name string `arg:"" help:"Data set."`
}

func (c *dataFetchCommand) Run(ctx context.Context, s streams) error {
	folders := data.Folders(c.Data...)
	if len(folders) == 0 {
		return wrongUsage("there is no folder to put data sets into: pass --data DIR")
	}
	return helpful(data.Fetch(ctx, c.Name, folders[0], func(line string) { fmt.Fprintln(s.out, line) }))
}

type dataShowCommand struct {
	dataFlags
	Name string `arg:"" name:"data" help:"Data set, by its name or with its arguments, as a spec writes it: 'images(\"cats\", size = 64)'."`
	Out  string `placeholder:"FILE.png" help:"Draw the first 64 images into this file."`
}

func (c *dataShowCommand) Run(ctx context.Context, s streams) error {
	h, err := newHost(host.Options{}, true)
	if err != nil {
		return err
	}
	defer h.Close()
	shown, found, sources := experiment.DataSet(ctx, h, c.Name)
	if shown == nil {
		if err := printFindings(s.err, found, sources); err != nil {
			return err
		}
		return judged(found)
	}
	for _, split := range []data.Split{data.Train, data.Test} {
		set, err := data.Open(ctx, shown.Set, shown.Args, split, data.Folders(c.Data...))
		if err != nil {
			return helpful(err)
		}
		dims := set.Fields()["image"].Dims
		fmt.Fprintf(s.out, "%s, %s: %s images of %dx%dx%d\n", c.Name, split, record.Grouped(set.Len()), dims[0], dims[1], dims[2])
		for i, ch := range set.Channels() {
			fmt.Fprintf(s.out, "    channel %d: mean %.4f, standard deviation %.4f\n", i, ch.Mean, ch.Deviation)
		}
		classes := make([]int, set.Classes())
		if len(classes) > 0 {
			for i := range set.Len() {
				classes[set.Label(i)]++
			}
		}
		for class, n := range classes {
			called := ""
			if name := set.ClassName(class); name != "" {
				called = fmt.Sprintf(", `%s`", name)
			}
			fmt.Fprintf(s.out, "    class %d%s: %s\n", class, called, record.Grouped(n))
		}
		if passed := set.PassedOver(); passed != "" {
			fmt.Fprintf(s.out, "    %s\n", passed)
		}
		if split == data.Train && c.Out != "" {
			err := wholefile.Write(c.Out, func(w io.Writer) error { return png.Encode(w, tiles(set)) })
			if err != nil {
				return fmt.Errorf("draw images: %w", err)
			}
			fmt.Fprintf(s.out, "    the first %d images are in %s\n", min(tileSide*tileSide, set.Len()), c.Out)
		}
	}
	return nil
}

type dataClearCommand struct{}

func (c *dataClearCommand) Run(s streams) error {
	freed, err := data.Forget()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%.1f MB of decoded images were removed\n", float64(freed)/1e6)
	return nil
}

const tileSide = 8 // rows and columns of tiles

// tiles draws the first 64 images of a set as 8 rows of 8.
func tiles(set *data.Set) image.Image {
	const side, gap = tileSide, 2
	b := set.Image(0).Bounds()
	scale := max(1, 64/max(b.Dx(), b.Dy()))
	w, h := b.Dx()*scale+gap, b.Dy()*scale+gap
	frame := image.Rect(0, 0, side*w+gap, side*h+gap)
	var out draw.Image = image.NewGray(frame)
	if _, grey := set.Image(0).(*image.Gray); !grey {
		out = image.NewNRGBA(frame)
	}
	draw.Draw(out, out.Bounds(), image.NewUniform(image.White), image.Point{}, draw.Src)
	for i := range min(side*side, set.Len()) {
		tile := set.Image(i)
		for y := range b.Dy() * scale {
			for x := range b.Dx() * scale {
				out.Set(gap+i%side*w+x, gap+i/side*h+y, tile.At(b.Min.X+x/scale, b.Min.Y+y/scale))
			}
		}
	}
	return out
}

// helpful appends to an error of a data set what to do about it.
func helpful(err error) error {
	var bad *data.Error
	if errors.As(err, &bad) && bad.Help != "" {
		return fmt.Errorf("%w\n%s", err, bad.Help)
	}
	return err
}
