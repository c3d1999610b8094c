package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	disturbed = 0.06      // share of the machine that others took, above which a run is repeated once and marked
	longest   = time.Hour // of a run
)

// session measures: the options and where things are.
type session struct {
	options options
	root    string // of the module
	folder  string // docs/benchmarks
	threads int    // every contender gets as many as the machine has cores

	processor, revision string
	waited              time.Duration // for an idle machine, of options.wait
}

// measure runs every contender of the chosen groups that raw does not have yet, contenders in turn in each round. A contender
// that fails is reported and left out; the others go on.
func (s *session) measure(ctx context.Context) error {
	var err error
	if s.processor, err = processor(); err != nil {
		return err
	}
	if s.revision, err = s.commit(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	var failed []error
	for _, g := range groups() {
		if !s.chosen(g) {
			continue
		}
		rounds := g.rounds
		if s.options.rounds > 0 {
			rounds = s.options.rounds
		}
		for round := range rounds {
			for _, c := range g.contenders {
				if len(s.options.names) > 0 && !slices.Contains(s.options.names, c.name) || g.once && c.compiled && round > 0 {
					continue
				}
				err := s.contend(ctx, g, c, round+1)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					fmt.Printf("%s %s: %v\n", g.name, c.name, err)
					failed = append(failed, fmt.Errorf("%s %s: failed", g.name, c.name))
				}
			}
		}
	}
	return errors.Join(failed...)
}

// commit returns the short name of the commit that is checked out, with a + if anything but this folder differs from it.
func (s *session) commit(ctx context.Context) (string, error) {
	name, err := s.output(ctx, "git", "rev-parse", "--short", "HEAD")
	if err != nil {
		return "", err
	}
	changed, err := s.output(ctx, "git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks")
	if changed != "" {
		name += "+"
	}
	return name, err
}

// contend runs a contender once, or once more if others disturbed it, and keeps the less disturbed run.
func (s *session) contend(ctx context.Context, g group, c contender, round int) error {
	path := run{Group: g.name, Contender: c.name, Round: round}.path(s.options.raw)
	if text, err := os.ReadFile(path); err == nil && !s.options.fresh {
		var old run
		if err := json.Unmarshal(text, &old); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if old.Processor != s.processor {
			return fmt.Errorf("%s is of another processor, %s: measure everything again with --fresh", path, old.Processor)
		}
		if c.name == ours && old.Revision != s.revision {
			fmt.Printf("%s %s, round %d: kept as measured at commit %s; --contender %s --fresh measures it again\n", g.name, c.name, round, old.Revision, ours)
		}
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	best, err := s.once(ctx, g, c, round)
	if err != nil {
		return err
	}
	if best.Others > disturbed && s.waited < s.options.wait {
		if again, err := s.once(ctx, g, c, round); err == nil && again.Others < best.Others {
			best = again
		}
	}
	return best.write(s.options.raw)
}

// once waits for an idle machine and runs a contender.
func (s *session) once(ctx context.Context, g group, c contender, round int) (run, error) {
	asked := time.Now()
	if err := awaitIdle(ctx, s.threads, s.options.wait-s.waited); err != nil {
		return run{}, err
	}
	s.waited += time.Since(asked)
	p := c.command(s)
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Env = s.root, append(os.Environ(), p.env...)
	// A process of its own group, so that what it has started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var errs bytes.Buffer
	out := stamped{}
	cmd.Stdout, cmd.Stderr = &out, &errs
	before, err := coreSeconds()
	if err != nil {
		return run{}, err
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return run{}, fmt.Errorf("run %s: %w\n%s", strings.Join(p.argv, " "), err, tail(errs.String(), 20))
	}
	wall := time.Since(start).Seconds()
	after, err := coreSeconds()
	if err != nil {
		return run{}, err
	}
	m, err := p.parse(out.text.Bytes())
	if err != nil {
		return run{}, fmt.Errorf("read the output of %s: %w\n%s", strings.Join(p.argv, " "), err, tail(out.text.String(), 5))
	}
	if g.parameters != 0 && m.Parameters != 0 && m.Parameters != g.parameters {
		return run{}, fmt.Errorf("%s: a network of %d parameters, %d are expected", c.name, m.Parameters, g.parameters)
	}
	spoke := out.first.Sub(start).Seconds()
	if c.spoke != "" {
		m.Figures[c.spoke] = figure{Median: spoke, Min: spoke, Max: spoke, Repeats: 1}
	}
	if c.whole != "" {
		m.Figures[c.whole] = figure{Median: wall, Min: wall, Max: wall, Repeats: 1}
	}
	own := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	r := run{
		Group: g.name, Contender: c.name, Round: round, measured: m, Seconds: wall,
		PeakBytes: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10,   // kilobytes on Linux
		Others:    min(max(0, (after-before-own)/(wall*float64(s.threads))), 1), // the system counts in ticks
		Processor: s.processor, Cores: s.threads, Revision: s.revision, Date: start.UTC().Format("2006-01-02 15:04"),
	}
	fmt.Printf("%s %s, round %d: %.0f s, others took %.0f %%", g.name, c.name, round, wall, 100*r.Others)
	for _, row := range g.rows {
		if f, ok := m.Figures[row.figure]; ok {
			fmt.Printf(", %s %.4g %s", row.figure, f.Median, g.unit)
		}
	}
	fmt.Println()
	return r, nil
}

// stamped is output, and when its first byte came.
type stamped struct {
	text  bytes.Buffer
	first time.Time
}

func (s *stamped) Write(p []byte) (int, error) {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	return s.text.Write(p)
}

// prepare makes what the chosen groups need: the command snnc, the peers' environment with the versions of peers/requirements.txt, the
// programs of kernels and neurons, plugins.
func (s *session) prepare(ctx context.Context) error {
	if err := os.MkdirAll(s.options.cache, 0o777); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	if _, err := s.output(ctx, "go", "build", "-o", s.snnc(), "./cmd/snnc"); err != nil {
		return err
	}
	made := map[string]bool{}
	for _, g := range groups() {
		if !s.chosen(g) {
			continue
		}
		name, prepare := "peers", s.peers
		switch g.name {
		case "neurons":
			name, prepare = "neurons", s.buildNeurons
		case "dense", "event":
			name, prepare = "kernels", s.kernels
		case "plugins", "opaque":
			name, prepare = "plugins", s.plugins
		case "loihi", "truenorth":
			name, prepare = "emulators", s.emulators
		case "trained", "weights":
			continue
		}
		if made[name] {
			continue
		}
		made[name] = true
		if err := prepare(ctx); err != nil {
			return err
		}
	}
	return nil
}

// chosen says whether a group is to be measured.
func (s *session) chosen(g group) bool {
	return len(s.options.rows) == 0 || slices.Contains(s.options.rows, g.name)
}

// peers makes the environment of the peers in Python.
func (s *session) peers(ctx context.Context) error {
	return s.environment(ctx, "python3", filepath.Join(s.options.cache, "python"), filepath.Join(s.folder, "peers", "requirements.txt"))
}

// environment makes a virtual environment of an interpreter of Python, unless it has the versions of a list already.
func (s *session) environment(ctx context.Context, python, dir, list string) error {
	want, err := os.ReadFile(list)
	if err != nil {
		return fmt.Errorf("read versions: %w", err)
	}
	made := filepath.Join(dir, "made.txt")
	if have, err := os.ReadFile(made); err == nil && bytes.Equal(have, want) {
		return nil
	}
	fmt.Println("making an environment of Python: that of the peers takes some minutes, and 6 GB of disk")
	for _, argv := range [][]string{
		{python, "-m", "venv", dir},
		{filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--requirement", list},
	} {
		if _, err := s.output(ctx, argv...); err != nil {
			return err
		}
	}
	if err := os.WriteFile(made, want, 0o666); err != nil {
		return fmt.Errorf("make an environment of Python: %w", err)
	}
	return nil
}

func (s *session) python() string { return filepath.Join(s.options.cache, "python", "bin", "python") }
func (s *session) snnc() string   { return filepath.Join(s.options.cache, "snnc") }

// output runs a command in the module and returns its output, trimmed.
func (s *session) output(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = s.root
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w\n%s", strings.Join(argv, " "), err, tail(errs.String(), 20))
	}
	return strings.TrimSpace(string(out)), nil
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// lastLine reads the JSON that a program prints as its last line.
func lastLine(output []byte) (measured, error) {
	var m measured
	if err := json.Unmarshal([]byte(tail(string(output), 1)), &m); err != nil {
		return m, fmt.Errorf("read its last line: %w", err)
	}
	return m, nil
}
