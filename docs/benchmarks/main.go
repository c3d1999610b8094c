// Command benchmarks measures snnc side by side with what its users would run instead: SpikingJelly, snnTorch and
// torch.compile on the same networks, oneDNN on the same convolutions. It makes the peers' environment, runs each contender
// in turn on an idle machine, keeps each run as JSON in the folder raw, and writes results.md and speed.svg from what is
// there.
//
//	go run ./docs/benchmarks [--row NAME]... [--contender NAME]... [--fresh] [--render]
//
// README.md says how to run it and how to read what comes out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	rows   []string // groups to measure; all if empty
	names  []string // contenders to measure; all if empty
	fresh  bool
	render bool
	cache  string
	raw    string
	wait   time.Duration
	repeat int
	rounds int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "docs", "benchmarks")
	if o.raw == "" {
		o.raw = filepath.Join(folder, "raw")
	}
	var failed error // what was measured in spite of it is shown
	if !o.render {
		s := session{options: o, root: root, folder: folder, threads: runtime.NumCPU()}
		failed = s.measure(ctx)
	}
	if o.raw != filepath.Join(folder, "raw") {
		folder = o.raw // a trial leaves the results of the tree alone
	}
	runs, err := readRuns(o.raw)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "results.md"), results(runs), 0o666); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "speed.svg"), plot(runs), 0o666); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	fmt.Println(filepath.Join(folder, "results.md"))
	return failed
}

func parse(args []string) (options, error) {
	o := options{}
	cache, err := os.UserCacheDir()
	if err != nil {
		return o, fmt.Errorf("find the cache folder: %w", err)
	}
	f := flag.NewFlagSet("benchmarks", flag.ExitOnError)
	f.Func("row", "measure this group alone; may be given several times: "+strings.Join(groupNames(), ", "), func(name string) error {
		if !slices.Contains(groupNames(), name) {
			return fmt.Errorf("there are %s", strings.Join(groupNames(), ", "))
		}
		o.rows = append(o.rows, name)
		return nil
	})
	f.Func("contender", "measure this contender alone; may be given several times: snnc, spikingjelly, compile-bf16, ...", func(name string) error {
		o.names = append(o.names, name)
		return nil
	})
	f.BoolVar(&o.fresh, "fresh", false, "measure again what raw has already")
	f.BoolVar(&o.render, "render", false, "measure nothing: write results.md and speed.svg from raw")
	f.StringVar(&o.cache, "cache", filepath.Join(cache, "snnc", "benchmarks"), "folder of the peers' environment and of built programs")
	f.StringVar(&o.raw, "raw", "", "folder of the measurements, docs/benchmarks/raw by default; another one gets the results, too")
	f.DurationVar(&o.wait, "wait", 20*time.Minute, "wait at most so long in all for an idle machine; 0 does not wait")
	f.IntVar(&o.repeat, "repeat", 0, "timed calls of each figure in a run; 0 for what each group says")
	f.IntVar(&o.rounds, "rounds", 0, "how often each contender is run; 0 for what each group says")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	return o, nil
}

// moduleRoot returns the folder of go.mod, from the working folder upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("find the module: no go.mod above the working folder")
		}
		dir = up
	}
}
