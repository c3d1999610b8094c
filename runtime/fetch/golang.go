package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/host"
)

// prepareGo lets the Go command download what the module in a folder needs, where there is one, and returns what a build reads of it
// besides, and its environment, with which it needs no network. Nothing in the folder is executed.
func prepareGo(ctx context.Context, dir string) (read, env []string, err error) {
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, nil, nil // something else may build it, and if not it is the build that fails
	}
	var at struct{ GOROOT, GOMODCACHE, GOFLAGS, GOTOOLCHAIN string }
	if err := goJSON(ctx, dir, nil, &at, "env", "-json", "GOROOT", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN"); err != nil {
		return nil, nil, err
	}
	var first struct{ GOROOT string } // of the command in PATH, which may call the one of another version
	if err := goJSON(ctx, os.TempDir(), []string{"GOTOOLCHAIN=local"}, &first, "env", "-json", "GOROOT"); err != nil {
		return nil, nil, err
	}
	read = []string{at.GOROOT, first.GOROOT, at.GOMODCACHE}
	flags := at.GOFLAGS + " -buildvcs=false" // there is no Git in there
	if _, err := os.Stat(filepath.Join(dir, "vendor", "modules.txt")); err != nil {
		own, err := replaced(ctx, dir)
		if err != nil {
			return nil, nil, err
		}
		read = append(read, own...)
		if _, err := goCommand(ctx, dir, nil, "mod", "download"); err != nil {
			return nil, nil, fmt.Errorf("%w\nwith a folder vendor, which `go mod vendor` makes, nothing is downloaded", err)
		}
		flags += " -mod=readonly"
	}
	return read, []string{"GOMODCACHE=" + at.GOMODCACHE, "GOFLAGS=" + strings.TrimSpace(flags), "GOTOOLCHAIN=" + at.GOTOOLCHAIN, "GOPROXY=off", "GOWORK=off",
		"GOENV=off"}, nil
}

// replaced returns the folders of modules that the one in a folder puts in the place of others, where they lie outside: one under development
// uses a checkout of the SDK so. A folder without a go.mod of its own is no module, and is not let be read.
func replaced(ctx context.Context, dir string) (out []string, err error) {
	var mod struct {
		Require []struct{ Path string }
		Replace []struct {
			Old struct{ Path string }
			New struct{ Path, Version string }
		}
	}
	if err := goJSON(ctx, dir, nil, &mod, "mod", "edit", "-json"); err != nil {
		return nil, err
	}
	for _, r := range mod.Replace {
		path := r.New.Path
		if r.New.Version != "" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if st, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && st.Mode().IsRegular() {
			out = append(out, path)
			continue
		}
		if !slices.Contains(mod.Require, r.Old) {
			continue
		}
		return nil, fmt.Errorf("go.mod puts %s in the place of %s, and there is no module; what is downloaded as a Go module lacks the folders that are modules themselves: get the plugin as an archive or a folder",
			r.New.Path, r.Old.Path)
	}
	return out, nil
}

// downloadModule has the Go command download a module, PATH or PATH@VERSION, and check its sum as the user has it set. It returns the folder
// in the module cache, which is not to be changed, and the version with the sum.
func downloadModule(ctx context.Context, module string) (dir, version string, err error) {
	if !strings.Contains(module, "@") {
		module += "@latest"
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", "", fmt.Errorf("download the Go module %s: there is no go command in PATH; with an archive or a folder none is needed", module)
	}
	apart, err := os.MkdirTemp("", "snnc-module-*") // no go.mod of the current folder counts
	if err != nil {
		return "", "", fmt.Errorf("download the Go module %s: %w", module, err)
	}
	defer os.RemoveAll(apart)
	var got struct{ Dir, Version, Sum, Error string }
	err = goJSON(ctx, apart, nil, &got, "mod", "download", "-json", module)
	if got.Error != "" {
		err = errors.New(strings.Join(host.LastLines([]byte(got.Error)), "\n  "))
	}
	if err == nil && got.Dir == "" {
		err = errors.New("the go command does not say where it is")
	}
	if err != nil {
		return "", "", fmt.Errorf("download the Go module %s: %w", module, err)
	}
	return got.Dir, got.Version + " (" + got.Sum + ")", nil
}

// goJSON runs the Go command and reads what it prints, also where it fails.
func goJSON(ctx context.Context, dir string, env []string, into any, args ...string) error {
	out, err := goCommand(ctx, dir, env, args...)
	if bad := json.Unmarshal(out, into); err == nil && bad != nil {
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), bad)
	}
	return err
}

// goCommand runs the Go command outside of all walls, and returns what it prints on standard output.
func goCommand(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err != nil:
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
		for _, line := range host.LastLines(errs.Bytes()) {
			err = fmt.Errorf("%w\n  %s", err, line)
		}
	}
	return out.Bytes(), err
}
