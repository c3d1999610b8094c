package installed

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
)

// Limits are how much of a folder is hashed.
type Limits struct {
	Files int   // files, links and folders
	Bytes int64 // of the contents of files
}

// lockLimits are those of a plugin that is locked: an environment with PyTorch has 30,000 files and 5 GB.
var lockLimits = Limits{Files: 200_000, Bytes: 16 << 30}

// ErrTooLarge is what Hash returns for a folder over the limits.
var ErrTooLarge = errors.New("it is too large to be hashed")

// HashFolder returns the hash of a plugin's folder as a lock has it: "sha256:" and 64 hexadecimal digits.
func HashFolder(dir string) (string, error) {
	sum := sha256.New()
	err := Hash(sum, dir, lockLimits)
	if errors.Is(err, ErrTooLarge) {
		err = tooLarge(lockLimits)
	}
	if err != nil {
		return "", fmt.Errorf("hash the plugin's folder %s: %w", dir, err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// tooLarge says how much is too much.
func tooLarge(l Limits) error {
	return fmt.Errorf("%w: over %d files or %d GB; keep what the plugin does not need out of its folder", ErrTooLarge, l.Files, l.Bytes>>30)
}

// HashText returns the hash of a text in the form of HashFolder.
func HashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Hash hashes all that is in a folder except its folder .git, in lexical order: the paths below it, whether each is a file, one that
// may be executed, a link or a folder, what is in the files, and where links lead. Times, owners and the other bits of modes are
// not in it, so that a copy has the hash of the original; neither is what lies outside and is led to by a link. Anything else in the
// folder, such as a pipe, is an error.
func Hash(sum hash.Hash, dir string, limits Limits) error {
	dir, err := filepath.EvalSymlinks(dir) // the walk would not follow it
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path == filepath.Join(dir, ".git") {
			return fs.SkipDir
		}
		if limits.Files--; limits.Files < 0 {
			return ErrTooLarge
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			fmt.Fprintf(sum, "folder %q\n", name)
		case mode&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(sum, "link %q %q\n", name, to)
		case mode.IsRegular():
			kind := "file"
			if mode&0o111 != 0 {
				kind = "program"
			}
			fmt.Fprintf(sum, "%s %q\n", kind, name)
			n, err := HashFile(sum, path, limits.Bytes)
			limits.Bytes -= n
			return err
		default:
			return fmt.Errorf("%s is neither a file nor a folder nor a link", name)
		}
		return nil
	})
}

// HashFile hashes the content of a file of at most limit bytes, and its length behind it, and returns the length.
func HashFile(sum hash.Hash, path string, limit int64) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > limit {
		return 0, ErrTooLarge
	}
	n, err := io.Copy(sum, io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = ErrTooLarge
	}
	fmt.Fprintf(sum, "\n%d\n", n)
	return n, err
}
