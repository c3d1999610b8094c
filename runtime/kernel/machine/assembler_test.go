package machine

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the GNU assembler makes of the instructions to testdata")

// instructions are all that there are, with low and high registers in each place, beside their text for the GNU assembler.
func instructions() (list []struct {
	text string
	emit func(a *Assembler)
}) {
	add := func(text string, emit func(a *Assembler)) {
		list = append(list, struct {
			text string
			emit func(a *Assembler)
		}{text, emit})
	}
	names := map[GP]string{AX: "rax", CX: "rcx", DX: "rdx", BX: "rbx", SI: "rsi", DI: "rdi", R8: "r8", R9: "r9", R10: "r10", R11: "r11", R12: "r12", R13: "r13", R14: "r14", R15: "r15"}
	address := func(m Mem) string {
		s := names[m.Base]
		if m.Indexed {
			s += "+" + names[m.Index]
		}
		return fmt.Sprintf("[%s+%d]", s, m.Disp)
	}
	mems := []Mem{{Base: AX}, {Base: R12}, {Base: R13}, {Base: R8, Disp: 1000}, {Base: DI, Index: R9, Indexed: true}, {Base: R13, Index: R12, Indexed: true},
		{Base: R15, Index: R14, Indexed: true}, {Base: BX, Index: AX, Indexed: true, Disp: 64}}
	zs := []Z{0, 7, 8, 15, 16, 23, 24, 31}
	operands := func(i int) (Operand, string) {
		if i%2 == 0 {
			m := mems[i/2%len(mems)]
			return At(m), address(m)
		}
		z := zs[(i*5+3)%len(zs)]
		return Reg(z), fmt.Sprint("zmm", z)
	}
	for i := range 16 {
		d, x, k := zs[i%len(zs)], zs[(i*3+1)%len(zs)], K(i%7+1)
		y, text := operands(i)
		m := mems[i%len(mems)]
		add(fmt.Sprintf("vmovups zmm%d, %s", d, address(m)), func(a *Assembler) { a.Load(d, m) })
		add(fmt.Sprintf("vmovups %s, zmm%d", address(m), d), func(a *Assembler) { a.Store(m, d) })
		add(fmt.Sprintf("vmovaps zmm%d, zmm%d", d, x), func(a *Assembler) { a.Move(d, x) })
		add(fmt.Sprintf("vmovaps zmm%d{k%d}{z}, zmm%d", d, k, x), func(a *Assembler) { a.Where(d, k, x) })
		for op, name := range map[byte]string{ADDPS: "vaddps", MULPS: "vmulps", SUBPS: "vsubps", DIVPS: "vdivps", ANDPS: "vandps", ORPS: "vorps", XORPS: "vxorps"} {
			add(fmt.Sprintf("%s zmm%d, zmm%d, %s", name, d, x, text), func(a *Assembler) { a.Binary(op, d, x, y) })
		}
		add(fmt.Sprintf("vsubps zmm%d{k%d}, zmm%d, %s", d, k, x, text), func(a *Assembler) { a.BinaryWhere(SUBPS, d, k, x, y) })
		add(fmt.Sprintf("vsqrtps zmm%d, %s", d, text), func(a *Assembler) { a.Sqrt(d, y) })
		add(fmt.Sprintf("vrndscaleps zmm%d, %s, %d", d, text, 8+i%4), func(a *Assembler) { a.Round(d, y, byte(8+i%4)) })
		add(fmt.Sprintf("vcmpps k%d, zmm%d, %s, %d", k, x, text, 16+i), func(a *Assembler) { a.Compare(k, x, y, byte(16+i)) })
		add(fmt.Sprintf("vptestmd k%d, zmm%d, %s", k, x, text), func(a *Assembler) { a.Test(k, x, y) })
		add(fmt.Sprintf("vblendmps zmm%d{k%d}, zmm%d, %s", d, k, x, text), func(a *Assembler) { a.Blend(d, k, x, y) })
		add(fmt.Sprintf("vpaddq zmm%d, zmm%d, %s", d, x, text), func(a *Assembler) { a.AddQ(d, x, y) })
		add(fmt.Sprintf("kmovw k%d, %s", k, address(m)), func(a *Assembler) { a.LoadMask(k, m) })
		add(fmt.Sprintf("kmovw %s, k%d", address(m), k), func(a *Assembler) { a.StoreMask(m, k) })
		add(fmt.Sprintf("prefetcht1 %s", address(m)), func(a *Assembler) { a.Prefetch(m) })
		r, s := m.Base, mems[(i+3)%len(mems)].Base
		add(fmt.Sprintf("mov %s, %s", names[s], address(m)), func(a *Assembler) { a.LoadQ(s, m) })
		add(fmt.Sprintf("{load} mov %s, %s", names[r], names[s]), func(a *Assembler) { a.MoveQ(r, s) })
		add(fmt.Sprintf("xor %s, %s", strings.Replace(low(names[r]), "rr", "r", 1), low(names[r])), func(a *Assembler) { a.Clear(r) })
		add(fmt.Sprintf("add %s, 64", names[r]), func(a *Assembler) { a.Increase(r, 64) })
		add(fmt.Sprintf("{load} cmp %s, %s", names[r], names[s]), func(a *Assembler) { a.CompareQ(r, s) })
		add(fmt.Sprintf("cmp %s, %s", names[s], address(m)), func(a *Assembler) { a.CompareMemory(s, m) })
		add(fmt.Sprintf("dec qword ptr %s", address(m)), func(a *Assembler) { a.Decrease(m) })
	}
	return list
}

// low is the name of the lower half of a general register.
func low(name string) string {
	if name[1] >= '0' && name[1] <= '9' {
		return name + "d"
	}
	return "e" + name[1:]
}

// TestEncodings: every instruction has the bytes that the GNU assembler gave it, with displacements of 32 bits where there
// are any.
func TestEncodings(t *testing.T) {
	var got bytes.Buffer
	seen := map[string]bool{}
	var texts []string
	for _, x := range instructions() {
		if seen[x.text] {
			continue
		}
		seen[x.text] = true
		texts = append(texts, x.text)
		var a Assembler
		x.emit(&a)
		fmt.Fprintf(&got, "%x %s\n", a.code, x.text)
	}
	lines := strings.Split(strings.TrimSuffix(got.String(), "\n"), "\n")
	name := filepath.Join("testdata", "encodings.txt")
	if *update {
		if err := os.WriteFile(name, []byte(gnu(t, texts)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n") {
		code, text, _ := strings.Cut(line, " ")
		want[text] = code
	}
	if len(want) != len(lines) {
		t.Errorf("%d instructions, want %d", len(lines), len(want))
	}
	for _, line := range lines {
		code, text, _ := strings.Cut(line, " ")
		if want[text] != code {
			t.Errorf("%s is %s, want %s", text, code, want[text])
		}
	}
}

// gnu assembles one instruction after another, each behind a mark.
func gnu(t *testing.T, texts []string) string {
	dir := t.TempDir()
	var s strings.Builder
	s.WriteString(".intel_syntax noprefix\n")
	for _, text := range texts {
		displacement := ""
		if strings.Contains(text, "[") && !strings.Contains(text, "+0]") || strings.Contains(text, "[r13+0]") || strings.Contains(text, "[r13+r12+0]") {
			displacement = "{disp32} "
		}
		if strings.HasPrefix(text, "kmovw") {
			text = "{vex3} " + text
		}
		fmt.Fprintf(&s, "%s%s\n.balign 64, 0xcc\n", displacement, text)
	}
	source, object, flat := filepath.Join(dir, "x.s"), filepath.Join(dir, "x.o"), filepath.Join(dir, "x.bin")
	if err := os.WriteFile(source, []byte(s.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{{"as", "-o", object, source}, {"objcopy", "-O", "binary", "-j", ".text", object, flat}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[0], err, out)
		}
	}
	code, err := os.ReadFile(flat)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, text := range texts {
		one := code[64*i : min(64*i+64, len(code))]
		for one[len(one)-1] == 0xcc {
			one = one[:len(one)-1]
		}
		fmt.Fprintf(&out, "%x %s\n", one, text)
	}
	return out.String()
}
