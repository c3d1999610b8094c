package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/plugins"
	"snnc.dev/snnc/runtime"
)

// sdkFolder is where a plugin in Go has the SDK, a module that its own has in the place of snnc.dev/snnc.
const sdkFolder = "sdk"

// sdk returns the files of the SDK by their paths in a plugin's folder.
func sdk(language string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if language == Python {
		return files, each(plugins.Source(), "python/snnc", func(name string, text []byte) error {
			files["snnc/"+name] = text
			return nil
		})
	}
	for folder, source := range map[string]fs.FS{"dsl": dsl.Source(), "plugins": plugins.Source(), "runtime": runtime.Source()} {
		err := each(source, ".", func(name string, text []byte) error {
			if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				files[sdkFolder+"/"+folder+"/"+name] = text
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for name, from := range map[string]string{"go.mod": "text/sdk/mod", "go.sum": "text/go/sum"} { // the sums are for editors, which look at the SDK by itself
		text, err := programs.ReadFile(from)
		if err != nil {
			return nil, err
		}
		files[sdkFolder+"/"+name] = text
	}
	return files, nil
}

// Complete lays the SDK into the folder of a plugin in Go that is to have it there, as Write's are, and has not: what is downloaded as a Go
// module comes without the folders that are modules themselves. This SDK leaves the versions of what it imports to the plugin's go.mod.
func Complete(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("complete the plugin: %w", err)
	}
	if !slices.Contains(strings.Split(string(text), "\n"), "replace snnc.dev/snnc => ./"+sdkFolder) {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(dir, sdkFolder)); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	files, err := sdk(Go)
	if err == nil {
		mod, _, _ := strings.Cut(string(files[sdkFolder+"/go.mod"]), "\nrequire")
		files[sdkFolder+"/go.mod"] = []byte(mod)
		err = write(dir, files)
	}
	if err != nil {
		return fmt.Errorf("complete the plugin: %w", err)
	}
	return nil
}
