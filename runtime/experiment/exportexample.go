package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/deploy"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record/wholefile"
	"snnc.dev/snnc/runtime/train"
)

// Example says what an emulated chip made of one example: what a run of the export on another emulator, or on the chip, is compared with.
// Elements are counted in row-major order of dims, time steps are those of the network. docs/schema/example.json has the schema.
type Example struct {
	Format    string           `json:"format"`
	Target    string           `json:"target"`
	Example   int              `json:"example"`
	Label     *int             `json:"label,omitempty"` // its class, where the data have one
	Inference string           `json:"inference"`       // what was done with it
	Output    []float64        `json:"output"`          // what that gives, behind the host's part
	Circuits  []ExampleCircuit `json:"circuits"`
}

// ExampleFormat is the format of an Example.
const ExampleFormat = "snnc example 1"

// ExampleCircuit is the first run of a circuit in an inference.
type ExampleCircuit struct {
	Name        string              `json:"name"`
	Steps       int                 `json:"steps"`
	Inputs      []ExampleInput      `json:"inputs"`
	Populations []ExamplePopulation `json:"populations"`
}

// ExampleInput is what the host sends.
type ExampleInput struct {
	Name   string           `json:"name"`
	Kind   schema.InputKind `json:"kind"`
	Dims   []int            `json:"dims"`
	Spikes [][]int          `json:"spikes,omitempty"` // the elements that spike at each time step
	Drive  []float32        `json:"drive,omitempty"`  // of each element, in the network's numbers
}

// ExamplePopulation is what a population does.
type ExamplePopulation struct {
	Name    string    `json:"name"`
	Dims    []int     `json:"dims"`
	Depth   int       `json:"depth"`              // time step t is computed at the chip's step t + depth - 1
	Spikes  [][]int   `json:"spikes,omitempty"`   // the neurons that spike at each time step
	ReadOut []float32 `json:"read_out,omitempty"` // what the host reads, in the network's numbers
}

// exported writes what a chip is loaded with, and an example that goes in, into the folder for that, where it is wanted.
func (x *deployment) exported(ctx context.Context, target string, chip *host.Chip, server *deploy.Server, whole, drawn *train.Model) error {
	if x.export == "" {
		return nil
	}
	server.Keep()
	out, err := x.one(whole, drawn, x.example)
	kept := server.Kept()
	if err != nil {
		return fmt.Errorf("export an example: %w", err)
	}
	said := Example{Format: ExampleFormat, Target: target, Example: x.example, Inference: x.way.what, Output: out.Logical()}
	if _, ok := data.Fields(x.job.Data.Set, x.job.Data.Args)[data.LabelField]; ok && x.way.export != "" {
		label := x.set.Label(x.example)
		said.Label = &label
	}
	var blocks []host.Block
	for _, k := range kept {
		blocks = append(blocks, k.Block)
		said.Circuits = append(said.Circuits, told(&k))
	}
	text, tensors, err := chip.Export(ctx, blocks...)
	if err != nil {
		return fmt.Errorf("export from %s: %w", target, err)
	}
	if err := os.MkdirAll(x.export, 0o777); err != nil {
		return fmt.Errorf("make a folder for exports: %w", err)
	}
	path := filepath.Join(x.export, target)
	for i := 2; ; i++ { // what is there is of another target or of other weights
		if _, err := os.Lstat(path + ".json"); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return fmt.Errorf("write an export: %w", err)
		}
		path = filepath.Join(x.export, fmt.Sprintf("%s.%d", target, i))
	}
	f := &checkpoint.File{}
	for _, t := range tensors {
		f.Tensors = append(f.Tensors, checkpoint.Tensor{Name: t.Name, DType: checkpoint.DType(t.DType), Shape: t.Dims, Data: t.Bytes})
	}
	if err := checkpoint.Write(path+".safetensors", f); err != nil {
		return err
	}
	example, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("write an example: %w", err)
	}
	err = wholefile.WriteBytes(path+".example.json", append(example, '\n'))
	if err == nil {
		err = wholefile.WriteBytes(path+".json", []byte(text))
	}
	if err != nil {
		return fmt.Errorf("write an export: %w", err)
	}
	x.o.Watch.Say(x.job.name, fmt.Sprintf("    what it is loaded with is in %s.json and .safetensors, with example %d; `snnc emulate` reads it, and %[1]s.example.json says what comes out", path, x.example))
	return nil
}

// told says what a circuit did with an example.
func told(k *deploy.Kept) ExampleCircuit {
	c := ExampleCircuit{Name: k.Circuit.Name, Steps: k.Block.Steps, Inputs: []ExampleInput{}}
	for i, in := range k.Circuit.Inputs {
		e := ExampleInput{Name: in.Name, Kind: in.Kind, Dims: in.Dims}
		if in.Kind == schema.DriveInput {
			e.Drive = k.Block.Inputs[i]
		} else {
			e.Spikes = spiking(k.Block.Inputs[i], k.Block.Steps)
		}
		c.Inputs = append(c.Inputs, e)
	}
	outputs, taps := k.Block.Outputs, k.Block.Taps
	for _, p := range k.Circuit.Populations {
		e := ExamplePopulation{Name: p.Name, Dims: p.Dims, Depth: p.Depth}
		if !p.Reads {
			e.Spikes, taps = spiking(taps[0], k.Block.Steps), taps[1:]
		}
		if p.Gives {
			if p.Reads {
				e.ReadOut = outputs[0]
			}
			outputs = outputs[1:]
		}
		c.Populations = append(c.Populations, e)
	}
	return c
}

// spiking lists the elements that spike at each time step.
func spiking(x []float32, steps int) [][]int {
	out := make([][]int, steps)
	row := len(x) / steps
	for t := range out {
		out[t] = []int{}
		for i, v := range x[t*row:][:row] {
			if v != 0 {
				out[t] = append(out[t], i)
			}
		}
	}
	return out
}
