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
func (h *Host) hold(s *served, description string) error {
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
	now := installed.HashText(description)
	if was, ok := lock.Find(s.name); ok {
		if was.Description != now {
			return &installed.Changed{Name: s.name, Lock: path, What: "description", Was: was.Description, Now: now}
		}
		return nil
	}
	p, err := s.identity(description)
	if err != nil {
		return err
	}
	return installed.ChangeLock(path, func(l *installed.Lock) { l.Put(p) })
}

// identity is what a lock says of a plugin. A folder that is another one than before the plugin was started is an error.
func (s *served) identity(description string) (installed.Locked, error) {
	folder, err := installed.HashFolder(s.dir)
	if err == nil && folder != s.folder {
		err = errors.New("its folder changes while it runs, so that a lock cannot hold it: what it writes belongs into the temporary folder")
	}
	return installed.Locked{Name: s.name, Version: s.manifest.Version, Folder: folder, Description: installed.HashText(description)}, err
}

// Relock asks a plugin what it has and says in the lock that it is what it is now, whatever was said before. It returns what
// was said before, the zero value where nothing was, and what is said now.
func (h *Host) Relock(ctx context.Context, plugin string) (was, now installed.Locked, err error) {
	fail := func(err error) error { return &Failure{Plugin: plugin, Call: describeCall.name, Err: err} }
	path := h.o.Places.Lock
	dir, ok := h.o.Places.Find(plugin)
	if !ok || path == "" {
		return was, now, fail(errors.New("there is no such plugin"))
	}
	s := newServed(plugin)
	if err = s.open(dir); err == nil {
		s.folder, err = installed.HashFolder(s.dir)
	}
	if err != nil {
		return was, now, fail(err)
	}
	defer s.close()
	_, text, err := h.describe(ctx, s, "")
	if err != nil {
		return was, now, err
	}
	if now, err = s.identity(text); err != nil {
		return was, now, fail(err)
	}
	h.holding.Lock()
	defer h.holding.Unlock()
	err = installed.ChangeLock(path, func(l *installed.Lock) {
		was, _ = l.Find(plugin)
		l.Put(now)
	})
	return was, now, err
}
