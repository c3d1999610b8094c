package installed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"
)

// ManifestName is the name of the manifest in a plugin's folder.
const ManifestName = "snn-plugin.toml"

// MaxManifest is the size in bytes of the largest manifest.
const MaxManifest = 64 << 10

// Manifest says what the plugin in a folder is and how it is started.
type Manifest struct {
	Name    string   // as specs write it in `use`: OWNER/NAME, or NAME
	Version string   // MAJOR.MINOR.PATCH
	Command []string // the first word is a path in the folder, or the name of an interpreter found in PATH

	Requires int      // the version of the protocol that it speaks; 0: what the handshake says
	Language string   // that it is written in, such as "Go"; "" where it does not say
	Build    []string // the command that makes it, as Command is written and run in the folder; none where there is nothing to make
}

var (
	pluginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$`)
	language   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+#.-]{0,31}$`)
	version    = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)
)

// ReadManifest reads the manifest of the plugin in a folder.
func ReadManifest(dir string) (Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	text, err := readText(path, MaxManifest)
	var m Manifest
	if err == nil {
		m, err = ParseManifest(text)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read the plugin's manifest %s: %w", path, err)
	}
	return m, nil
}

// keys are those of a manifest.
const keys = "name, version, command, requires, language and build"

// ParseManifest reads the text of a manifest: TOML with the keys name, version and command, which have to be there, requires,
// language and build, which need not, and no others. An error names the line.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	var values map[string]toml.Primitive
	md, err := toml.Decode(string(text), &values)
	if err != nil {
		return Manifest{}, err
	}
	for _, key := range md.Keys() { // in the order of the file
		if len(key) > 1 { // a dotted key: what stands in a table comes behind the table's name, which is refused
			return Manifest{}, fmt.Errorf("toml: %q is a table, the keys are %s", key[0], keys)
		}
		value := values[key[0]]
		// The decoder knows the line of a key and tells it with the errors of decoding its value only.
		fail := func(format string, args ...any) error {
			return md.PrimitiveDecode(value, refusal{fmt.Errorf(format, args...)})
		}
		text := func(into *string) error {
			if md.PrimitiveDecode(value, into) != nil {
				return fail("it has to be a text in quotes, as %s = %q", key[0], map[string]string{"name": "acme/leap", "version": "0.3.1", "language": "Go"}[key[0]])
			}
			return nil
		}
		words := func(into *[]string) error {
			var line string
			switch {
			case md.PrimitiveDecode(value, into) == nil:
				return nil
			case md.PrimitiveDecode(value, &line) == nil:
				return fail("a command is a list of words: write %s = %s", key[0], list(strings.Fields(line)))
			}
			return fail(`a command is a list of words in quotes, as %s = ["python3", "main.py"]`, key[0])
		}
		switch key[0] {
		case "name":
			err = text(&m.Name)
			if err == nil {
				if bad := CheckName(m.Name); bad != nil {
					err = fail("%w", bad)
				}
			}
		case "version":
			err = text(&m.Version)
			if err == nil && !version.MatchString(m.Version) {
				err = fail("%q is no version, such as 0.3.1", m.Version)
			}
		case "command":
			if err = words(&m.Command); err == nil {
				if bad := commandFault(m.Command); bad != nil {
					err = fail("%w", bad)
				}
			}
		case "requires":
			if md.PrimitiveDecode(value, &m.Requires) != nil {
				err = fail("it has to be a number without quotes, as requires = 1")
			} else if m.Requires < 1 {
				err = fail("%d is no version of the protocol, such as 1", m.Requires)
			}
		case "language":
			if err = text(&m.Language); err == nil && !language.MatchString(m.Language) {
				err = fail("%q is no name of a language, such as Go", m.Language)
			}
		case "build":
			if err = words(&m.Build); err == nil {
				if bad := commandFault(m.Build); bad != nil {
					err = fail("%w", bad)
				}
			}
		default:
			err = fail("unknown key %q, the keys are %s", key, keys)
		}
		if err != nil {
			return Manifest{}, err
		}
	}
	for _, key := range []string{"name", "version", "command"} {
		if !md.IsDefined(key) {
			return Manifest{}, fmt.Errorf("toml: the key %q is missing", key)
		}
	}
	return m, nil
}

// CheckName says what is wrong with a name for a plugin; nil where it is one.
func CheckName(name string) error {
	if !pluginName.MatchString(name) {
		return fmt.Errorf("%q is no name of a plugin, such as `acme/leap`", name)
	}
	return nil
}

// commandFault says what is wrong with a command.
func commandFault(words []string) error {
	switch {
	case len(words) == 0 || words[0] == "" || strings.Contains(strings.Join(words, ""), "\x00"):
		return errors.New("the command has no first word")
	case strings.ContainsAny(words[0], `/\`) && !filepath.IsLocal(words[0]):
		return fmt.Errorf("the command %q does not stay in the plugin's folder", words[0])
	case strings.ContainsFunc(strings.Join(words, ""), unicode.IsControl): // it is shown before it runs
		return errors.New("the command has control characters or ends of lines; put what is more than a line into a file of the folder")
	}
	return nil
}

// list writes the words of a command as a manifest has them.
func list(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, strconv.Quote(w))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// refusal is a destination that refuses every value.
type refusal struct{ err error }

// UnmarshalTOML implements toml.Unmarshaler.
func (r refusal) UnmarshalTOML(any) error { return r.err }

// where says the place to get the command of a language of the SDKs from; "" of others.
func where(language string) string {
	switch language {
	case "go":
		return ": Go is at https://go.dev/dl"
	case "python3":
		return ": Python is at https://www.python.org/downloads"
	}
	return ""
}

// Argv returns the words of a command of the manifest, Command or Build, with an absolute path in front; dir is the plugin's folder.
func Argv(dir string, command []string) ([]string, error) {
	first := command[0]
	if strings.ContainsRune(first, '/') {
		first = filepath.Join(dir, first)
	} else {
		path, err := exec.LookPath(first)
		if err != nil {
			if st, bad := os.Stat(filepath.Join(dir, first)); bad == nil && !st.IsDir() {
				return nil, fmt.Errorf("find the plugin's command: %s: %w; the one in the plugin's folder is written ./%[1]s", first, errors.Unwrap(err))
			}
			return nil, fmt.Errorf("find the plugin's command: %s: %w; install it, or add its folder to PATH%s", first, errors.Unwrap(err), where(first))
		}
		if first, err = filepath.Abs(path); err != nil {
			return nil, fmt.Errorf("find the plugin's command: %w", err)
		}
	}
	return append([]string{first}, command[1:]...), nil
}
