package installed

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// sources are the endings of files that compilers read, and the names of others that a build hangs on.
func sources() []string {
	return []string{".go", "go.mod", ".rs", "Cargo.toml", ".c", ".cc", ".cpp", ".cxx", ".cu", ".h", ".hh", ".hpp", ".s", ".S", ".zig", ".nim", ".d", ".f90", ".ml", ".hs",
		".swift", ".java", ".kt", ".scala", ".cs", ".proto"}
}

// Stale returns a source, by its path in the folder, that is newer than the program which the command of a plugin starts, where the manifest says
// how that is built; "" where there is none. Sources of tests are not looked at.
func Stale(dir string, m Manifest) string {
	if len(m.Build) == 0 || !strings.Contains(m.Command[0], "/") {
		return ""
	}
	program, err := os.Stat(filepath.Join(dir, filepath.FromSlash(m.Command[0])))
	if err != nil {
		return "" // which is told when it is started
	}
	newer, all := "", sources()
	_ = fs.WalkDir(Own(dir, m), ".", func(name string, e fs.DirEntry, err error) error { // what cannot be read is not known to be newer
		base := path.Base(name)
		ending := slices.ContainsFunc(all, func(s string) bool { return base == s || s[0] == '.' && path.Ext(base) == s })
		if err != nil || e.IsDir() || !ending || strings.HasSuffix(strings.TrimSuffix(base, path.Ext(base)), "_test") {
			return nil
		}
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() && st.ModTime().After(program.ModTime()) {
			newer = name
			return fs.SkipAll
		}
		return nil
	})
	return newer
}
