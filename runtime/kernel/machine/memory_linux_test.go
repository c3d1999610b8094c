package machine

import (
	"bytes"
	"testing"
)

// TestMemory: what can be run is the code that was written, from its first instruction on, with its constants behind it.
func TestMemory(t *testing.T) {
	var a Assembler
	a.Constant(17, 0x3f800000)
	a.Align()
	a.Return()
	code := a.Finish()
	if len(code) != 64+4 || code[32] != 0xc3 || !bytes.Equal(code[64:], []byte{0, 0, 0x80, 0x3f}) {
		t.Fatalf("code is % x", code)
	}
	if to := 10 + int(code[6]); code[1]&0x10 != 0 || to != 64 {
		t.Errorf("the constant is looked for at %d, want 64: % x", to, code[:10])
	}
	m, err := NewMemory(code)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.pages, code) {
		t.Errorf("memory has % x, want % x", m.pages, code)
	}
}
