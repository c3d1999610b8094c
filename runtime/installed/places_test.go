package installed

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// The plugins of a run are looked for where its spec lay, then from the run folder and from here, and last among the user's own. The lock is
// the first that is there, else that of here.
func TestOfRun(t *testing.T) {
	top := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(top, "data"))
	in := func(path ...string) string { return filepath.Join(append([]string{top}, path...)...) }
	for _, dir := range []string{"project/specs", "out/run", "here"} {
		if err := os.MkdirAll(in(dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	put(t, in("project", LockName), string(Lock{}.Text()))
	user := in("data", "snnc", FolderName)
	of := func(dirs ...string) (out []string) {
		for _, dir := range dirs {
			out = append(out, in(dir, FolderName))
		}
		return append(out, user)
	}
	for _, x := range []struct {
		run, spec, here string
		want            Places
	}{
		{"out/run", "project/specs", "here", Places{of("project/specs", "project", "out/run", "here"), in("project", LockName)}},
		{"out/run", "", "here", Places{of("out/run", "here"), in("here", LockName)}},
		{"out/run", "gone", "project", Places{of("out/run", "project"), in("project", LockName)}},
		{"project/specs", "", "here", Places{of("project/specs", "project", "here"), in("project", LockName)}}, // a run inside of a project
		{"out/run", "project", "project", Places{of("project", "out/run"), in("project", LockName)}},
	} {
		spec := x.spec
		if spec != "" {
			spec = in(spec)
		}
		if got, err := OfRun(in(x.run), spec, in(x.here)); err != nil || !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s %q %s: %+v %v\nwant %+v", x.run, x.spec, x.here, got, err, x.want)
		}
	}
}
