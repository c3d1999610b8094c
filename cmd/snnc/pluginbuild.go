package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/fetch"
	"snnc.dev/snnc/runtime/installed"
	"snnc.dev/snnc/runtime/record/wholefile"
)

// sandboxFlag is common to the commands that start plugins.
type sandboxFlag struct {
	Sandbox string `enum:"on,off" default:"on" help:"Confine the processes of plugins: no network, and no files but their own (on, off)."`
}

// confined reports whether plugins are confined.
func (f sandboxFlag) confined() bool { return f.Sandbox != "off" }

// program returns the program that confines plugins; "" where they are not.
func (f sandboxFlag) program() (string, error) {
	if !f.confined() {
		return "", nil
	}
	self, err := builtin.Argv()
	if err != nil {
		return "", err
	}
	return self[0], nil
}

// buildFlags are common to the commands that build plugins.
type buildFlags struct {
	sandboxFlag
	BuildNetwork bool `help:"Open the network to the build of the plugin, as pip needs it; not to the plugin."`
}

// build makes the plugin in a folder by the command of its manifest, if there is one. What compilers keep is kept for the next build of the
// same sources.
func (f buildFlags) build(ctx context.Context, dir string, m installed.Manifest, sources string, s streams, notice func(string)) error {
	if len(m.Build) == 0 {
		return nil
	}
	self, err := f.program()
	if err != nil {
		return err
	}
	o := fetch.BuildOptions{Confine: self, Network: f.BuildNetwork, Notice: notice}
	if !f.BuildNetwork { // what the user opens is told each time
		o.Notice = news(notice)
	}
	if caches, err := os.UserCacheDir(); err == nil && sources != "" {
		if o.Cache, err = fetch.Cache(filepath.Join(caches, "snnc", "build"), m.Name, sources); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "building: %s\n", strings.Join(m.Build, " "))
	return fetch.Build(ctx, dir, m, o)
}

// news tells what holds plugins on this system where that is another than it was when it was told last, to whichever command. Without a folder
// for caches it is told each time.
func news(notice func(string)) func(string) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return notice
	}
	file := filepath.Join(dir, "snnc", "confined")
	return func(what string) {
		if last, err := os.ReadFile(file); err == nil && string(last) == what {
			return
		}
		notice(what)
		if os.MkdirAll(filepath.Dir(file), 0o777) == nil {
			_ = wholefile.WriteBytes(file, []byte(what)) // else it is told again
		}
	}
}

// once tells each notice once.
func once(notice func(string)) func(string) {
	var mu sync.Mutex
	told := map[string]bool{}
	return func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if !told[what] {
			told[what] = true
			notice(what)
		}
	}
}
