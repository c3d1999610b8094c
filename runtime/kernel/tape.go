package kernel

// Instr is one operation of a program; D, A, B, C and E are numbers of registers.
type Instr struct {
	Code          Code
	D, A, B, C, E int
}

// Inputs returns the registers that an instruction reads.
func (i *Instr) Inputs() []int {
	all := [...]int{i.A, i.B, i.C, i.E}
	return all[:i.Code.Operands()]
}

// Chunk is how many elements of registers a program runs on at most.
const Chunk = 512

// Script is a program made ready for a level.
type Script struct {
	code   []Instr
	pieces []piece // what runs in assembly and what does not; none at level Generic
}

// Tape is the registers of programs and where they lie, which may go on in memory from one time that a program runs to the
// next. It belongs to one worker.
type Tape struct {
	rows []row
	asm  addresses
}

// row is where a register lies; one of the slices is set.
type row struct {
	f        []float32
	b        []uint64
	at, step int // in elements of the slice
}

// NewTape returns a tape of so many registers, which lie nowhere yet.
func NewTape(registers int) *Tape {
	return &Tape{rows: make([]row, registers), asm: newAddresses(registers)}
}

// Set puts register r at element `at` of x, and step elements further each time that a program has run. What runs reads and
// writes whole vectors: a multiple of 16 elements.
func (t *Tape) Set(r int, x []float32, at, step int) {
	t.rows[r] = row{f: x, at: at, step: step}
	t.asm.set(r, x, at, step)
}

// SetBits puts register r, of bits, at word `at` of x, and step words further each time.
func (t *Tape) SetBits(r int, x []uint64, at, step int) {
	t.rows[r] = row{b: x, at: at, step: step}
	t.asm.setBits(r, x, at, step)
}

// Register returns the first n elements of a register where it lies now.
func (t *Tape) Register(r, n int) []float32 {
	x := &t.rows[r]
	return x.f[x.at:][:n]
}

// Run runs the program on the first n elements of the registers, at most Chunk, so many times. What is behind them up to a multiple of 16
// elements is not defined after that, in registers of numbers and of bits.
func (t *Tape) Run(s *Script, n, times int) {
	if len(s.code) == 0 || n == 0 || times == 0 {
		return
	}
	if s.pieces != nil {
		t.assembly(s, n, times)
		return
	}
	t.Each(s, n, times, nil)
}

// Each is Run in plain Go, and shows after each instruction the elements of its result, unless these are bits.
func (t *Tape) Each(s *Script, n, times int, look func(instr int, d []float32)) {
	for range times {
		for i := range s.code {
			t.eval(&s.code[i], n)
			if look != nil && s.code[i].Code < Bits {
				look(i, t.Register(s.code[i].D, n))
			}
		}
		t.advance()
	}
}

// eval runs one instruction in plain Go.
func (t *Tape) eval(c *Instr, n int) {
	switch c.Code {
	case Numbers:
		x := &t.rows[c.A]
		Unpack(t.Register(c.D, n), x.b[x.at:], 0)
	case Fetch:
	case Bits:
		x := &t.rows[c.D]
		Pack(x.b[x.at:], t.Register(c.A, n))
	default:
		of := func(r int) []float32 { return t.Register(r, n) }
		switch k := c.Code.Operands(); k {
		case 1:
			Eval(c.Code, of(c.D), of(c.A), nil, nil, nil)
		case 2:
			Eval(c.Code, of(c.D), of(c.A), of(c.B), nil, nil)
		case 3:
			Eval(c.Code, of(c.D), of(c.A), of(c.B), of(c.C), nil)
		default:
			Eval(c.Code, of(c.D), of(c.A), of(c.B), of(c.C), of(c.E))
		}
	}
}

// advance moves the registers on by their steps.
func (t *Tape) advance() {
	for i := range t.rows {
		t.rows[i].at += t.rows[i].step
	}
	t.asm.advance()
}
