package data

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"snnc.dev/snnc/runtime/record/wholefile"
)

const (
	maxFetch = 15 * time.Minute // for a download
	maxFile  = 256 << 20        // bytes of a file that is copied
)

// Fetch brings the files of a data set into the folder dir/name and verifies each by its SHA-256: from the Go module that has
// them, through the command go, or from where the package of the system installs them. progress is told of each step, in a
// line. An *Error says what to do where there is no way. Until all files are there and right, dir/name is as it was; a fetch that
// was killed leaves a folder name.*.tmp, which the next one removes.
func Fetch(ctx context.Context, name, dir string, progress func(string)) error {
	c, err := find(name)
	if err != nil {
		return err
	}
	return c.fetch(ctx, dir, progress)
}

func (c *collection) fetch(ctx context.Context, dir string, progress func(string)) error {
	switch {
	case c.kind == embeddedKind || c.kind == drawnKind:
		progress(fmt.Sprintf("`%s` is part of snnc: there is nothing to fetch", c.name))
		return nil
	case c.kind == arraysKind || c.kind == folderKind:
		return &Error{Set: c.name, Summary: "there is nothing to fetch: the spec names its files"}
	case !c.fetchable():
		return &Error{Set: c.name, Summary: "no package has it", Help: c.get()}
	}
	target := filepath.Join(dir, c.name)
	if c.whole(target) {
		progress(fmt.Sprintf("`%s` is there already: %s", c.name, target))
		return nil
	}
	folder, err := c.source(ctx, target, progress)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &Error{Set: c.name, Summary: "it cannot be put into " + dir, Help: "name another folder: `--data DIR`", Err: err}
	}
	c.clean(dir)
	stage, err := os.MkdirTemp(dir, c.name+".*.tmp")
	if err != nil {
		return &Error{Set: c.name, Summary: "it cannot be put into " + dir, Help: "name another folder: `--data DIR`", Err: err}
	}
	defer os.RemoveAll(stage)
	if err := os.Chmod(stage, 0o755); err != nil {
		return fmt.Errorf("fetch data set `%s`: %w", c.name, err)
	}
	for _, f := range c.files {
		if err := c.copy(ctx, f, folder, stage); err != nil {
			return err
		}
		progress(fmt.Sprintf("%s: copied, SHA-256 verified", f.name))
	}
	if err := c.publish(stage, target); err != nil {
		return fmt.Errorf("fetch data set `%s`: %w", c.name, err)
	}
	progress(fmt.Sprintf("`%s` is there: %s", c.name, target))
	return nil
}

// clean removes what killed fetches left.
func (c *collection) clean(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), c.name+".") && strings.HasSuffix(e.Name(), ".tmp") && e.IsDir() {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
}

// publish gives the folder of verified files its name. Where there is such a folder already, its files are replaced one by
// one.
func (c *collection) publish(stage, target string) error {
	if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(stage, target); err != nil {
			return err
		}
		return wholefile.SyncFolder(filepath.Dir(target))
	}
	for _, f := range c.files {
		if err := os.Rename(filepath.Join(stage, f.name), filepath.Join(target, f.name)); err != nil {
			return err
		}
	}
	return wholefile.SyncFolder(target)
}

// whole reports whether folder has all files as published.
func (c *collection) whole(folder string) bool {
	for _, f := range c.files {
		in, err := os.Open(filepath.Join(folder, f.name))
		if err != nil {
			return false
		}
		h := sha256.New()
		_, err = io.Copy(h, io.LimitReader(in, maxFile))
		in.Close()
		if err != nil || hex.EncodeToString(h.Sum(nil)) != f.sha256 {
			return false
		}
	}
	return true
}

// copy copies a file whole, and reports an error where it is not as published.
func (c *collection) copy(ctx context.Context, f file, from, to string) error {
	in, err := os.Open(filepath.Join(from, f.name))
	if err != nil {
		return &Error{Set: c.name, Summary: fmt.Sprintf("`%s` is missing in %s", f.name, from), Help: c.byHand(), Err: err}
	}
	defer in.Close()
	var wrong error
	err = wholefile.Write(filepath.Join(to, f.name), func(w io.Writer) error {
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(in, maxFile)); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != f.sha256 {
			wrong = &Error{Set: c.name, Summary: fmt.Sprintf("%s is not the published file: its SHA-256 is %s, not %s", filepath.Join(from, f.name), got, f.sha256), Help: c.byHand()}
			return wrong
		}
		return ctx.Err()
	})
	if err != nil {
		return cmp.Or(wrong, fmt.Errorf("fetch data set `%s`: %w", c.name, err))
	}
	return nil
}

// byHand says how to get the files without Fetch.
func (c *collection) byHand() string {
	var names []string
	for _, f := range c.files {
		names = append(names, f.name)
	}
	from := "of " + c.doc
	switch {
	case c.origin.module != "":
		from = fmt.Sprintf("of the folder data of the Go module %s", c.origin.module)
	case c.origin.debian != "":
		from = fmt.Sprintf("that Debian's package %s installs in %s", c.origin.debian, c.origin.folder)
	}
	return fmt.Sprintf("put the files %s into DIR/%s and say `--data DIR`; they are those %s", strings.Join(names, ", "), c.name, from)
}

// source returns a folder that has the files.
func (c *collection) source(ctx context.Context, target string, progress func(string)) (string, error) {
	if c.origin.folder != "" {
		if info, err := os.Stat(c.origin.folder); err == nil && info.IsDir() {
			return c.origin.folder, nil
		}
	}
	if c.origin.module == "" {
		return "", &Error{Set: c.name, Summary: fmt.Sprintf("the package %s is not installed", c.origin.debian),
			Help: fmt.Sprintf("on Debian and its kin `apt install %s`, then fetch again; elsewhere %s", c.origin.debian, c.byHand())}
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", &Error{Set: c.name, Summary: "it is fetched by the command `go`, which is not installed", Help: "install Go, or " + c.byHand()}
	}
	progress(fmt.Sprintf("`%s`: go mod download %s@%s, to %s", c.name, c.origin.module, c.origin.version, target))
	return c.download(ctx)
}

// download has the command go get the module and returns the folder with its files, in go's module cache.
func (c *collection) download(ctx context.Context) (string, error) {
	empty, err := os.MkdirTemp("", "snnc-fetch-")
	if err != nil {
		return "", fmt.Errorf("fetch data set `%s`: %w", c.name, err)
	}
	defer os.RemoveAll(empty)
	ctx, cancel := context.WithTimeoutCause(ctx, maxFetch, fmt.Errorf("no answer in %v", maxFetch))
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", c.origin.module+"@"+c.origin.version)
	// A folder without go.mod, and no flags or work file from around: the module is asked for by its version alone.
	cmd.Dir = empty
	cmd.Env = append(os.Environ(), "GO111MODULE=on", "GOWORK=off", "GOFLAGS=", "PWD="+empty)
	cmd.WaitDelay = 5 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	ran := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("fetch data set `%s`: go mod download: %w", c.name, context.Cause(ctx))
	}
	var answer struct{ Dir, Error string }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil && ran == nil {
		ran = fmt.Errorf("understand its answer: %w", err)
	}
	if answer.Error != "" {
		ran = errors.New(answer.Error)
	} else if ran == nil && answer.Dir == "" {
		ran = errors.New("it names no folder")
	}
	if ran != nil {
		text := strings.TrimSpace(said.String())
		if text != "" && answer.Error == "" {
			ran = fmt.Errorf("%w: %s", ran, text[max(0, len(text)-1000):])
		}
		return "", &Error{Set: c.name, Summary: "`go mod download` failed", Help: "see that the module proxy can be reached (`go env GOPROXY`), or " + c.byHand(), Err: ran}
	}
	return filepath.Join(answer.Dir, "data"), nil
}
