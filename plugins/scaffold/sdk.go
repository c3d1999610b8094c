package scaffold

import (
	"io/fs"
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
