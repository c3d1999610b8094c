package kernel

import (
	"fmt"
	"os"
)

// Level is a set of instructions that kernels are written in. In which bits levels differ says the doc of the package.
type Level uint8

// The levels, each above those before it.
const (
	Generic Level = iota // plain Go
	AVX2                 // AVX2 and FMA, 8 numbers at a time
	AVX512               // AVX-512 F, BW, DQ and VL, 16 numbers at a time
)

var levelNames = [...]string{"generic", "avx2", "avx512"}

// String returns the name of the level, as the environment variable SNNC_CPU spells it.
func (l Level) String() string { return levelNames[l] }

// level is what the kernels of this process run at, chosen once: bits of results must not change in the course of a run.
var level, levelErr = choose(os.Getenv("SNNC_CPU"), best())

// Used returns the level that kernels run at: the highest that this processor has, or the one that the environment variable
// SNNC_CPU names. It is an error where that names none, or one that this processor has not; kernels then run at the highest.
func Used() (Level, error) { return level, levelErr }

// choose returns the level of a name, the best for none.
func choose(name string, best Level) (Level, error) {
	if name == "" {
		return best, nil
	}
	for l := range AVX512 + 1 {
		if l.String() != name {
			continue
		}
		if l > best {
			return best, fmt.Errorf("SNNC_CPU=%s: this program and processor have kernels up to %s; unset it, or set it to %s", name, best, best)
		}
		return l, nil
	}
	return best, fmt.Errorf("SNNC_CPU=%s: no such level; there are generic, avx2 and avx512", name)
}
