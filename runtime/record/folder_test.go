package record

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary be the other process that holds a folder.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RECORD_TEST_HOLD"); dir != "" {
		if _, err := Open(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		bufio.NewReader(os.Stdin).ReadByte() // until the end of the test
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func open(t testing.TB) *Folder {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "runs", "x"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// listing returns the slash-separated names of all files in a folder.
func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLock(t *testing.T) {
	f := open(t)
	var locked *Locked
	_, err := Open(f.dir)
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Dir != f.dir {
		t.Errorf("opened twice: %v", err)
	}
	if want := fmt.Sprintf("another snnc (process %d) is at work in %s", os.Getpid(), f.dir); err.Error() != want {
		t.Errorf("says %q, want %q", err, want)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestLockOfAProcessThatIsKilled(t *testing.T) {
	dir := t.TempDir()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "RECORD_TEST_HOLD="+dir)
	if _, err := other.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	var locked *Locked
	if _, err := Open(dir); !errors.As(err, &locked) || locked.PID != other.Process.Pid {
		t.Errorf("held by process %d: %v", other.Process.Pid, err)
	}
	other.Process.Kill()
	other.Wait()
	f, err := Open(dir)
	if err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	f.Close()
}

func TestOpenWhereAFileIs(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "f")
	if _, err := Open(filepath.Join(dir, "f")); err == nil {
		t.Error("a file was opened as a folder")
	}
}

func TestOpenCleansItsOwn(t *testing.T) {
	dir := t.TempDir()
	foreign := []string{"notes.md", "notes.md.12.tmp", "figures/a.png.3.tmp"}
	ours := []string{"events.jsonl", "samples/a.png", "checkpoints/digit-00000001.safetensors", "programs/digit.txt", "spec/lib/n.snn", "metrics.json", "actions.json", "report.html"}
	put(t, dir, foreign...)
	put(t, dir, ours...)
	put(t, dir, "metrics.json.77.tmp", "deploy/digit-chip.json.8.tmp", "samples/a.png.5.tmp", "spec/lib/n.snn.6.tmp", "checkpoints/digit-00000002.safetensors.9.tmp")
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := slices.Sorted(slices.Values(slices.Concat(foreign, ours, []string{"lock"})))
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(listing(t, dir)))); diff != "" {
		t.Errorf("after Open:\n%s", diff)
	}
}

func TestWriteTexts(t *testing.T) {
	f := open(t)
	for _, texts := range []map[string]string{
		{"quickstart.snn": "snn 1\n", "lib/neurons.snn": "snn 1\n"},
		{"quickstart.snn": "snn 1\n\n# changed\n"},
	} {
		if err := f.WriteTexts(SpecFolder, texts); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, name := range listing(t, f.Path(SpecFolder)) {
			text, err := os.ReadFile(f.Path(SpecFolder + "/" + name))
			if err != nil {
				t.Fatal(err)
			}
			got[name] = string(text)
		}
		if diff := cmp.Diff(texts, got); diff != "" {
			t.Error(diff)
		}
	}
	if err := f.WriteTexts(ProgramFolder, nil); err != nil {
		t.Errorf("no texts: %v", err)
	}
	for _, name := range []string{"../x", "/x", "a/../../x", ""} {
		if err := f.WriteText(name, ""); err == nil {
			t.Errorf("wrote %q", name)
		}
		if err := f.WriteTexts(SpecFolder, map[string]string{"../../" + name: ""}); err == nil || !strings.Contains(err.Error(), "inside") {
			t.Errorf("wrote %q: %v", name, err)
		}
	}
}
