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

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/record/wholefile"
)

type dataCommand struct {
	List  dataListCommand  `cmd:"" help:"List the data sets that a spec may name, and where they are."`
	Fetch dataFetchCommand `cmd:"" help:"Fetch a data set and verify it."`
	Show  dataShowCommand  `cmd:"" help:"Show the size and classes of a data set, and draw its first images."`
}

type dataFlags struct {
	Data string `placeholder:"DIR" help:"Folder of data sets. Default: $SNNC_DATA, then the user's data folder."`
}

type dataListCommand struct{ dataFlags }

func (c *dataListCommand) Run(s streams) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tIMAGES\tTRAIN\tTEST\tWHERE")
	for _, x := range data.List(data.Folders(c.Data)) {
		where := x.Found
		switch {
		case x.Later:
			where = "not in this version"
		case x.Err != nil:
			where = x.Err.Error()
		case where == "":
			where = x.Help
		}
		fmt.Fprintf(w, "%s\t%dx%dx%d\t%s\t%s\t%s\n", x.Name, x.Channels, x.Height, x.Width, record.Grouped(x.Train), record.Grouped(x.Test), where)
	}
	return w.Flush()
}

type dataFetchCommand struct {
	dataFlags
	Name string `arg:"" help:"Data set."`
}

func (c *dataFetchCommand) Run(ctx context.Context, s streams) error {
	folders := data.Folders(c.Data)
	if len(folders) == 0 {
		return wrongUsage("there is no folder to put data sets into: pass --data DIR")
	}
	return helpful(data.Fetch(ctx, c.Name, folders[0], func(line string) { fmt.Fprintln(s.out, line) }))
}

type dataShowCommand struct {
	dataFlags
	Name string `arg:"" help:"Data set."`
	Out  string `placeholder:"FILE.png" help:"Draw the first 64 images into this file."`
}

func (c *dataShowCommand) Run(ctx context.Context, s streams) error {
	for _, split := range []data.Split{data.Train, data.Test} {
		set, err := data.Open(ctx, c.Name, schema.Arguments{}, split, data.Folders(c.Data))
		if err != nil {
			return helpful(err)
		}
		dims := set.Fields()["image"].Dims
		fmt.Fprintf(s.out, "%s, %s: %s images of %dx%dx%d\n", c.Name, split, record.Grouped(set.Len()), dims[0], dims[1], dims[2])
		classes := make([]int, set.Classes())
		if len(classes) > 0 {
			for i := range set.Len() {
				classes[set.Label(i)]++
			}
		}
		for class, n := range classes {
			fmt.Fprintf(s.out, "    class %d: %s\n", class, record.Grouped(n))
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

const tileSide = 8 // rows and columns of tiles

// tiles draws the first 64 images of a set as 8 rows of 8.
func tiles(set *data.Set) image.Image {
	const side, gap = tileSide, 2
	b := set.Image(0).Bounds()
	scale := max(1, 64/max(b.Dx(), b.Dy()))
	w, h := b.Dx()*scale+gap, b.Dy()*scale+gap
	out := image.NewGray(image.Rect(0, 0, side*w+gap, side*h+gap))
	draw.Draw(out, out.Bounds(), image.NewUniform(image.White), image.Point{}, draw.Src)
	for i := range min(side*side, set.Len()) {
		tile := set.Image(i)
		for y := range b.Dy() * scale {
			for x := range b.Dx() * scale {
				out.SetGray(gap+i%side*w+x, gap+i/side*h+y, tile.GrayAt(b.Min.X+x/scale, b.Min.Y+y/scale))
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
