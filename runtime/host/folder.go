package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A host's sockets lie in a folder of its own in the folder for temporary files, its arenas in another one whose files lie in memory,
// or in the first. Whether its host lives is told by a lock on a file in it, which has its name only when it is locked: the system gives the
// lock up when the process ends, however it ends, and the next host removes the folder at once, for arenas are memory.
const (
	folderPattern = "snnc-host-*"
	lockName      = "snnc-host.lock"
	unlockedName  = "snnc-host.new" // of the file before it is locked
	socketFolders = "plugin-dir*"   // of processes; go-plugin makes them
	arenaName     = "arena-"        // and a number
	arenaFolder   = "arenas"        // among the temporary files
	// untouched is the age from which a folder without a lock's file is taken for a leftover: a host is not that long between making
	// its folder and locking it.
	untouched = time.Minute
	// A socket's path ends in /snnc-host-NUMBER/plugin-dirNUMBER/pluginNUMBER with numbers of ten digits; the system takes 103
	// bytes at least, and Linux 107.
	longestSocket = 103
	restOfSocket  = len("/snnc-host-0123456789/plugin-dir0123456789/plugin0123456789")
)

// folder is the private folder of a host that runs processes.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes a private folder in another one and removes those that dead hosts left there.
func newFolder(base string) (*folder, error) {
	clean(base)
	dir, err := os.MkdirTemp(base, folderPattern)
	if err != nil {
		return nil, fmt.Errorf("make a private folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, unlockedName), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		if err = errors.Join(flock(lock), os.Rename(lock.Name(), filepath.Join(dir, lockName))); err != nil {
			lock.Close()
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("lock a private folder: %w", err)
	}
	return &folder{dir, lock}, nil
}

// remove removes the folder.
func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	return errors.Join(err, f.lock.Close())
}

// clean removes the folders of dead hosts of this user: what a host makes there, and the folder if nothing else is in it.
func clean(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, folderPattern))
	for _, dir := range dirs {
		var st unix.Stat_t
		if unix.Lstat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Getuid() {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
		if os.IsNotExist(err) {
			if time.Since(time.Unix(st.Mtim.Unix())) >= untouched { // it was just being made, or removed, by a host that died
				os.Remove(filepath.Join(dir, unlockedName))
				os.Remove(dir)
			}
			continue
		}
		if err != nil {
			continue
		}
		if flock(lock) == nil {
			sweep(dir)
		}
		lock.Close()
	}
}

// sweep removes the arenas, the folders of processes and the lock file of a dead host, and its folders where these were all.
func sweep(dir string) {
	for _, in := range []string{dir, filepath.Join(dir, arenaFolder)} {
		arenas, _ := filepath.Glob(filepath.Join(in, arenaName+"*"))
		for _, path := range arenas {
			if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() {
				os.Remove(path)
			}
		}
	}
	os.Remove(filepath.Join(dir, arenaFolder))
	folders, _ := filepath.Glob(filepath.Join(dir, socketFolders))
	for _, f := range folders {
		os.RemoveAll(f) // with the temporary files of its process
	}
	os.Remove(filepath.Join(dir, lockName))
	os.Remove(dir)
}

// flock locks a file, or fails at once where somebody else has.
func flock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
