package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/installed"
)

// Options say which plugins there are and how long they may take.
type Options struct {
	Builtin []string                  // command of the process that serves the built-ins; the first word is a path
	Dev     map[string]string         // folders of plugins under development, by the name that specs use; no lock holds them
	Places  installed.Places          // where the others lie, and their lock
	Locked  bool                      // a plugin that the lock does not have is refused; else it is put in
	Cache   string                    // folder that keeps what plugins say of themselves; "" for none
	Env     []string                  // NAME=VALUE, added to the environment of the processes
	Timeout time.Duration             // of a call, with all that it starts and repeats; 0: a minute
	Long    time.Duration             // of a call that compiles circuits, emulates a few examples, exports or traces; 0: ten minutes, or Timeout where that is more
	Start   time.Duration             // from the start of a process to its handshake; 0: 15 seconds
	Tries   int                       // processes that a call is tried on until one survives it; 0: 3
	Confine string                    // path of the program that confines the processes of plugins besides the built-ins (confine.Main); "": they are not
	Printed func(plugin, line string) // told of each line that a plugin of Dev prints, safe to show, from any goroutine; nil for nobody
	Notice  func(string)              // told once, with the first such process, what holds it; nil for nobody
	Watch   func(Attempt)             // told of all that confined processes try against their walls, from any goroutine; nil: they are not watched. See confine.Watchable
}

// The defaults, and the time that Close takes at most.
const (
	defaultTimeout = time.Minute
	defaultLong    = 10 * time.Minute
	defaultStart   = 15 * time.Second
	defaultTries   = 3
	closing        = 5 * time.Second
)

// Host runs the plugins of one program. Its methods may be called concurrently.
type Host struct {
	o       Options
	sandbox *sandbox        // nil: there is none
	ctx     context.Context // ends at Close
	cancel  context.CancelCauseFunc

	holding sync.Mutex // held while the lock is read and changed

	mu      sync.Mutex
	plugins map[string]*served
	folder  *folder // nil until a process is started
	shared  *folder // of arenas, in memory; nil until there is one
	closed  bool

	last atomic.Int64 // of the names of arenas and operators
}

// New returns a Host; no process is started before a call needs one. Close it after use.
func New(o Options) *Host {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Long <= 0 {
		o.Long = max(defaultLong, o.Timeout)
	}
	if o.Start <= 0 {
		o.Start = defaultStart
	}
	if o.Tries <= 0 {
		o.Tries = defaultTries
	}
	h := &Host{o: o, plugins: map[string]*served{}}
	if o.Confine != "" {
		h.sandbox = &sandbox{self: o.Confine, notice: o.Notice}
	}
	h.ctx, h.cancel = context.WithCancelCause(context.Background())
	return h
}

// Plugins lists the names of the plugins besides the built-ins, sorted.
func (h *Host) Plugins() []string {
	names := slices.AppendSeq(h.o.Places.Names(), maps.Keys(h.o.Dev))
	slices.Sort(names)
	return slices.Compact(names)
}

// Describe returns what a plugin has; the name "" stands for the built-ins. The answer is kept in the folder Options.Cache
// under the content of the plugin's files. A plugin that is not the one of the lock is a Failure whose cause is an
// *installed.Changed; one that the lock does not have yet is put in, or is an *installed.Unlocked where Options.Locked is set.
func (h *Host) Describe(ctx context.Context, plugin string) (schema.Plugin, error) {
	s, err := h.served(plugin, describeCall)
	if err != nil {
		return schema.Plugin{}, err
	}
	select {
	case s.describing <- struct{}{}:
		defer func() { <-s.describing }()
	case <-ctx.Done():
		return schema.Plugin{}, ctx.Err()
	}
	if s.described != nil {
		return *s.described, nil
	}
	key := ""
	if h.o.Cache != "" {
		key = s.key()
	}
	p, text, ok := h.recall(s, key)
	if !ok {
		if p, text, err = h.describe(ctx, s, key); err != nil {
			return schema.Plugin{}, err
		}
	}
	if err := h.hold(ctx, s, text); err != nil {
		if ctx.Err() != nil {
			return schema.Plugin{}, ctx.Err()
		}
		return schema.Plugin{}, &Failure{Plugin: s.name, Dir: s.dir, Call: describeCall.name, Err: err}
	}
	s.described = &p
	return p, nil
}

// describe asks a plugin what it has, and keeps the answer.
func (h *Host) describe(ctx context.Context, s *served, key string) (p schema.Plugin, text string, err error) {
	text, err = h.call(ctx, s, describeCall, struct{}{}, nil, func(text string) error {
		p, err = judgePlugin(text, s.manifest)
		return err
	})
	if err != nil {
		return schema.Plugin{}, "", err
	}
	h.remember(s, key, text)
	return p, text, nil
}

// Build asks a model for its Program. The reply holds either the text of a Program, which parses and is verified, or
// complaints.
func (h *Host) Build(ctx context.Context, plugin string, r schema.BuildRequest) (schema.BuildReply, error) {
	return ask(ctx, h, plugin, buildCall, r, func(text string) (schema.BuildReply, error) { return judgeProgram(text, plugin, r.Networks) })
}

// Sampler asks a model for a sampler with options. The reply holds either the text of a Program with that one sampler and its
// functions, which parses and is verified, or complaints.
func (h *Host) Sampler(ctx context.Context, plugin string, r schema.SamplerRequest) (schema.BuildReply, error) {
	return ask(ctx, h, plugin, samplerCall, r, func(text string) (schema.BuildReply, error) {
		return judgeSampler(text, plugin, r.Build.Networks, r.Sampler)
	})
}

// Coder asks a coder without equations for its graph. The reply holds either the text of a module with the functions "train"
// and "eval", which parses and is verified, or complaints.
func (h *Host) Coder(ctx context.Context, plugin string, r schema.CoderRequest) (schema.BuildReply, error) {
	return ask(ctx, h, plugin, coderCall, r, func(text string) (schema.BuildReply, error) { return judgeCoder(text, plugin, r.Input) })
}

// Check asks a target whether circuits fit on it.
func (h *Host) Check(ctx context.Context, plugin string, r schema.TargetRequest) (schema.TargetReply, error) {
	return ask(ctx, h, plugin, checkCall, r, func(text string) (schema.TargetReply, error) { return judgeChecked(text, r) })
}

// ask makes a call and returns what the judge makes of the answer.
func ask[R any](ctx context.Context, h *Host, plugin string, m method, request any, judge func(string) (R, error)) (R, error) {
	var out R
	s, err := h.served(plugin, m)
	if err != nil {
		return out, err
	}
	_, err = h.call(ctx, s, m, request, nil, func(text string) (err error) {
		out, err = judge(text)
		return err
	})
	return out, err
}

// Code returns what the code of a plugin is known by (installed.HashCode), as it is at the first call; "" of the built-ins, whose code goes with
// the host's.
func (h *Host) Code(plugin string) (string, error) {
	s, err := h.served(plugin, describeCall)
	if err != nil || s.code == nil {
		return "", err
	}
	return s.code()
}

// served returns the plugin of a name.
func (h *Host) served(name string, m method) (*served, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if s := h.plugins[name]; s != nil {
		return s, nil
	}
	s := newServed(name)
	if name == "" {
		s.argv = h.o.Builtin
		if len(s.argv) == 0 {
			return nil, &Failure{Call: m.name, Err: errors.New("there is no command that serves it")}
		}
	} else {
		dev, err := h.open(s)
		if err == nil && !dev {
			err = h.judgeFolder(s)
		}
		if err != nil {
			return nil, &Failure{Plugin: name, Dir: s.dir, Call: m.name, Err: err}
		}
	}
	h.plugins[name] = s
	return s, nil
}

func newServed(name string) *served {
	return &served{name: name, lock: make(chan struct{}, 1), describing: make(chan struct{}, 1)}
}

// open finds the folder of a plugin that is not built in, in Options.Dev or else in Options.Places, and reads its manifest. It reports
// whether it is one under development.
func (h *Host) open(s *served) (dev bool, err error) {
	dir, dev := h.o.Dev[s.name]
	if !dev {
		var ok bool
		if dir, ok = h.o.Places.Find(s.name); !ok {
			return false, fmt.Errorf("there is no such plugin; add it by `snnc plugin add SOURCE`, or pass --plugin-dev %s=DIR", s.name)
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return dev, fmt.Errorf("find the plugin's folder: %w", err)
	}
	m, err := installed.ReadManifest(dir)
	if err != nil {
		return dev, err
	}
	if m.Name != s.name {
		return dev, fmt.Errorf("the plugin in %s calls itself %q: it is used by that name", dir, m.Name)
	}
	if m.Requires != 0 && m.Requires != proto.Version {
		return dev, fmt.Errorf("it requires version %d of the protocol, and this program speaks version %d: get an snnc or a version of the plugin that goes with the other", m.Requires, proto.Version)
	}
	s.dir, s.dev, s.manifest = dir, dev, &m
	s.code = sync.OnceValues(func() (string, error) { return installed.HashCode(dir, m) })
	s.argv, err = installed.Argv(dir, m.Command)
	return dev, err
}

// Close ends all plugin processes and the calls on them, which return ErrClosed. It takes five seconds at most; an error says
// that a process could not be ended in that time.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	plugins := slices.Collect(maps.Values(h.plugins))
	h.mu.Unlock()
	h.cancel(ErrClosed)

	deadline := time.NewTimer(closing)
	defer deadline.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var all sync.WaitGroup
		for _, s := range plugins {
			all.Go(s.close)
		}
		all.Wait()
	}()
	var late error
	select {
	case <-done:
	case <-deadline.C:
		late = errors.New("close the plugin host: a plugin process does not end")
	}
	if h.sandbox != nil {
		late = errors.Join(late, h.sandbox.close())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range []*folder{h.folder, h.shared} {
		if f != nil {
			late = errors.Join(late, f.remove())
		}
	}
	return late
}
