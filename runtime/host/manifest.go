package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// ManifestName is the name of the manifest in a plugin's folder.
const ManifestName = "snn-plugin.toml"

// maxManifest is the size in bytes of the largest manifest.
const maxManifest = 64 << 10

// Manifest says what the plugin in a folder is and how it is started.
type Manifest struct {
	Name    string   // as specs write it in `use`: OWNER/NAME, or NAME
	Version string   // MAJOR.MINOR.PATCH
	Command []string // the first word is a path in the folder, or the name of an interpreter found in PATH
}

var (
	pluginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$`)
	version    = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)
)

// ReadManifest reads the manifest of the plugin in a folder.
func ReadManifest(dir string) (Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	st, err := os.Stat(path)
	if err == nil && st.Size() > maxManifest {
		err = fmt.Errorf("it is larger than %d KB", maxManifest>>10)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	var m Manifest
	if err == nil {
		m, err = ParseManifest(text)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read the plugin's manifest %s: %w", path, err)
	}
	return m, nil
}

// ParseManifest reads the text of a manifest: TOML with the keys name, version and command, all of them and no others. An
// error names the line.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	var keys map[string]toml.Primitive
	md, err := toml.Decode(string(text), &keys)
	if err != nil {
		return Manifest{}, err
	}
	for _, key := range md.Keys() { // in the order of the file
		if len(key) > 1 { // a dotted key: what stands in a table comes behind the table's name, which is refused
			return Manifest{}, fmt.Errorf("toml: %q is a table, the keys are name, version and command", key[0])
		}
		value := keys[key[0]]
		// The decoder knows the line of a key and tells it with the errors of decoding its value only.
		fail := func(format string, args ...any) error {
			return md.PrimitiveDecode(value, refusal{fmt.Errorf(format, args...)})
		}
		switch key[0] {
		case "name":
			err = md.PrimitiveDecode(value, &m.Name)
			if err == nil && !pluginName.MatchString(m.Name) {
				err = fail("%q is no name of a plugin, such as `acme/leap`", m.Name)
			}
		case "version":
			err = md.PrimitiveDecode(value, &m.Version)
			if err == nil && !version.MatchString(m.Version) {
				err = fail("%q is no version, such as 0.3.1", m.Version)
			}
		case "command":
			err = md.PrimitiveDecode(value, &m.Command)
			if err == nil && (len(m.Command) == 0 || m.Command[0] == "" || strings.Contains(strings.Join(m.Command, ""), "\x00")) {
				err = fail("the command has no first word")
			} else if err == nil && strings.ContainsAny(m.Command[0], `/\`) && !filepath.IsLocal(m.Command[0]) {
				err = fail("the command %q does not stay in the plugin's folder", m.Command[0])
			}
		default:
			err = fail("unknown key %q, the keys are name, version and command", key)
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

// refusal is a destination that refuses every value.
type refusal struct{ err error }

// UnmarshalTOML implements toml.Unmarshaler.
func (r refusal) UnmarshalTOML(any) error { return r.err }

// argv returns the command with an absolute path in front.
func (m Manifest) argv(dir string) ([]string, error) {
	first := m.Command[0]
	if strings.ContainsRune(first, '/') {
		first = filepath.Join(dir, first)
	} else {
		path, err := exec.LookPath(first)
		if err != nil {
			return nil, fmt.Errorf("find the plugin's command: %w; a program of the folder is written ./%s", errors.Unwrap(err), first)
		}
		if first, err = filepath.Abs(path); err != nil {
			return nil, fmt.Errorf("find the plugin's command: %w", err)
		}
	}
	return append([]string{first}, m.Command[1:]...), nil
}
