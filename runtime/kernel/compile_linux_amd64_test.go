//go:build !noasm

package kernel

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRefused: where the system refuses pages that were written to become executable, programs run by routines.
func TestRefused(t *testing.T) {
	const refused = "SNNC_TEST_REFUSED"
	if best() < AVX512 {
		return // nothing is compiled
	}
	if os.Getenv(refused) == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestRefused$")
		c.Env = append(os.Environ(), refused+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0); err != nil {
		return // Linux before 6.3 has no such setting
	}
	s := NewScript(AVX512, []Instr{{Code: Add, D: 0, A: 1, B: 1}}, everything)
	if s.pieces[0].compiled != nil {
		t.Error("a program is compiled where that is refused")
	}
	tape, x, y := NewTape(2), make([]float32, 16), make([]float32, 16)
	x[3] = 2
	tape.Set(0, y, 0, 0)
	tape.Set(1, x, 0, 0)
	tape.Run(s, 16, 1)
	if y[3] != 4 {
		t.Errorf("2 + 2 = %v", y[3])
	}
}
