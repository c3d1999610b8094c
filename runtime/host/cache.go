package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/record/wholefile"
)

// The limits of a plugin's folder whose description is kept; reading a larger one takes longer than asking the plugin. Of
// descriptions, the newest maxKept are kept.
const (
	maxFolderBytes = 256 << 20
	maxFolderFiles = 10_000
	maxKept        = 100
)

// errTooLarge is the end of a walk through a folder over the limits.
var errTooLarge = errors.New("too large to be hashed")

// key returns the name under which the plugin's description is kept: a hash of its command and the content of its files, and
// of the version of the protocol. It is "" where these cannot be read or are too many.
func (s *served) key() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "protocol %d\n%d\n", proto.Version, len(s.argv))
	for _, word := range s.argv {
		fmt.Fprintf(sum, "%q\n", word)
	}
	var err error
	if s.dir == "" {
		_, err = hashFile(sum, s.argv[0], maxFolderBytes)
	} else {
		err = hashFolder(sum, s.dir, maxFolderFiles, maxFolderBytes)
	}
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// hashFolder hashes names, modes and contents of all that is in a folder, up to a number of files and bytes.
func hashFolder(sum hash.Hash, dir string, files int, left int64) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error { // in lexical order
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == ".git" {
			return fs.SkipDir
		}
		if files--; files < 0 {
			return errTooLarge
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %v\n", name, info.Mode())
		switch {
		case info.Mode().IsRegular():
			var n int64
			n, err = hashFile(sum, path, left)
			left -= n
		case info.Mode()&fs.ModeSymlink != 0:
			var to string
			if to, err = os.Readlink(path); err == nil {
				fmt.Fprintf(sum, "%q\n", to)
			}
		}
		return err
	})
}

// hashFile hashes the content of a file of at most limit bytes, and its length behind it.
func hashFile(sum hash.Hash, path string, limit int64) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > limit {
		return 0, errTooLarge
	}
	n, err := io.Copy(sum, io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = errTooLarge
	}
	fmt.Fprintf(sum, "\n%d\n", n)
	return n, err
}

// A kept description is a line with the hash of what follows, and the plugin's reply.
const keptHeading = "snnc description 1 sha256 "

// recall returns a description that is kept; an entry that is torn, or makes no sense any more, is none.
func (h *Host) recall(s *served, key string) (schema.Plugin, bool) {
	if key == "" {
		return schema.Plugin{}, false
	}
	text, err := os.ReadFile(h.kept(key))
	if err != nil {
		return schema.Plugin{}, false
	}
	head, body, _ := strings.Cut(string(text), "\n")
	if head != heading(body) {
		return schema.Plugin{}, false
	}
	p, err := judgePlugin(body, s.manifest)
	return p, err == nil
}

// remember keeps a description, unless the plugin's files changed since key was taken. A folder that cannot be written keeps
// nothing, and the next call asks the plugin.
func (h *Host) remember(s *served, key, body string) {
	if key == "" || s.key() != key {
		return
	}
	if wholefile.WriteBytes(h.kept(key), []byte(heading(body)+"\n"+body)) != nil {
		return
	}
	old, _ := filepath.Glob(h.kept("*"))
	if len(old) <= maxKept {
		return
	}
	written := func(path string) (t time.Time) {
		if st, err := os.Stat(path); err == nil {
			t = st.ModTime()
		}
		return t
	}
	slices.SortFunc(old, func(a, b string) int { return written(a).Compare(written(b)) })
	for _, path := range old[:len(old)-maxKept] {
		os.Remove(path)
	}
}

func (h *Host) kept(key string) string { return filepath.Join(h.o.Cache, key+".json") }

func heading(body string) string {
	sum := sha256.Sum256([]byte(body))
	return keptHeading + hex.EncodeToString(sum[:])
}
