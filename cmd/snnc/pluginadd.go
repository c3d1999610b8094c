package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

type pluginAddCommand struct {
	folderFlag
	Source  string `arg:"" type:"existingdir" help:"The plugin's folder."`
	User    bool   `help:"For all specs of the user; its first use in a project puts it into the project's lock."`
	Replace bool   `help:"Take the place of one of the same name."`
	buildFlags
}

func (c *pluginAddCommand) Run(ctx context.Context, s streams) error {
	notice := once(s.notice)
	m, err := installed.ReadManifest(c.Source)
	if err != nil {
		return err
	}
	places, err := installed.Near(c.In)
	if err != nil {
		return err
	}
	folder := project(places)
	if c.User {
		if folder = installed.UserFolder(); folder == "" {
			return wrongUsage("--user: there is no home folder")
		}
	}
	to := filepath.Join(folder, filepath.FromSlash(m.Name))
	if there, ok := places.Find(m.Name); ok && there != to && !c.User {
		for _, before := range places.Folders {
			if before == folder {
				break
			}
			if there == filepath.Join(before, filepath.FromSlash(m.Name)) {
				return wrongUsage("%s in %s is found before one in %s; remove it first by `snnc plugin remove %s`", m.Name, there, folder, m.Name)
			}
		}
	}
	if source, err := filepath.Abs(c.Source); err != nil {
		return err
	} else if in, err := filepath.Rel(source, to); err == nil && filepath.IsLocal(in) {
		return wrongUsage("%s lies in the folder that is to be copied there", to)
	}
	_, err = os.Lstat(to)
	if err == nil && !c.Replace {
		return wrongUsage("%s is there already; --replace puts this one in its place", to)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return fmt.Errorf("add plugin %s: %w", m.Name, err)
	}
	made, err := os.MkdirTemp(filepath.Dir(to), ".add-*")
	if err != nil {
		return fmt.Errorf("add plugin %s: %w", m.Name, err)
	}
	defer os.RemoveAll(made)
	fresh := filepath.Join(made, "new")
	if err := copyPlugin(fresh, c.Source); err != nil {
		return fmt.Errorf("add plugin %s: %w", m.Name, err)
	}
	if err := c.build(ctx, fresh, m, c.Source, s, notice); err != nil {
		return err
	}
	// What does not start never takes the place of what is there.
	trial, err := newHost(host.Options{Dev: map[string]string{m.Name: fresh}, Notice: notice}, c.confined())
	if err != nil {
		return err
	}
	_, err = trial.Describe(ctx, m.Name)
	if err := errors.Join(err, trial.Close()); err != nil {
		return err
	}
	old := filepath.Join(made, "old")
	if err := os.Rename(to, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("add plugin %s: %w", m.Name, err)
	}
	if err := os.Rename(fresh, to); err != nil {
		return errors.Join(fmt.Errorf("add plugin %s: %w", m.Name, err), os.Rename(old, to))
	}
	fmt.Fprintf(s.out, "%s %s is in %s\n", m.Name, m.Version, to)
	if c.User {
		return nil
	}
	h, err := newHost(host.Options{Places: places, Notice: notice}, c.confined())
	if err != nil {
		return err
	}
	defer h.Close()
	return relock(ctx, h, m.Name, places.Lock, s)
}

// copyPlugin copies a plugin's folder, without what Git keeps in it.
func copyPlugin(to, from string) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(to, ".git"))
}

type pluginRemoveCommand struct {
	folderFlag
	Name string `arg:"" help:"The plugin, as specs name it in use."`
	User bool   `help:"Of the user's own plugins."`
}

func (c *pluginRemoveCommand) Run(s streams) error {
	places, dir, err := c.find(c.Name)
	if err != nil {
		return err
	}
	user := installed.UserFolder()
	if mine := user != "" && dir == filepath.Join(user, filepath.FromSlash(c.Name)); mine != c.User {
		if mine {
			return wrongUsage("%s in %s is for all specs of the user: remove it by --user", c.Name, dir)
		}
		return wrongUsage("--user: it is %s in %s that is found first", c.Name, dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove plugin %s: %w", c.Name, err)
	}
	os.Remove(filepath.Dir(dir)) // the owner's folder, where it is empty now
	fmt.Fprintf(s.out, "%s is removed\n", dir)
	lock, err := installed.ReadLock(places.Lock)
	if err != nil {
		return err
	}
	if _, ok := lock.Find(c.Name); !ok || c.User {
		return nil
	}
	return installed.ChangeLock(places.Lock, func(l *installed.Lock) { l.Remove(c.Name) })
}
