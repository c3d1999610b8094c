package installed

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

const goodManifest = "name = \"acme/leap\"\nversion = \"0.3.1\"\ncommand = [\"./leap\", \"--quiet\"]\n"

func TestManifest(t *testing.T) {
	m, err := ParseManifest([]byte(goodManifest))
	if want := (Manifest{Name: "acme/leap", Version: "0.3.1", Command: []string{"./leap", "--quiet"}}); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("%+v %v", m, err)
	}
	argv, err := Argv("/plugins/leap", m.Command)
	if want := []string{"/plugins/leap/leap", "--quiet"}; err != nil || !reflect.DeepEqual(argv, want) {
		t.Errorf("%q %v", argv, err)
	}
	m.Command[0] = "sh" // an interpreter is looked up
	if argv, err = Argv("/plugins/leap", m.Command); err != nil || !filepath.IsAbs(argv[0]) {
		t.Errorf("%q %v", argv, err)
	}
	m.Command[0] = "no-such-interpreter"
	if _, err = Argv("/plugins/leap", m.Command); err == nil || !strings.Contains(err.Error(), "no-such-interpreter: executable file not found in $PATH; install it, or add its folder to PATH") {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "no-such-interpreter"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err = Argv(dir, m.Command); err == nil || !strings.Contains(err.Error(), "the one in the plugin's folder is written ./no-such-interpreter") {
		t.Error(err)
	}
	t.Setenv("PATH", "")
	if _, err = Argv(dir, []string{"go", "build"}); err == nil || !strings.Contains(err.Error(), "go: executable file not found in $PATH; install it, or add its folder to PATH: Go is at https://go.dev/dl") {
		t.Error(err)
	}
}

// What a manifest need not say.
func TestManifestMore(t *testing.T) {
	text := goodManifest + "requires = 1\nlanguage = \"Go\"\nbuild = [\"go\", \"build\", \"-o\", \"leap\", \".\"]\n"
	m, err := ParseManifest([]byte(text))
	if want := (Manifest{"acme/leap", "0.3.1", []string{"./leap", "--quiet"}, 1, "Go", []string{"go", "build", "-o", "leap", "."}}); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("%+v %v", m, err)
	}
}

// An error names the line.
func TestManifestRefuses(t *testing.T) {
	for _, x := range []struct{ old, new, want string }{
		{"", "licence = \"MIT\"\n", `line 4 (last key "licence"): unknown key "licence"`},
		{"", "[sandbox]\nfiles = []\n", `line 4 (last key "sandbox"): unknown key "sandbox"`},
		{"", "name = \"acme/leap\"\n", "line 4"},
		{"name = \"acme/leap\"\n", "", `the key "name" is missing`},
		{"command = [\"./leap\", \"--quiet\"]\n", "", `the key "command" is missing`},
		{"acme/leap", "acme leap", `line 1 (last key "name"): "acme leap" is no name`},
		{"acme/leap", "a/b/c", "is no name"},
		{"acme/leap", "../leap", "is no name"},
		{"0.3.1", "0.3", `line 2 (last key "version"): "0.3" is no version`},
		{"0.3.1", "0.03.1", "is no version"},
		{`"0.3.1"`, "3", `line 2 (last key "version"): it has to be a text in quotes, as version = "0.3.1"`},
		{"./leap", "../leap", `line 3 (last key "command"): the command "../leap" does not stay`},
		{"./leap", "/bin/leap", "does not stay"},
		{`["./leap", "--quiet"]`, "[]", "has no first word"},
		{`["./leap", "--quiet"]`, `"python3 main.py"`, `line 3 (last key "command"): a command is a list of words: write command = ["python3", "main.py"]`},
		{`"--quiet"`, "1", `line 3 (last key "command"): a command is a list of words in quotes, as command = ["python3", "main.py"]`},
		{"\"acme/leap\"", "\"acme", "line 1"},
		{"", "requires = 0\n", `line 4 (last key "requires"): 0 is no version of the protocol`},
		{"", "requires = \"1\"\n", `line 4 (last key "requires"): it has to be a number without quotes, as requires = 1`},
		{"", "language = \"\"\n", `line 4 (last key "language"): "" is no name of a language`},
		{"", "build = []\n", `line 4 (last key "build"): the command has no first word`},
		{"--quiet", `\u001b[2J`, `line 3 (last key "command"): the command has control characters`},
		{"", "build = [\"sh\", \"-c\", \"make\\nsnnc: all is well\"]\n", `line 4 (last key "build"): the command has control characters or ends of lines`},
		{"", "build = [\"../make\"]\n", `line 4 (last key "build"): the command "../make" does not stay`},
	} {
		text := strings.Replace(goodManifest, x.old, x.new, 1)
		if x.old == "" {
			text = goodManifest + x.new
		}
		if m, err := ParseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q: %+v %v, want %q", text, m, err, x.want)
		}
	}
	dir := t.TempDir()
	if _, err := ReadManifest(dir); !os.IsNotExist(errors.Unwrap(err)) {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ManifestName), make([]byte, MaxManifest+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadManifest(dir); err == nil || !strings.Contains(err.Error(), "larger than 64 KB") {
		t.Error(err)
	}
}

// What parses is a manifest whose command can be started in a folder.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(goodManifest))
	f.Add([]byte("name = 'a'\n[command]\nx = 1\n"))
	f.Add([]byte("name.a = 'a'\n\"version\" = \"\"\"1.0.0\"\"\"\ncommand = ['python3', 'main.py']"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err == nil && (!pluginName.MatchString(m.Name) || !version.MatchString(m.Version) || m.Command[0] == "") {
			t.Errorf("%q: %+v", text, m)
		}
	})
}

// What is no plain file is no manifest; a pipe is not waited for.
func TestManifestPlain(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, ManifestName), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadManifest(dir); err == nil || !strings.Contains(err.Error(), "no plain file") {
		t.Errorf("reading a pipe: %v", err)
	}
}
