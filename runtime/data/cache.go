package data

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"snnc.dev/snnc/runtime/data/picture"
	"snnc.dev/snnc/runtime/data/stored"
	"snnc.dev/snnc/runtime/record/wholefile"
)

const (
	maxMemory = 1 << 30   // bytes of pixels that a set keeps in memory; more are mapped from a file
	maxBytes  = 256 << 30 // of pixels that a set has
	maxAhead  = 64 << 20  // of those in memory, for which room is made before they are there
	block     = 256       // examples that are read at a time
)

// take reads the chosen examples of a set: into memory, or where that takes long or is too much into a file of the cache, unless it
// is there already.
func (s *Set) take(ctx context.Context, e *stored.Examples, chosen []int) error {
	size := s.image.Size()
	total := len(chosen) * size
	switch {
	case len(chosen) > maxBytes/size:
		return &Error{Set: s.Name(), Summary: fmt.Sprintf("%d images of %dx%d are more than %d GiB", len(chosen), s.arguments.height, s.arguments.width, maxBytes>>30),
			Help: "make `size` smaller, or `take` fewer"}
	case e.Costly || total > maxMemory && e.Stamp != "":
		return s.cached(ctx, e, chosen)
	}
	// Images are there before room is made for them, beyond some: a file that ends early costs no more than it holds.
	var b bytes.Buffer
	b.Grow(min(total, maxAhead))
	if err := s.read(ctx, e, chosen, &b); err != nil {
		return err
	}
	s.pixels = b.Bytes()
	return nil
}

// cached maps the file of the cache that holds the pixels of the chosen examples, which it makes first where there is none.
func (s *Set) cached(ctx context.Context, e *stored.Examples, chosen []int) error {
	folder, err := cacheFolder()
	if err != nil {
		return &Error{Set: s.Name(), Summary: "there is no folder for decoded images", Help: "set XDG_CACHE_HOME to a folder", Err: err}
	}
	h := sha256.New()
	fmt.Fprintf(h, "snnc pixels 2\n%s\n%+v\n%d\n", e.Stamp, s.arguments.change, chosen)
	path := filepath.Join(folder, hex.EncodeToString(h.Sum(nil))+cacheSuffix)
	size := len(chosen) * s.image.Size()
	if s.pixels, err = mapPixels(path, size); err == nil {
		return nil
	}
	err = wholefile.Write(path, func(w io.Writer) error {
		sum := crc32.New(castagnoli())
		if err := s.read(ctx, e, chosen, io.MultiWriter(w, sum)); err != nil {
			return err
		}
		_, err := w.Write(binary.BigEndian.AppendUint32([]byte(cacheMagic), sum.Sum32()))
		return err
	})
	if err == nil {
		s.pixels, err = mapPixels(path, size)
	}
	var known *Error
	switch {
	case errors.As(err, &known):
		return known
	case err != nil && ctx.Err() == nil:
		return &Error{Set: s.Name(), Summary: "decoded images cannot be kept in " + folder, Help: "make room there, or set XDG_CACHE_HOME to another folder", Err: err}
	}
	return err
}

// A file of the cache is the pixels of a set, then the magic and the CRC-32C of the pixels, big-endian.
const (
	cacheSuffix = ".pixels"
	cacheMagic  = "snnc pixels 1\n"
	trailer     = len(cacheMagic) + 4
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// cacheFolder is where decoded images are kept.
func cacheFolder() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "snnc", "data"), nil
}

// mapPixels returns the pixels in a file of the cache, which stay mapped until the process ends. A file that is damaged is an
// error.
func mapPixels(path string, size int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != int64(size+trailer) {
		return nil, fmt.Errorf("%s has %d bytes, not %d", path, info.Size(), size+trailer)
	}
	b, err := mapFile(f, size+trailer)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	want := binary.BigEndian.AppendUint32([]byte(cacheMagic), crc32.Checksum(b[:size], castagnoli()))
	if !bytes.Equal(b[size:], want) {
		return nil, fmt.Errorf("%s is damaged", path)
	}
	return b[:size:size], nil
}

// Forget removes the decoded images that Open keeps, and returns how many bytes they took. Nobody may be reading a data set at the
// time.
func Forget() (int64, error) {
	folder, err := cacheFolder()
	if err != nil {
		return 0, nil
	}
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	freed := int64(0)
	for _, f := range files {
		if filepath.Ext(f.Name()) != cacheSuffix {
			continue
		}
		if info, infoErr := f.Info(); infoErr == nil {
			freed += info.Size()
		}
		err = errors.Join(err, os.Remove(filepath.Join(folder, f.Name())))
	}
	err = errors.Join(err, wholefile.Clean(folder, "*"+cacheSuffix))
	if err != nil {
		return freed, fmt.Errorf("remove decoded images: %w", err)
	}
	return freed, nil
}

// read writes the pixels of the chosen examples to w, in order.
func (s *Set) read(ctx context.Context, e *stored.Examples, chosen []int, w io.Writer) error {
	if e.At != nil {
		return s.readAny(ctx, e, chosen, w)
	}
	var p picture.Picture
	changer, pixels := picture.NewChanger(s.arguments.change), make([]byte, s.image.Size())
	for i := range e.Count {
		if i%1000 == 0 && ctx.Err() != nil {
			return fmt.Errorf("read data set `%s`: %w", s.Name(), context.Cause(ctx))
		}
		if err := e.Next(&p); err != nil {
			return s.collection.bad(err)
		}
		if len(chosen) == 0 || chosen[0] != i {
			continue
		}
		chosen = chosen[1:]
		if err := changer.Change(pixels, &p); err != nil {
			return s.unchanged(i, err)
		}
		if _, err := w.Write(pixels); err != nil {
			return err
		}
	}
	if err := e.End(); err != nil {
		return s.collection.bad(err)
	}
	return nil
}

// unchanged returns the error of a picture that could not be changed.
func (s *Set) unchanged(i int, err error) error {
	return &Error{Set: s.Name(), Summary: fmt.Sprintf("image %d: %v", i+1, err), Help: "make `crop` smaller"}
}

// readAny reads examples that can be read in any order, on all processors, block by block.
func (s *Set) readAny(ctx context.Context, e *stored.Examples, chosen []int, w io.Writer) error {
	size := s.image.Size()
	pixels := make([]byte, block*size)
	workers := runtime.GOMAXPROCS(0)
	changers, pictures := make([]*picture.Changer, workers), make([]picture.Picture, workers)
	for k := range changers {
		changers[k] = picture.NewChanger(s.arguments.change)
	}
	for part := range slices.Chunk(chosen, block) {
		if ctx.Err() != nil {
			return fmt.Errorf("read data set `%s`: %w", s.Name(), context.Cause(ctx))
		}
		failed := make([]error, len(part))
		var all sync.WaitGroup
		for k := range workers {
			all.Go(func() {
				for j := k; j < len(part); j += workers {
					if err := e.At(part[j], &pictures[k]); err != nil {
						failed[j] = s.collection.bad(err)
					} else if err := changers[k].Change(pixels[j*size:(j+1)*size], &pictures[k]); err != nil {
						failed[j] = s.unchanged(part[j], err)
					}
				}
			})
		}
		all.Wait()
		for _, err := range failed { // the first one, whichever was found first
			if err != nil {
				return err
			}
		}
		if _, err := w.Write(pixels[:len(part)*size]); err != nil {
			return err
		}
	}
	return nil
}
