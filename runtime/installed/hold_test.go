package installed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lockedBy makes the test binary a process that puts some plugins into the lock LOCK, one after the other: LOCK NAME.
const lockedBy = "lock"

const perProcess = 8

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == lockedBy {
		for i := range perProcess {
			p := locked(fmt.Sprintf("%s/p%d", os.Args[3], i))
			err := ChangeLock(context.Background(), os.Args[2], func(l *Lock) error {
				l.Put(p)
				return nil
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func locked(name string) Locked {
	return Locked{Name: name, Version: "1.0.0", Folder: HashText("folder " + name), Description: HashText(name)}
}

// What many processes put into a lock at once is all in it. Without a lock on it each writes over what the others have added.
func TestChangeLockAtOnce(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sub", LockName)
	const processes = 12
	var all []*exec.Cmd
	for i := range processes {
		c := exec.Command(self, lockedBy, path, fmt.Sprintf("o%d", i))
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	l, err := ReadLock(path)
	if err != nil || len(l.Plugins) != processes*perProcess {
		t.Fatalf("%d plugins are in the lock, want %d: %v", len(l.Plugins), processes*perProcess, err)
	}
	for _, p := range l.Plugins {
		if p != locked(p.Name) {
			t.Errorf("%+v", p)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("besides the lock there are %v %v", left, err)
	}
}

// An error of the change leaves the lock as it is. A folder is held by one at a time, and waiting can be called off.
func TestHoldFolder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, LockName)
	no := errors.New("no")
	err := ChangeLock(context.Background(), path, func(l *Lock) error {
		l.Put(locked("a/b"))
		return no
	})
	if _, there := os.Stat(path); err != no || there == nil {
		t.Errorf("%v; the lock is there: %v", err, there == nil)
	}
	release, err := HoldFolder(context.Background(), dir, func() { t.Error("nobody else holds it") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	told := 0
	if _, err := HoldFolder(ctx, dir, func() { told++; cancel() }); !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("%v, told %d times", err, told)
	}
	gone, end := context.WithCancel(context.Background())
	end()
	if err := ChangeLock(gone, path, func(*Lock) error { t.Error("it is changed"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a lock that somebody else changes, for who waits no more: %v", err)
	}
	time.AfterFunc(5*holdPause, release)
	again, err := HoldFolder(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := HoldFolder(context.Background(), filepath.Join(dir, "gone"), nil); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Error(err)
	}
}
