package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A group is what its contenders do alike: they run in turn and give the same figures.
type group struct {
	name       string
	title      string
	about      string // a paragraph for results.md
	unit       string // of the figures: "ms" and "s", where less is better, or "GFLOP/s"
	rounds     int
	once       bool // contenders that are compiled run in the first round alone: they take a minute to start
	contenders []contender
	rows       []row
	parameters int // trainable ones that each contender's network must have, where it has a network
}

// A contender is one program that computes a group's figures.
type contender struct {
	name    string
	title   string
	command func(s *session) program
	best    bool // counts for "best": a peer in fp32

	compiled bool

	spoke string // the figure that is the seconds from the program's start to its first output; "" for none
	whole string // the figure that is the seconds of the whole program
}

// program is a process that is run and how its output is read.
type program struct {
	argv  []string
	env   []string
	parse func(output []byte) (measured, error)
}

// A row is one figure of a group with its bars: how many times as fast as the peers snnc must be, and is meant to be.
type row struct {
	figure       string
	title        string
	must, target against
	most, aim    float64 // the most that snnc must take, and is meant to take, in the unit of the group; 0 is no bar
}

// against are bars: factors over SpikingJelly eager and over the best peer in fp32; 0 is no bar.
type against struct{ eager, best float64 }

// Names of contenders.
const (
	ours  = "snnc"
	eager = "spikingjelly"
)

// groups returns everything that is measured, in the order of results.md; what takes a compiler long stands last.
func groups() []group {
	out := []group{
		{
			name: "stack", title: "Four layers: convolution, batch norm, LIF", unit: "ms", rounds: 2, parameters: 147_968,
			about: "Four times convolution 3x3 of 64 channels without bias, batch norm and LIF, on random spikes of 28x28 (0.18 of them " +
				"set), T = 4, batch 32. A training step is forward, mean square against random targets, backward and the update by SGD; " +
				"forward is that of evaluation, with the running statistics of batch norm.",
			contenders: network("stack", "stack.snn", "forward", nil),
			rows: []row{
				{figure: "train", title: "stack, training step", must: against{2.4, 2}, target: against{3.3, 3}},
				{figure: "forward", title: "stack, forward", must: against{3.5, 2.2}, target: against{5, 3.5}},
			},
		},
		{
			name: "stack-t16", title: "The same with T = 16, batch 8", unit: "ms", rounds: 2, parameters: 147_968,
			contenders: network("stack", "stack-t16.snn", "forward", nil, "--steps", "16", "--batch", "8"),
			rows: []row{
				{figure: "train", title: "stack T 16, training step", must: against{3, 2}, target: against{5, 3}},
				{figure: "forward", title: "stack T 16, forward", must: against{}, target: against{}},
			},
		},
	}
	for _, l := range []struct {
		steps        int
		must, target float64
	}{{4, 15, 25}, {16, 40, 80}, {64, 80, 200}} {
		steps := fmt.Sprint(l.steps)
		out = append(out, group{
			name: "lif-t" + steps, title: "LIF alone, T = " + steps, unit: "ms", rounds: 2, once: l.steps > 16,
			about: "One layer of 802,816 LIF neurons, forward and backward. The peers take the gradient of their input from given " +
				"gradients of the spikes. Of snnc `neuron` is the time of that layer in a training step; it has a trained gain per channel " +
				"besides. `train` is the whole step, with a mean square against random targets and the update.",
			contenders: network("lif", "lif.snn", "", []string{"steps=" + steps}, "--steps", steps),
			rows: []row{
				{figure: "neuron", title: "LIF alone, T = " + steps, must: against{eager: l.must}, target: against{eager: l.target}},
				{figure: "train"},
			},
		})
	}
	out = append(out,
		group{
			name: "fsvae", title: "Convolutional autoencoder in the shape of FSVAE", unit: "ms", rounds: 2, once: true, parameters: 1_052_899,
			about: "Colour images of 32x32, T = 16, batch 64: strided convolutions of 32, 64, 128, 256 channels, 128 latent spikes, transposed " +
				"convolutions back. A training step with AdamW; decode is the decoder in evaluation on random spikes.",
			contenders: network("fsvae", "fsvae.snn", "decode", nil),
			rows: []row{
				{figure: "train", title: "FSVAE, training step", must: against{6, 3}, target: against{12, 6}},
				{figure: "decode", title: "FSVAE, decode", must: against{5, 2.5}, target: against{10, 5}},
			},
		},
		neurons(), dense(), events(), trained(), weights(), plugged(), opaques(),
		group{
			name: "sddpm", title: "SDDPM's U-Net", unit: "ms", rounds: 2, once: true, parameters: 2_478_989,
			about: "Grey images of 28x28, T = 4, batch 32, widths 32, 64, 128. A training step with Adam and clipped gradients; an evaluation is " +
				"what each step of sampling makes.",
			contenders: network("sddpm", "sddpm.snn", "evaluate", nil),
			rows: []row{
				{figure: "train", title: "SDDPM, training step", must: against{2, 1.3}, target: against{3, 2}},
				{figure: "evaluate", title: "SDDPM, one evaluation of the network", must: against{2.2, 1.5}, target: against{4, 2.5}},
			},
		},
	)
	return append(append(out, full()...), chips()...)
}

// groupNames returns what --row may name.
func groupNames() []string {
	var names []string
	for _, g := range groups() {
		names = append(names, g.name)
	}
	return names
}

// network returns the contenders of a network: snnc with a spec of specs/bench and parameters of it, and the peers with a
// program of peers and its arguments. The program's second figure, of an evaluation of the network or a part of it, has the
// name evaluation.
func network(module, spec, evaluation string, set []string, args ...string) []contender {
	out := []contender{{name: ours, title: "snnc", command: func(s *session) program {
		return s.bench(filepath.Join("specs", "bench", spec), evaluation, s.times(usual), set...)
	}}}
	for _, p := range peers {
		out = append(out, contender{name: p.name, title: p.title, best: p.best, compiled: strings.HasPrefix(p.name, "compile"), command: func(s *session) program {
			return s.peer(module, module, p.name, slices.Concat(args, []string{"--repeat", fmt.Sprint(s.times(usual))})...)
		}})
	}
	return out
}

// peers are the contenders in Python. The layout of each is the faster one, measured once.
var peers = []struct {
	name, title string
	best        bool
}{
	{eager, "SpikingJelly, eager fp32", true},
	{"snntorch", "snnTorch fp32", true},
	{"compile", "torch.compile fp32", true},
	{"spikingjelly-bf16", "SpikingJelly, bf16 autocast", false},
	{"compile-bf16", "torch.compile, bf16 autocast", false},
}

// contiguous are the networks, contenders and phases that are faster with images of [T, B, C, H, W] in this order; all
// others have channels last in memory. By the processor time of one thread, so that nothing else counts.
var contiguous = []string{
	"stack spikingjelly train", "sddpm spikingjelly train", "sddpm spikingjelly-bf16 train", "sddpm snntorch train",
	"sddpm-full spikingjelly evaluation",
}

func layout(network, name, phase string) string {
	if slices.Contains(contiguous, network+" "+name+" "+phase) {
		return "contiguous"
	}
	return "channels-last"
}

// usual is how many calls of each figure are timed in a run, unless a group says otherwise.
const usual = 5

// times returns how many calls are timed where a group wants n.
func (s *session) times(n int) int {
	if s.options.repeat > 0 {
		return s.options.repeat
	}
	return n
}

// peer is a program in Python of the folder peers, for a network that contiguous knows by its name.
func (s *session) peer(module, network, name string, args ...string) program {
	argv := []string{
		s.python(), filepath.Join(s.folder, "peers", module+".py"), name,
		"--threads", fmt.Sprint(s.threads), "--layout", layout(network, name, "train"), "--evaluation-layout", layout(network, name, "evaluation"),
	}
	return program{
		argv: append(argv, args...),
		env: []string{
			fmt.Sprintf("OMP_NUM_THREADS=%d", s.threads),
			"TORCHINDUCTOR_CACHE_DIR=" + filepath.Join(s.options.cache, "inductor"),
			"PYTHONDONTWRITEBYTECODE=1",
		},
		parse: lastLine,
	}
}
