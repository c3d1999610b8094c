package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/installed"
)

const manifest = "name = \"acme/leap\"\nversion = \"1.0.0\"\ncommand = [\"./leap\"]\n"

// packed is an entry of an archive that a test makes.
type packed struct {
	name string
	mode fs.FileMode // of a folder or link with its bit
	text string      // of a link where it leads
}

var plugin = []packed{{"snn-plugin.toml", 0o666, manifest}, {"leap", 0o775, "program"}, {"data/a/b", 0o600, "b"}}

func below(top string, all []packed) (out []packed) {
	for _, p := range all {
		p.name = top + p.name
		out = append(out, p)
	}
	return out
}

// archives packs entries in each form.
func archives(t testing.TB, all ...packed) map[string][]byte {
	t.Helper()
	var z, plain, compressed bytes.Buffer
	zw, tw := zip.NewWriter(&z), tar.NewWriter(&plain)
	for _, p := range all {
		zh := &zip.FileHeader{Name: p.name, Method: zip.Deflate}
		zh.SetMode(p.mode)
		th := &tar.Header{Name: p.name, Mode: int64(p.mode.Perm()), Typeflag: tar.TypeReg, Size: int64(len(p.text))}
		switch p.mode.Type() {
		case fs.ModeDir:
			zh.Name, th.Typeflag = strings.TrimSuffix(p.name, "/")+"/", tar.TypeDir
		case fs.ModeSymlink:
			th.Typeflag, th.Linkname, th.Size = tar.TypeSymlink, p.text, 0
		case fs.ModeNamedPipe:
			th.Typeflag, th.Size = tar.TypeFifo, 0
		case fs.ModeDevice:
			th.Typeflag, th.Size = tar.TypeBlock, 0
		}
		w, err := zw.CreateHeader(zh)
		if err == nil && !p.mode.IsDir() {
			_, err = w.Write([]byte(p.text))
		}
		if err == nil {
			err = tw.WriteHeader(th)
		}
		if err == nil && th.Size > 0 {
			_, err = tw.Write([]byte(p.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	gw := gzip.NewWriter(&compressed)
	if err := errors.Join(zw.Close(), tw.Close()); err != nil {
		t.Fatal(err)
	}
	gw.Write(plain.Bytes())
	if err := gw.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"p.zip": z.Bytes(), "p.tar": plain.Bytes(), "p.tar.gz": compressed.Bytes(), "P.TGZ": compressed.Bytes()}
}

// unpacked unpacks an archive into a folder whose parent has nothing else, and returns the plugin's folder.
func unpacked(t testing.TB, name string, archive []byte, l Limits) (to, dir string, err error) {
	t.Helper()
	base := t.TempDir()
	file := filepath.Join(base, name)
	to = filepath.Join(base, "above", "to")
	if err := errors.Join(os.WriteFile(file, archive, 0o666), os.MkdirAll(to, 0o777)); err != nil {
		t.Fatal(err)
	}
	dir, err = Unpack(file, to, l)
	if above, bad := os.ReadDir(filepath.Dir(to)); bad != nil || len(above) != 1 {
		t.Errorf("something is outside of the folder: %v %v", above, bad)
	}
	return to, dir, err
}

// holds checks what is in the folder of an unpacked plugin: plain files and folders with the modes that there are, and links that stay in it.
func holds(t testing.TB, dir string, l Limits) {
	t.Helper()
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, bytes := 0, int64(0)
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files++
		switch mode := info.Mode(); {
		case mode.IsDir():
			if e.Name() == ".git" {
				t.Errorf("%s, which no lock covers", path)
			}
		case mode.IsRegular():
			bytes += info.Size()
			if mode != 0o644 && mode != 0o755 {
				t.Errorf("%s has the mode %v", path, mode)
			}
		case mode.Type() == fs.ModeSymlink:
			to, err := filepath.EvalSymlinks(path)
			if errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), "too many links") {
				return nil
			}
			if in, bad := filepath.Rel(real, to); err != nil || bad != nil || !filepath.IsLocal(in) {
				t.Errorf("%s leads to %s: %v", path, to, err)
			}
		default:
			t.Errorf("%s is %v", path, mode)
		}
		return nil
	})
	if err != nil || files-1 > l.Files || bytes > l.Bytes {
		t.Errorf("%d files of %d bytes: %v", files, bytes, err)
	}
}

// A plugin lies at the top of an archive or in the one folder there, whatever else is left out; the user's mask does not count.
func TestUnpack(t *testing.T) {
	link := packed{"data/l", fs.ModeSymlink | 0o777, "../leap"}
	for what, x := range map[string]struct {
		all []packed
		top string
	}{
		"at the top":      {append(plugin, link), "."},
		"in a folder":     {below("leap-1.0/", append(plugin, link)), "leap-1.0"},
		"with its folder": {append([]packed{{"leap-1.0", fs.ModeDir | 0o700, ""}}, below("leap-1.0/", plugin)...), "leap-1.0"},
		"with a dot":      {append([]packed{{"./", fs.ModeDir | 0o755, ""}}, below("./", plugin)...), "."},
		"with others": {append(below("leap-1.0/", plugin), packed{"__MACOSX/leap", 0o644, "x"}, packed{"._leap-1.0", 0o644, "x"}, packed{"leap-1.0/.git/hooks/x", 0o755, "x"},
			packed{"leap-1.0/sub/.GIT/x", 0o644, "x"}), "leap-1.0"},
		"folders again": {append(plugin, packed{"data", fs.ModeDir | 0o755, ""}, packed{"data/a", fs.ModeDir | 0o500, ""}), "."},
	} {
		for name, archive := range archives(t, x.all...) {
			to, dir, err := unpacked(t, name, archive, ArchiveLimits())
			if err != nil || dir != filepath.Join(to, x.top) {
				t.Errorf("%s, %s: %s %v", what, name, dir, err)
				continue
			}
			holds(t, dir, ArchiveLimits())
			if m, err := installed.ReadManifest(dir); err != nil || m.Name != "acme/leap" {
				t.Errorf("%s, %s: %v", what, name, err)
			}
			for file, perm := range map[string]fs.FileMode{"leap": 0o755, "data/a/b": 0o644} {
				if st, err := os.Lstat(filepath.Join(dir, file)); err != nil || st.Mode() != perm {
					t.Errorf("%s, %s: %s: %v %v", what, name, file, st, err)
				}
			}
			if text, err := os.ReadFile(filepath.Join(dir, "data/l")); x.all[len(x.all)-1].mode == link.mode && (err != nil || string(text) != "program") {
				t.Errorf("%s, %s: the link: %q %v", what, name, text, err)
			}
		}
	}
}

// What does harm is refused by name, in every form.
func TestUnpackRefuses(t *testing.T) {
	small := Limits{Bytes: 4 << 10, Files: 20, Depth: 3}
	many := make([]packed, 21)
	for i := range many {
		many[i] = packed{fmt.Sprintf("f%d", i), 0o644, ""}
	}
	const symlink = fs.ModeSymlink | 0o777
	for _, x := range []struct {
		all  []packed
		want string
	}{
		{[]packed{{"../x", 0o644, "x"}}, `entry "../x": the name leads out`},
		{[]packed{{"a/../../x", 0o644, "x"}}, "the name leads out"},
		{[]packed{{"/etc/x", 0o644, "x"}}, "the name is absolute"},
		{[]packed{{"..", fs.ModeDir | 0o755, ""}}, "the name leads out"},
		{[]packed{{"a//b", 0o644, "x"}}, "not written plainly"},
		{[]packed{{`..\x`, 0o644, "x"}}, `the name has a \`},
		{[]packed{{"c:x", 0o644, "x"}}, `or a :`},
		{[]packed{{"a\x1bb", 0o644, "x"}}, "control characters"},
		{[]packed{{"a\xffb", 0o644, "x"}}, "not UTF-8"},
		{[]packed{{strings.Repeat("n", 256), 0o644, "x"}}, "longer than 255 bytes"},
		{[]packed{{"1/2/3/4/x", 0o644, "x"}}, "lies in 4 folders, more than 3"},
		{[]packed{{"a", 0o644, "x"}, {"a", 0o644, "y"}}, `entry "a": it is there twice`},
		{[]packed{{"data", 0o644, "x"}, {"data/x", 0o644, "y"}}, "once as a folder"},
		{[]packed{{"Data/x", 0o644, "x"}}, `entry "Data/x": it differs from "data" by case alone`},
		{[]packed{{"\u212a", 0o644, "x"}, {"k", 0o644, "y"}}, "by case alone"}, // the sign of kelvin
		{[]packed{{"l", symlink, "/etc/passwd"}}, `link "l" leads to "/etc/passwd", out of the plugin: pack in its place what it leads to`},
		{[]packed{{"a/l", symlink, "../../x"}}, "out of the plugin"},
		{[]packed{{"a/l", symlink, "b/../../x"}}, "down and up again"},
		{[]packed{{"l", symlink, ""}}, "out of the plugin"},
		{[]packed{{"l", symlink, "data"}, {"l/x", 0o644, "x"}}, "once as a folder"},
		{[]packed{{"p", fs.ModeNamedPipe | 0o644, ""}}, `entry "p": it is neither a file`},
		{[]packed{{"d", fs.ModeDevice | 0o644, ""}}, `entry "d": it is neither a file`},
		{[]packed{{"big", 0o644, strings.Repeat("x", 5<<10)}}, "more than 4096 bytes"},
		{many, "more than 20 files"},
	} {
		for name, archive := range archives(t, append(plugin[:len(plugin):len(plugin)], x.all...)...) {
			if _, dir, err := unpacked(t, name, archive, small); err == nil || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%q, %s: %s %v, want %q", x.all[0].name, name, dir, err, x.want)
			}
		}
	}
	// A link may leave the plugin although it stays in the archive: the folder at the top is taken off.
	for name, archive := range archives(t, append(below("leap/", plugin), packed{"leap/l", symlink, "../leap/data"})...) {
		if _, _, err := unpacked(t, name, archive, small); err == nil || !strings.Contains(err.Error(), "out of the plugin") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// littered is a plugin with what a machine has made in its folder, and of the plugin's own what looks like that.
var littered = append(below("leap/", plugin), []packed{
	{"leap/env/bin/python", fs.ModeSymlink | 0o777, "/usr/bin/python3"},
	{"leap/env/pyvenv.cfg", 0o644, "home = /usr/bin"},
	{"leap/runs/one/actions.json", 0o644, "{}"},
	{"leap/runs/one/checkpoints/a", 0o644, "x"},
	{"leap/data/__pycache__/a.pyc", 0o644, "x"},
	{"leap/linked/.git/HEAD", 0o644, "x"},
	{"leap/linked/__pycache__/a.pyc", 0o644, "x"},
	{"leap/linked/l", fs.ModeSymlink | 0o777, "../leap"},
	{"leap/.pytest_cache/CACHEDIR.TAG", 0o644, "x"},
	{"leap/actions.json", 0o644, "{}"},
	{"leap/data/pyvenv.cfg/own", 0o644, "x"},
}...)

// What a machine has made in the folder of a plugin stays there, in whatever form the plugin comes, unless its command leads into it.
func TestLittered(t *testing.T) {
	judge := func(what, dir string, kept ...string) {
		t.Helper()
		for _, name := range []string{"env", "runs", "data/__pycache__", "linked", "linked/__pycache__", ".pytest_cache", "actions.json", "data/a/b", "data/pyvenv.cfg/own"} {
			_, err := os.Lstat(filepath.Join(dir, name))
			if want := slices.Contains(append(kept, "linked", "actions.json", "data/a/b", "data/pyvenv.cfg/own"), name); want != (err == nil) {
				t.Errorf("%s: %s: %v", what, name, err)
			}
		}
	}
	for name, archive := range archives(t, littered...) {
		_, dir, err := unpacked(t, name, archive, ArchiveLimits())
		if err != nil {
			t.Fatal(err)
		}
		judge(name, dir)
	}
	source := filepath.Join(t.TempDir(), "leap")
	for _, p := range littered {
		at := filepath.Join(filepath.Dir(source), p.name)
		if p.mode.Type() != fs.ModeSymlink {
			put(t, at, p.text)
		} else if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o777), os.Symlink(p.text, at)); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(t.TempDir(), "plugins")
	judge("a folder", added(t, folder, source, "acme/leap"))
	put(t, filepath.Join(source, installed.ManifestName), strings.Replace(manifest, "./leap", "./env/bin/python", 1))
	dir := added(t, folder, source, "acme/leap")
	judge("with its environment", dir, "env")
	if to, err := os.Readlink(filepath.Join(dir, "env/bin/python")); err != nil || to != "/usr/bin/python3" {
		t.Errorf("%q %v", to, err)
	}
}

// An archive without a plugin, one that is cut off, one that is something else.
func TestUnpackNone(t *testing.T) {
	for name, archive := range archives(t, append(below("a/", plugin), packed{"b/x", 0o644, "x"})...) {
		if _, _, err := unpacked(t, name, archive, ArchiveLimits()); err == nil || !strings.Contains(err.Error(), "there is no snn-plugin.toml in it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, archive := range archives(t, plugin...) {
		if name == "p.tar" {
			continue // what is cut off may be padding
		}
		for _, bad := range [][]byte{archive[:len(archive)-10], []byte("something else")} {
			if _, _, err := unpacked(t, name, bad, ArchiveLimits()); err == nil || !strings.Contains(err.Error(), "it is torn") {
				t.Errorf("%s is cut off, or something else: %v", name, err)
			}
		}
	}
	if _, _, err := unpacked(t, "p.rar", nil, ArchiveLimits()); err == nil || !strings.Contains(err.Error(), ".tgz") {
		t.Error(err)
	}
	var hard bytes.Buffer
	w := tar.NewWriter(&hard)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "leap"}), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := unpacked(t, "p.tar", hard.Bytes(), ArchiveLimits()); err == nil || !strings.Contains(err.Error(), "a second name of \"leap\"") {
		t.Error(err)
	}
	// The table of a ZIP with many entries is not read to its end.
	var long bytes.Buffer
	z := zip.NewWriter(&long)
	for i := range 2000 {
		if _, err := z.Create(fmt.Sprintf("%0200d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := unpacked(t, "p.zip", long.Bytes(), Limits{Bytes: 1 << 30, Files: 100, Depth: 3}); err == nil || !strings.Contains(err.Error(), "more than 100 files") {
		t.Error(err)
	}
}

// Whatever an archive is, nothing outside of the folder is touched, and what is unpacked is within its limits.
func FuzzUnpack(f *testing.F) {
	for name, archive := range archives(f, append(below("leap/", plugin), packed{"leap/l", fs.ModeSymlink | 0o777, "data/a"}, packed{"leap/data/m", fs.ModeSymlink | 0o777, "../l/b"})...) {
		if name != "P.TGZ" {
			f.Add(name, archive)
		}
	}
	for name, archive := range archives(f, packed{"../x", 0o644, "x"}, packed{"a/l", fs.ModeSymlink | 0o777, "../.."}, packed{"snn-plugin.toml", 0o644, ""}) {
		if name != "P.TGZ" {
			f.Add(name, archive)
		}
	}
	small := Limits{Bytes: 64 << 10, Files: 50, Depth: 4}
	f.Fuzz(func(t *testing.T, name string, archive []byte) {
		if !IsArchive(name) || strings.ContainsAny(name, "/\x00") || len(name) > 100 {
			name = "p.tar"
		}
		to, dir, err := unpacked(t, name, archive, small)
		if err == nil && !installed.IsPlugin(dir) {
			t.Errorf("there is no plugin in %s", dir)
		}
		holds(t, to, Limits{Bytes: small.Bytes + 1, Files: small.Files, Depth: small.Depth})
	})
}
