package experiment

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
)

// halver is an autoencoder whose code is four bits; it lowers the error of images that went through a coder, relative to their
// variance, and counts epochs.
func halver() sdk.Model {
	return sdk.Model{
		Component: schema.Component{Kind: schema.Model, Name: "halver", Version: "1.0", Doc: "Halves.", Exports: []string{"encode", "decode", "reconstruct"},
			Roles: []schema.Role{{Name: "front", Takes: "network"}, {Name: "back", Takes: "network"}, {Name: "coder", Takes: "coder"}}},
		Build: func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
			b := sdk.NewProgram(r.Networks)
			image := r.Fields["image"]
			b.Variable(graph.Variable{Name: "epochs", Type: graph.Scalar(), Init: graph.Init{Kind: "constant"}, Kind: graph.Statistic})
			code := func(f *sdk.Function, x graph.Value) graph.Value {
				bits := f.Op(graph.OpLess, nil, f.Const(0), f.Apply("front", sdk.Mode{Eval: true}, x)[0])
				return f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, bits)
			}
			image4 := graph.Type{DType: graph.I32, Batch: true, Dims: []int{4}}
			b.Function("step", func(f *sdk.Function) {
				x := f.Input("image", image)
				s := f.Apply("coder.encode", sdk.Mode{}, x)[0]
				x = f.Apply("coder.decode", sdk.Mode{}, s)[0]
				f.Output("total", f.Div(f.MeanSquare(f.Apply("back", sdk.Mode{}, f.Apply("front", sdk.Mode{}, x)[0])[0], x), f.Host("variance")))
				f.Output("variance", f.Host("variance"))
			})
			b.Function("count", func(f *sdk.Function) {
				n := f.Add(f.Op(graph.OpRead, graph.Attrs{"var": "epochs"}), f.Const(1))
				f.Ops(graph.OpAssign, graph.Attrs{"var": "epochs"}, n)
				f.Output("epochs", n)
			})
			b.Function("encode", func(f *sdk.Function) { f.Output("codes", code(f, f.Input("image", image))) })
			b.Function("decode", func(f *sdk.Function) {
				z := f.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, f.Input("codes", image4))
				f.Output("image", f.Apply("back", sdk.Mode{Eval: true}, z)[0])
			})
			b.Function("reconstruct", func(f *sdk.Function) {
				f.Output("image", f.Apply("back", sdk.Mode{Eval: true}, f.Apply("front", sdk.Mode{Eval: true}, f.Input("image", image))[0])[0])
			})
			b.Stream("images", "image")
			b.Stage("train", "images", program.Step{Function: "step", Moves: []string{"front", "back"}}, program.Step{Function: "count", Epoch: true})
			for _, name := range []string{"encode", "decode", "reconstruct"} {
				b.Export(name, name)
			}
			text, err := b.Finish()
			return text, nil, err
		},
	}
}

// guesser learns codes of another model, and draws what that decodes random ones to.
func guesser() sdk.Model {
	return sdk.Model{
		Component: schema.Component{Kind: schema.Model, Name: "guesser", Version: "1.0", Doc: "Guesses.", Samplers: []schema.Choice{{Name: "plain"}},
			Roles: []schema.Role{{Name: "codes", Takes: "model"}, {Name: "network", Takes: "network"}}},
		Build: func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
			b := sdk.NewProgram(r.Networks)
			if b.Role("codes.encode") == nil {
				return "", []schema.Complaint{{Path: "codes", Summary: "it does not export `encode`"}}, nil
			}
			codes := b.Role("codes.encode").Out[0]
			b.Function("step", func(f *sdk.Function) {
				h := f.Input("seen", codes)
				f.Output("total", f.MeanSquare(f.Apply("network", sdk.Mode{}, h)[0], f.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, h)))
			})
			b.Function("draw", func(f *sdk.Function) {
				f.Output("image", f.Apply("codes.decode", sdk.Mode{Eval: true}, f.RandomInt("codes", codes.With(graph.F32), 2))[0])
			})
			b.Stream("images", "image")
			b.Map("seen", "images", "codes.encode")
			b.Stage("train", "seen", program.Step{Function: "step", Moves: []string{"network"}})
			b.Sampler(program.Sampler{Name: "plain", Result: "draw"})
			text, err := b.Finish()
			return text, nil, err
		},
	}
}

// streamOf reads what a run keeps of a stream.
func streamOf(t *testing.T, dir string) []int32 {
	t.Helper()
	f, err := checkpoint.Read(filepath.Join(dir, record.StreamFolder, "second-seen.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	x, ok := f.Tensor("seen")
	if !ok || !slices.Equal(x.Shape, []int{200, 4}) {
		t.Fatalf("the stream is %v", x.Shape)
	}
	codes, err := checkpoint.Values[int32](x)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// A model that fills a role brings the weights that it has learned, averaged ones; what it computes of the data is kept; any
// number of threads comes to the same.
func TestModelsInModels(t *testing.T) {
	h, dir := painters(t), t.TempDir()
	x := load(t, h, spec(t, "stages"))
	if x.Models[0].Name != "second" {
		t.Fatalf("%s is the first model: the spec is to define it before what it is made of", x.Models[0].Name)
	}
	if got := x.Models[0].Generates(); !got["codes.decode"] || got["codes.encode"] || got["network"] {
		t.Errorf("what goes on a chip to draw samples: %v", got)
	}
	whole := filepath.Join(dir, "whole")
	w := mustRun(t, x, whole)
	if !w.says("train second: computes seen of 200 examples") {
		t.Errorf("said %q", w.said)
	}
	first, err := checkpoint.Read(newest(t, whole, "first"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := checkpoint.Read(newest(t, whole, "second"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, a := range first.Tensors {
		name, averaged := strings.CutPrefix(a.Name, "average/")
		if b, ok := second.Tensor("codes." + name); ok && averaged {
			compared++
			if string(a.Data) != string(b.Data) {
				t.Errorf("%s is not what has been learned on average", b.Name)
			}
		}
	}
	if compared < 8 {
		t.Errorf("%d variables of the other model", compared)
	}
	if n, _ := first.Tensor("epochs"); n.Data == nil {
		t.Error("the epochs are not counted")
	} else if v, _ := checkpoint.Values[float32](n); v[0] != 2 {
		t.Errorf("%v epochs", v)
	}
	codes := streamOf(t, whole)
	if !slices.Contains(codes, 0) || !slices.Contains(codes, 1) {
		t.Errorf("codes %v", codes)
	}
	again := mustRun(t, x, whole)
	if again.steps > 0 || again.says("computes") || strings.Count(strings.Join(again.said, "\n"), "done already") != 5 {
		t.Errorf("done, and yet: %d steps, %q", again.steps, again.said)
	}
	alone := filepath.Join(dir, "alone")
	mustRun(t, x, alone, func(o *RunOptions) { o.Threads = 1 })
	same(t, whole, alone)
	// Samples need the second model alone.
	if err := os.RemoveAll(filepath.Join(alone, "samples")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{newest(t, alone, "first"), filepath.Join(alone, record.StreamFolder, "second-seen.safetensors")} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, x, alone, func(o *RunOptions) { o.Only = only(t, "sample") })
	if sum(t, filepath.Join(whole, "samples/sample-second.npy")) != sum(t, filepath.Join(alone, "samples/sample-second.npy")) {
		t.Error("other samples")
	}
}

// A run that is cut anywhere, in the training of either model, goes on to the same bytes; a stream that is damaged or gone is
// computed again.
func TestModelsInModelsResume(t *testing.T) {
	h, dir := painters(t), t.TempDir()
	x := load(t, h, spec(t, "stages"))
	whole := filepath.Join(dir, "whole")
	steps := mustRun(t, x, whole).steps
	for _, stop := range []int{1, 4, 8, 9, 12, steps - 1} {
		cut := filepath.Join(dir, "cut")
		ctx, cancel := context.WithCancel(context.Background())
		w := &watcher{}
		w.step = func(Progress) {
			if w.steps == stop {
				cancel()
			}
		}
		if err := x.Run(ctx, RunOptions{Folder: cut, Threads: 1, Watch: w, Version: "test"}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		path := filepath.Join(cut, record.StreamFolder, "second-seen.safetensors")
		if b, err := os.ReadFile(path); err == nil {
			switch stop {
			case 9:
				os.Remove(path)
			case 12:
				b[len(b)-1] ^= 1
				if err := os.WriteFile(path, b, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		}
		again := mustRun(t, x, cut)
		if again.steps != steps-stop {
			t.Errorf("%d updates after a stop after %d of %d", again.steps, stop, steps)
		}
		if computes := stop <= 12 && stop != 11; again.says("computes seen") != computes {
			t.Errorf("after a stop after %d: %q", stop, again.said)
		}
		same(t, whole, cut)
		if sum(t, path) != sum(t, filepath.Join(whole, record.StreamFolder, "second-seen.safetensors")) {
			t.Error("another stream")
		}
		if err := os.RemoveAll(cut); err != nil {
			t.Fatal(err)
		}
	}
	// What the first model learns otherwise changes what the second one is.
	y := load(t, h, spec(t, "stages"), "train.first.epochs=3")
	_, err := run(t, y, whole)
	var changed *Changed
	if !errors.As(err, &changed) || len(changed.Changes) != 1 || changed.Changes[0] != "train second: model of codes computes something else" {
		t.Fatalf("%v", err)
	}
	mustRun(t, y, whole, func(o *RunOptions) { o.Only = only(t, "train:first") })
	z := mustRun(t, y, whole, func(o *RunOptions) { o.Only, o.Restart = only(t, "train:second"), true })
	if z.steps != 15 || !z.says("computes seen") {
		t.Errorf("%d updates, %q", z.steps, z.said)
	}
}

// stopper cancels a run when a stream begins to be computed.
type stopper struct {
	*watcher
	stop func()
}

func (s stopper) Say(action, words string) {
	s.watcher.Say(action, words)
	if strings.Contains(words, "computes") {
		s.stop()
	}
}

// A run that is cancelled while a stream is computed ends there, and not behind it.
func TestStreamCancelled(t *testing.T) {
	x := load(t, painters(t), spec(t, "stages"))
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	err := x.Run(ctx, RunOptions{Folder: dir, Threads: 1, Watch: stopper{&watcher{}, cancel}, Version: "test"})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, record.StreamFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a stream is kept: %v", err)
	}
	mustRun(t, x, dir)
}

// A stream of every element type comes back from its file as it was.
func TestStreamFiles(t *testing.T) {
	for _, ty := range []graph.Type{graph.Real(2, 3, 4), graph.Spikes(3, 70), graph.Real(7).With(graph.I32), graph.Signal(2, 3, 2, 2), graph.Spikes(2, 3, 5, 5)} {
		x := tensor.New(ty, 5)
		for i := range x.F32 {
			x.F32[i] = float32(i) / 7
		}
		for i := range x.I32 {
			x.I32[i] = int32(i) - 3
		}
		for i := range x.Bits {
			x.Bits[i] = uint64(i) * 0x9e3779b97f4a7c15 & 0x1ff
		}
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := checkpoint.Write(path, &checkpoint.File{Tensors: []checkpoint.Tensor{stored("x", x)}}); err != nil {
			t.Fatal(err)
		}
		f, err := checkpoint.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := kept(f, "x", ty, 5)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Logical(), x.Logical()) {
			t.Errorf("%v comes back as another", ty)
		}
		if _, err := kept(f, "x", ty, 4); err == nil {
			t.Errorf("%v: four of five examples", ty)
		}
	}
}

// What cannot fill a role is found at its place in the spec.
func TestRolesFound(t *testing.T) {
	h := painters(t)
	for says, change := range map[string][2]string{
		"coder `mean` cannot be role `coder` of model `first`: it does not encode": {"coder = early", "coder = mean"},
		"it does not export `encode`":                                       {"guesser(codes = first", "guesser(codes = third"},
		"model `second` is made of `first`, which is not trained before it": {"train first {", "train third {"},
	} {
		text := spec(t, "stages", change[0], change[1])
		if strings.Contains(change[1], "third") {
			text += "\nnetwork brush(z: real[6]) -> real[1, 8, 8] { return z -> linear(64) -> reshape(1, 8, 8) }\nmodel third = painter(brush = brush)\n"
			if strings.HasPrefix(change[1], "guesser") {
				text = strings.Replace(text, "train second", "train third { data = digits, batch = 50, epochs = 1, optimizer = adam(rate = 0.01) }\ntrain second", 1)
			}
		}
		x, found, _ := Load(context.Background(), h, "a.snn", []byte(text), Options{})
		if x != nil || !found.HasErrors() || !strings.Contains(found[0].Summary, says) {
			t.Errorf("%v, want %s", found, says)
		}
	}
}
