//go:build !amd64 || noasm

package kernel

// NewScript makes a program ready to run at a level. Nobody reads the registers for which kept reports false once it has run.
func NewScript(_ Level, code []Instr, _ func(r int) bool) *Script { return &Script{code: code} }

// piece and addresses are what assembly needs.
type piece struct{}

type addresses struct{}

func newAddresses(int) addresses { return addresses{} }

func (*addresses) set(int, []float32, int, int) {}

func (*addresses) setBits(int, []uint64, int, int) {}

func (*addresses) advance() {}

func (*Tape) assembly(*Script, int, int) {}
