package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"

	"snnc.dev/snnc/dsl/reference"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

type pluginCommand struct {
	New    pluginNewCommand    `cmd:"" help:"Make the folder of a new plugin, with a program, tests, and all that it is built of."`
	List   pluginListCommand   `cmd:"" help:"List the components of the built-in plugin and of those named by --plugin-dev, and the plugins that specs of a folder may use."`
	Show   pluginShowCommand   `cmd:"" help:"Show where a plugin lies, what the lock says of it, and what it has."`
	Add    pluginAddCommand    `cmd:"" help:"Bring a plugin to where specs find it, build it, and put it into the lock."`
	Lock   pluginLockCommand   `cmd:"" help:"Put plugins into snnc.lock as they are now."`
	Verify pluginVerifyCommand `cmd:"" help:"Compare the plugins that snnc.lock has with their folders, starting none."`
	Check  pluginCheckCommand  `cmd:"" help:"Start the plugin in a folder and judge what it says of itself."`
	Test   pluginTestCommand   `cmd:"" help:"Check the plugin in a folder, and test what it computes: determinism, leaks, spikes, gradients, wrong requests, restarts, memory, speed."`
	Docs   pluginDocsCommand   `cmd:"" help:"Print a page about a plugin's components in Markdown, from what it says of them."`
	Remove pluginRemoveCommand `cmd:"" help:"Remove a plugin's folder, and what the lock says of it."`
}

// folderFlag says whose plugins a command is about.
type folderFlag struct {
	In string `type:"existingdir" default:"." placeholder:"DIR" help:"Folder of the specs. Default: the current one."`
}

// read returns the places of the folder, and their lock.
func (f folderFlag) read() (p installed.Places, l installed.Lock, err error) {
	if p, err = installed.Near(f.In); err == nil {
		l, err = installed.ReadLock(p.Lock)
	}
	return p, l, err
}

// find returns the places of the folder, and where a plugin lies in them.
func (f folderFlag) find(name string) (p installed.Places, dir string, err error) {
	if p, err = installed.Near(f.In); err != nil {
		return p, "", err
	}
	dir, ok := p.Find(name)
	if !ok {
		return p, "", wrongUsage("there is no plugin %s in %s; `snnc plugin add SOURCE` brings one", name, strings.Join(p.Folders, ", "))
	}
	return p, dir, nil
}

type pluginListCommand struct {
	specFlags
	folderFlag
}

func (c *pluginListCommand) Run(ctx context.Context, s streams) error {
	h, err := c.hosted(s, host.Options{})
	if err != nil {
		return err
	}
	defer h.Close()
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	places, lock, err := c.read()
	if err != nil {
		return err
	}
	names, lost := places.Names(), gone(lock, places)
	listed := len(names)+len(lost) > 0
	if listed {
		fmt.Fprintln(w, "PLUGIN\tVERSION\tFOLDER\tLOCK\t")
	}
	for _, name := range names {
		dir, _ := places.Find(name)
		version := "no manifest that holds"
		if m, err := installed.ReadManifest(dir); err == nil {
			version = m.Version
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, version, dir, standing(lock, places.Lock, name, dir))
	}
	for _, p := range lost {
		fmt.Fprintf(w, "%s\t%s\t-\t%s\n", p.Name, p.Version, regain(p.Name))
	}
	if listed {
		fmt.Fprintln(w)
		if err := w.Flush(); err != nil { // the tables have columns of their own
			return err
		}
	}
	fmt.Fprintln(w, "KIND\tNAME\tVERSION\tPLUGIN\t")
	for _, name := range append(slices.Sorted(maps.Keys(c.PluginDev)), "") {
		p, err := h.Describe(ctx, name)
		if err != nil {
			return err
		}
		plugin := name
		if name == "" {
			plugin = "built-in"
		}
		for _, x := range p.Components {
			doc := firstSentence(x.Doc)
			if x.Later {
				doc = "(not in this version) " + doc
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", x.Kind, x.Name, x.Version, plugin, doc)
		}
	}
	return w.Flush()
}

// gone returns what a lock has of plugins that are in none of the places.
func gone(lock installed.Lock, places installed.Places) []installed.Locked {
	return slices.DeleteFunc(slices.Clone(lock.Plugins), func(p installed.Locked) bool {
		_, there := places.Find(p.Name)
		return there
	})
}

// regain says what is to be done about a plugin that is gone.
func regain(name string) string {
	return fmt.Sprintf("it is not there; `snnc plugin add SOURCE` brings it, `snnc plugin remove %s` takes it out of the lock", name)
}

// against compares the plugin in a folder, which is not started, with what a lock has. Where it is another one the error is an
// *installed.Changed.
func against(was installed.Locked, lock, dir string) error {
	now, err := installed.HashFolder(dir)
	if err == nil && now != was.Folder {
		err = &installed.Changed{Name: was.Name, Lock: lock, What: "folder", Was: was.Folder, Now: now}
	}
	return err
}

// standing says in a word what a lock says of the plugin in a folder.
func standing(lock installed.Lock, path, name, dir string) string {
	was, ok := lock.Find(name)
	if !ok {
		return "not in it"
	}
	err := against(was, path, dir)
	var changed *installed.Changed
	switch {
	case errors.As(err, &changed):
		return "changed"
	case err != nil:
		return err.Error()
	}
	return "holds"
}

type pluginShowCommand struct {
	folderFlag
	sandboxFlag
	Name string `arg:"" help:"The plugin, as specs name it in use."`
}

func (c *pluginShowCommand) Run(ctx context.Context, s streams) error {
	places, dir, err := c.find(c.Name)
	if err != nil {
		return err
	}
	m, err := installed.ReadManifest(dir)
	if err != nil {
		return err
	}
	lock, err := installed.ReadLock(places.Lock)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\nversion\t%s\nfolder\t%s\ncommand\t%s\n", m.Name, m.Version, dir, strings.Join(m.Command, " "))
	if m.Language != "" {
		fmt.Fprintf(w, "language\t%s\n", m.Language)
	}
	if len(m.Build) > 0 {
		fmt.Fprintf(w, "build\t%s\n", strings.Join(m.Build, " "))
	}
	stands := standing(lock, places.Lock, c.Name, dir)
	fmt.Fprintf(w, "lock\t%s: %s\n", places.Lock, stands)
	if was, ok := lock.Find(c.Name); ok {
		fmt.Fprintf(w, "folder hash\t%s\ndescription hash\t%s\n", was.Folder, was.Description)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if stands != "holds" {
		_, err := fmt.Fprintf(s.out, "\nnothing of it is started to see what it has before `snnc plugin lock %s` accepts it\n", c.Name)
		return err
	}
	h, err := newHost(host.Options{Places: places, Locked: true, Notice: s.notice}, c.confined())
	if err != nil {
		return err
	}
	defer h.Close()
	p, err := h.Describe(ctx, c.Name)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "\nKIND\tNAME\tVERSION\t")
	for _, x := range p.Components {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.Kind, x.Name, x.Version, firstSentence(x.Doc))
	}
	return w.Flush()
}

type pluginLockCommand struct {
	folderFlag
	sandboxFlag
	Name []string `arg:"" optional:"" help:"Plugins, as specs name them in use. Default: those that the lock has."`
}

func (c *pluginLockCommand) Run(ctx context.Context, s streams) error {
	places, lock, err := c.read()
	if err != nil {
		return err
	}
	names, lost := c.Name, gone(lock, places)
	if len(names) == 0 {
		for _, p := range lock.Plugins {
			if slices.Contains(lost, p) {
				s.notice(p.Name + " is passed over: " + regain(p.Name))
				continue
			}
			names = append(names, p.Name)
		}
		if len(lock.Plugins) == 0 {
			return wrongUsage("%s has no plugin: name those that are to be put in", places.Lock)
		}
	}
	for _, name := range names {
		_, _, err := c.find(name)
		if err != nil && slices.ContainsFunc(lost, func(p installed.Locked) bool { return p.Name == name }) {
			return wrongUsage("%s: %s", name, regain(name))
		}
		if err != nil {
			return err
		}
	}
	h, err := newHost(host.Options{Places: places, Notice: s.notice}, c.confined())
	if err != nil {
		return err
	}
	defer h.Close()
	for _, name := range names {
		now, err := h.Identify(ctx, name)
		if err != nil {
			return err
		}
		if err := relock(ctx, places.Lock, now, s); err != nil {
			return err
		}
	}
	return nil
}

// relock says in a lock what a plugin is now, and on the standard output what is new.
func relock(ctx context.Context, lock string, now installed.Locked, s streams) error {
	name := now.Name
	var was installed.Locked
	err := installed.ChangeLock(ctx, lock, func(l *installed.Lock) error {
		was, _ = l.Find(name)
		l.Put(now)
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case was == now:
		fmt.Fprintf(s.out, "%s %s is in %s already\n", name, now.Version, lock)
	case was.Name == "":
		fmt.Fprintf(s.out, "%s %s is in %s now\n", name, now.Version, lock)
	default:
		fmt.Fprintf(s.out, "%s is another one in %s now\n", name, lock)
		for _, x := range [][3]string{{"version", was.Version, now.Version}, {"folder", was.Folder, now.Folder}, {"description", was.Description, now.Description}} {
			if x[1] != x[2] {
				fmt.Fprintf(s.out, "  %s: was %s, is %s\n", x[0], x[1], x[2])
			}
		}
	}
	return nil
}

type pluginVerifyCommand struct{ folderFlag }

func (c *pluginVerifyCommand) Run(s streams) error {
	places, lock, err := c.read()
	if err != nil {
		return err
	}
	bad := 0
	for _, p := range lock.Plugins {
		dir, ok := places.Find(p.Name)
		if !ok {
			bad++
			fmt.Fprintf(s.out, "%s: %s\n", p.Name, regain(p.Name))
			continue
		}
		if err := against(p, places.Lock, dir); err != nil {
			bad++
			fmt.Fprintf(s.out, "%s: %v\n", p.Name, err)
			continue
		}
		fmt.Fprintf(s.out, "%s %s holds\n", p.Name, p.Version)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d plugins are not those that %s has", bad, len(lock.Plugins), places.Lock)
	}
	return nil
}

type pluginDocsCommand struct {
	sandboxFlag
	Folder string `arg:"" name:"dir" type:"existingdir" help:"The plugin's folder, which is started whatever a lock says."`
}

func (c *pluginDocsCommand) Run(ctx context.Context, s streams) error {
	m, err := installed.ReadManifest(c.Folder)
	if err != nil {
		return err
	}
	h, err := newHost(host.Options{Dev: map[string]string{m.Name: c.Folder}, Notice: s.notice}, c.confined())
	if err != nil {
		return err
	}
	defer h.Close()
	p, err := h.Describe(ctx, m.Name)
	if err != nil {
		return err
	}
	_, err = s.out.Write(reference.PluginMarkdown(p))
	return err
}

// project is the folder that plugins are added to and removed from without --user.
func project(p installed.Places) string {
	return filepath.Join(filepath.Dir(p.Lock), installed.FolderName)
}

// firstSentence returns the first sentence of a Markdown text on one line.
func firstSentence(doc string) string {
	paragraph, _, _ := strings.Cut(doc, "\n\n")
	text := strings.Join(strings.Fields(paragraph), " ")
	for i := range len(text) - 2 {
		if text[i:i+2] == ". " && unicode.IsUpper(rune(text[i+2])) {
			return text[:i+1]
		}
	}
	return text
}
