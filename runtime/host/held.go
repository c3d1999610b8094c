package host

import (
	"context"
	"errors"

	"snnc.dev/snnc/runtime/installed"
)

// judgeFolder compares the folder of a plugin with the lock, before anything in it is started.
func (h *Host) judgeFolder(s *served) error {
	path := h.o.Places.Lock
	if path == "" {
		return nil
	}
	lock, err := installed.ReadLock(path)
	if err != nil {
		return err
	}
	was, ok := lock.Find(s.name)
	if !ok && h.o.Locked {
		return &installed.Unlocked{Name: s.name, Lock: path}
	}
	if s.folder, err = installed.HashFolder(s.dir); err != nil {
		return err
	}
	if ok && was.Folder != s.folder {
		return &installed.Changed{Name: s.name, Lock: path, What: "folder", Was: was.Folder, Now: s.folder}
	}
	return nil
}

// hold compares what a plugin says of itself with the lock, and puts a plugin in that is not there yet.
func (h *Host) hold(ctx context.Context, s *served, description string) error {
	path := h.o.Places.Lock
	if s.folder == "" {
		return nil
	}
	h.holding.Lock()
	defer h.holding.Unlock()
	lock, err := installed.ReadLock(path)
	if err != nil {
		return err
	}
	compare := func(was installed.Locked) error {
		if now := installed.HashText(description); was.Description != now {
			return &installed.Changed{Name: s.name, Lock: path, What: "description", Was: was.Description, Now: now}
		}
		return nil
	}
	if was, ok := lock.Find(s.name); ok {
		return compare(was)
	}
	p, err := s.identity(description)
	if err != nil {
		return err
	}
	return installed.ChangeLock(ctx, path, func(l *installed.Lock) error {
		was, ok := l.Find(s.name) // another process may have put it in meanwhile, and looked at another folder
		switch {
		case !ok:
			l.Put(p)
			return nil
		case was.Folder != p.Folder:
			return &installed.Changed{Name: s.name, Lock: path, What: "folder", Was: was.Folder, Now: p.Folder}
		}
		return compare(was)
	})
}

// identity is what a lock says of a plugin. A folder that is another one than before the plugin was started is an error.
func (s *served) identity(description string) (installed.Locked, error) {
	folder, err := installed.HashFolder(s.dir)
	if err == nil && folder != s.folder {
		err = errors.New("its folder changes while it runs, so that a lock cannot hold it: what it writes belongs into the temporary folder")
	}
	return installed.Locked{Name: s.name, Version: s.manifest.Version, Folder: folder, Description: installed.HashText(description)}, err
}

// Identify asks the plugin of a name what it has and returns what a lock says of it as it is now, whatever one says. The plugin is that of
// Options.Dev or of Options.Places.
func (h *Host) Identify(ctx context.Context, plugin string) (installed.Locked, error) {
	fail := func(err error) (installed.Locked, error) {
		return installed.Locked{}, &Failure{Plugin: plugin, Call: describeCall.name, Err: err}
	}
	s := newServed(plugin)
	_, err := h.open(s)
	if err == nil {
		s.folder, err = installed.HashFolder(s.dir)
	}
	if err != nil {
		return fail(err)
	}
	defer s.close()
	_, text, err := h.describe(ctx, s, "")
	if err != nil {
		return installed.Locked{}, err
	}
	now, err := s.identity(text)
	if err != nil {
		return fail(err)
	}
	return now, nil
}
