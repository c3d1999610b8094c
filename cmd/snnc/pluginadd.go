package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"snnc.dev/snnc/plugins/scaffold"
	"snnc.dev/snnc/runtime/fetch"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

type pluginAddCommand struct {
	folderFlag
	Source  string `arg:"" help:"The plugin: a folder, an archive (.zip, .tar, .tar.gz, .tgz), or a Go module, such as example.org/leap@v1.2.0."`
	User    bool   `help:"For all specs of the user; its first use in a project puts it into the project's lock."`
	Replace bool   `help:"Take the place of one of the same name."`
	buildFlags
}

func (c *pluginAddCommand) Run(ctx context.Context, s streams) error {
	notice := once(s.notice)
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
	stage, err := prepare(ctx, folder, s)
	if err != nil {
		return err
	}
	defer stage.Close()
	version, err := stage.Bring(ctx, c.Source)
	if err != nil {
		return err
	}
	if version != "" {
		fmt.Fprintf(s.out, "%s is %s\n", c.Source, version)
	}
	m, err := installed.ReadManifest(stage.Dir())
	if err != nil {
		return err
	}
	if err := scaffold.Complete(stage.Dir()); err != nil {
		return err
	}
	if err := c.free(stage, places, folder, m.Name); err != nil {
		return err
	}
	sources := "" // an archive is built once
	if st, err := os.Stat(c.Source); err == nil && st.IsDir() {
		sources = c.Source
	}
	if err := c.build(ctx, stage.Dir(), m, sources, s, notice); err != nil {
		return err
	}
	// What does not start never takes the place of what is there.
	h, err := newHost(host.Options{Dev: map[string]string{m.Name: stage.Dir()}, Notice: notice}, c.confined())
	if err != nil {
		return err
	}
	now, err := h.Identify(ctx, m.Name)
	if err := errors.Join(err, h.Close()); err != nil {
		return err
	}
	to, err := stage.Place(m.Name)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s %s is in %s\n", now.Name, now.Version, to)
	if c.User {
		return nil
	}
	return relock(ctx, places.Lock, now, s)
}

// prepare makes a stage in a folder of plugins. Close it.
func prepare(ctx context.Context, folder string, s streams) (*fetch.Stage, error) {
	return fetch.NewStage(ctx, folder, func() { s.notice("waiting for another command that adds or removes plugins in " + folder) })
}

// free says what stands in the way of a plugin of a name in a folder.
func (c *pluginAddCommand) free(stage *fetch.Stage, places installed.Places, folder, name string) error {
	if there, ok := places.Find(name); ok && !c.User {
		for _, before := range places.Folders {
			if before == folder {
				break
			}
			if there == filepath.Join(before, filepath.FromSlash(name)) {
				return wrongUsage("%s in %s is found before one in %s; remove it first by `snnc plugin remove %s`", name, there, folder, name)
			}
		}
	}
	err := stage.Free(name, c.Replace)
	var taken *fetch.Taken
	switch {
	case !errors.As(err, &taken):
		return err
	case taken.Plugin && taken.Path == filepath.Join(folder, filepath.FromSlash(name)):
		return wrongUsage("%s is there already; --replace puts this one in its place", taken.Path)
	case taken.Plugin:
		return wrongUsage("%s lies in the folder of another plugin, or the other way about: %w; remove that first, or ask the author for another name", name, err)
	}
	return wrongUsage("%w: it is in the way of %s, move it away first", err, name)
}

type pluginRemoveCommand struct {
	folderFlag
	Name string `arg:"" help:"The plugin, as specs name it in use. Of one whose folder is gone the lock's entry is removed."`
	User bool   `help:"Of the user's own plugins."`
}

func (c *pluginRemoveCommand) Run(ctx context.Context, s streams) error {
	places, dir, err := c.find(c.Name)
	if err != nil {
		if c.User {
			return err
		}
		switch was, bad := unlock(ctx, places.Lock, c.Name); {
		case bad != nil:
			return bad
		case !was:
			return err
		}
		fmt.Fprintf(s.out, "%s, whose folder is gone, is out of %s now\n", c.Name, places.Lock)
		return nil
	}
	folder := strings.TrimSuffix(dir, string(filepath.Separator)+filepath.FromSlash(c.Name)) // of plugins, in which it lies
	user := installed.UserFolder()
	if mine := user != "" && dir == filepath.Join(user, filepath.FromSlash(c.Name)); mine != c.User {
		if mine {
			return wrongUsage("%s in %s is for all specs of the user: remove it by --user", c.Name, dir)
		}
		return wrongUsage("--user: it is %s in %s that is found first", c.Name, dir)
	}
	stage, err := prepare(ctx, folder, s)
	if err != nil {
		return err
	}
	if err := errors.Join(stage.Remove(c.Name), stage.Close()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is removed\n", dir)
	if c.User {
		return nil
	}
	_, err = unlock(ctx, places.Lock, c.Name)
	return err
}

// unlock takes a plugin out of a lock, and reports whether it was in it.
func unlock(ctx context.Context, path, name string) (was bool, err error) {
	lock, err := installed.ReadLock(path)
	if err != nil {
		return false, err
	}
	if _, was = lock.Find(name); !was {
		return false, nil
	}
	return true, installed.ChangeLock(ctx, path, func(l *installed.Lock) error {
		l.Remove(name)
		return nil
	})
}
