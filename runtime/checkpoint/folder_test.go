package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

func save(t *testing.T, dir string, step uint64) {
	t.Helper()
	path, err := Save(dir, "digit", step, &File{Metadata: map[string]string{"step": strconv.FormatUint(step, 10)}})
	if err != nil {
		t.Fatal(err)
	}
	if path != Path(dir, "digit", step) {
		t.Fatalf("saved as %s", path)
	}
}

func wantSteps(t *testing.T, dir string, want ...uint64) {
	t.Helper()
	if got, err := Steps(dir, "digit"); err != nil || !slices.Equal(got, want) {
		t.Errorf("steps %d, %v; want %d", got, err, want)
	}
}

func wantLatest(t *testing.T, dir string, step uint64, passed int) {
	t.Helper()
	got, err := Latest(dir, "digit")
	if err != nil {
		t.Fatal(err)
	}
	if got.Step != step || got.Path != Path(dir, "digit", step) || got.File.Metadata["step"] != strconv.FormatUint(step, 10) {
		t.Errorf("latest is %s of step %d, want step %d", got.Path, got.Step, step)
	}
	if len(got.Passed) != passed {
		t.Errorf("passed over %v, want %d", got.Passed, passed)
	}
}

func tear(t *testing.T, dir string, step uint64) {
	t.Helper()
	if err := os.Truncate(Path(dir, "digit", step), 50); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "checkpoints", "digit")
	if _, err := Latest(dir, "digit"); !errors.Is(err, ErrNone) {
		t.Errorf("error %v, want ErrNone", err)
	}
	wantSteps(t, dir)

	save(t, dir, 0)
	save(t, dir, 100)
	save(t, dir, 200)
	save(t, dir, 200)
	wantSteps(t, dir, 100, 200)
	wantLatest(t, dir, 200, 0)
	if got := filepath.Base(Path(dir, "digit", 200)); got != "digit-000000000200.safetensors" {
		t.Error(got)
	}
	save(t, dir, 2_000_000_000_000) // longer than the name's zeros
	wantLatest(t, dir, 2_000_000_000_000, 0)
	wantSteps(t, dir, 200, 2_000_000_000_000)

	// The newest is torn: go on from the one before it. The next one saved counts as newest, not the torn one.
	tear(t, dir, 2_000_000_000_000)
	wantLatest(t, dir, 200, 1)
	save(t, dir, 300)
	wantSteps(t, dir, 200, 300)
	wantLatest(t, dir, 300, 0)

	tear(t, dir, 200)
	tear(t, dir, 300)
	if _, err := Latest(dir, "digit"); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrNone) {
		t.Errorf("error %v, want ErrDamaged", err)
	}
}

func TestSaveLeavesOtherFilesAndCleansItsOwn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"notes.txt", "digit-7.safetensors", "digit--00000000001.safetensors", "best.safetensors", "notes.txt.12.tmp",
		"digit-000000000009.safetensors.8123.tmp", "digits-000000000009.safetensors",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for step := range uint64(4) {
		save(t, dir, step)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{
		"best.safetensors", "digit--00000000001.safetensors", "digit-000000000002.safetensors", "digit-000000000003.safetensors",
		"digit-7.safetensors", "digits-000000000009.safetensors", "notes.txt", "notes.txt.12.tmp",
	}
	if !slices.Equal(got, want) {
		t.Errorf("folder holds %q\nwant %q", got, want)
	}
}
