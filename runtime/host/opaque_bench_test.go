package host_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/plan"
)

// timesFile is the variable of the environment that names the file of a plugin's times.
const timesFile = "SNNC_TEST_TIMES"

// times are when the calls of a plugin began and ended, in memory that the test and the plugin's process share: by the clock of the
// system, which is one for all processes.
type times struct {
	count atomic.Int64
	span  [255]struct{ begin, end int64 }
}

// openTimes maps a file of times, which is made if it is not there.
func openTimes(path string) (*times, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int(unsafe.Sizeof(times{}))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*times)(unsafe.Pointer(unsafe.SliceData(data))), nil
}

func clock() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}

// of returns p with the calls of Forward timed.
func (x *times) of(p sdk.Plugin) sdk.Plugin {
	for i, o := range p.Opaque {
		p.Opaque[i].Prepare = func(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
			r, c, err := o.Prepare(u)
			if forward := r.Forward; forward != nil {
				r.Forward = func(f *sdk.Forward) error {
					begin := clock()
					err := forward(f)
					span := &x.span[x.count.Add(1)-1]
					span.begin, span.end = begin, clock()
					return err
				}
			}
			return r, c, err
		}
	}
	return p
}

// own returns the time from the first begin to the last end since it was asked before, how many calls these were, and how many of them
// were at work in the mean.
func (x *times) own() (own time.Duration, calls int, atOnce float64) {
	n := x.count.Swap(0)
	first, last, sum := x.span[0].begin, x.span[0].end, int64(0)
	for _, s := range x.span[:n] {
		first, last, sum = min(first, s.begin), max(last, s.end), sum+s.end-s.begin
	}
	return time.Duration(last - first), int(n), float64(sum) / float64(last-first)
}

// inNumpy is the variable of the environment that has the command of plugins/python/tests/plugins/opaque/timed.py, for an interpreter with
// the package snnc.
const inNumpy = "SNNC_TEST_NUMPY"

// BenchmarkOpaque is a block of 16 MB through opaque neurons of a plugin in Go, and in numpy where the environment says how to start that,
// in turns with the Go code in this process. The work of dry is little more than to read and to write the block; the spikes of
// leaky are judged besides. Medians: process-ms and here-ms are the step of the plan; own-ms is what the plugin's function takes of
// it in its process, from the begin of the first call to the end of the last; above-own-ms and above-here-ms are what the step in
// the process takes longer than that, and than the step here; at-once is how many calls were at work, over own-ms.
func BenchmarkOpaque(b *testing.B) {
	for _, component := range []string{"dry", "leaky"} {
		g := alone(b, component)
		b.Run(component+"/go", func(b *testing.B) { processed(b, g, command(b, "opaque timed")) })
		if argv := strings.Fields(os.Getenv(inNumpy)); len(argv) > 0 {
			b.Run(component+"/numpy", func(b *testing.B) { processed(b, g, argv) })
		}
	}
}

// processed measures g in the process of a command, and here.
func processed(b *testing.B, g *graph.Graph, argv []string) {
	path := filepath.Join(b.TempDir(), "times")
	x, err := openTimes(path)
	if err != nil {
		b.Fatal(err)
	}
	h := host.New(host.Options{Builtin: argv, Env: []string{timesFile + "=" + path}})
	defer h.Close()
	away := measured(b, h.Opaque(), g)
	here := measured(b, &opaquetest.Server{Plugins: map[string]*sdk.Operators{"": x.of(opaquetest.Plugin()).NewOperators()}}, g)
	all := map[string][]float64{}
	add := func(name string, d time.Duration) { all[name] = append(all[name], d.Seconds()*1000) }
	for turn := 0; b.Loop(); turn++ {
		var process, own, same time.Duration
		var atOnce float64
		for k := range 2 {
			if (turn+k)%2 == 0 {
				process = away()
				var calls int
				if own, calls, atOnce = x.own(); calls != 8 {
					b.Fatalf("%d calls", calls)
				}
			} else {
				same = here()
				x.own()
			}
		}
		if turn < 3 { // they touch memory for the first time
			continue
		}
		add("process-ms", process)
		add("here-ms", same)
		add("own-ms", own)
		add("above-own-ms", process-own)
		add("above-here-ms", process-same)
		all["at-once"] = append(all["at-once"], atOnce)
	}
	for name, times := range all {
		slices.Sort(times)
		b.ReportMetric(times[len(times)/2], name)
	}
}

// alone returns the graph of a component of opaquetest's plugin alone, as the built-in plugin's.
func alone(b *testing.B, component string) *graph.Graph {
	b.Helper()
	o, err := opaquetest.Declare(opaquetest.Plugin(), component, "", schema.Arguments{"tau": {Type: schema.Real, Number: 2}, "threshold": {Type: schema.Real, Number: 1}}, 4096)
	if err != nil {
		b.Fatal(err)
	}
	o.Plugin = ""
	build := graph.NewBuilder("f", nil)
	x := build.Input("x", graph.Signal(16, 4096))
	build.Output("y", build.Like(&graph.Node{Op: graph.OpOpaque, Opaque: o}, nil, x)[0])
	g, err := build.Finish()
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// measured returns what runs g once for 64 examples and gives the time of the opaque step.
func measured(b *testing.B, s opaque.Server, g *graph.Graph) func() time.Duration {
	b.Helper()
	p, env := ready(b, s, g, 64)
	env.Profile = make([]time.Duration, len(p.Plan().Steps))
	at := slices.IndexFunc(p.Plan().Steps, func(s *plan.Step) bool { return s.Opaque != nil })
	return func() time.Duration {
		clear(env.Profile)
		if err := p.Run(env); err != nil {
			b.Fatal(err)
		}
		return env.Profile[at]
	}
}
