package kernel

import "testing"

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name       string
		best, want Level
		err        string
	}{
		{"", AVX2, AVX2, ""},
		{"generic", AVX512, Generic, ""},
		{"avx2", AVX512, AVX2, ""},
		{"avx512", AVX512, AVX512, ""},
		{"avx512", AVX2, AVX2, "SNNC_CPU=avx512: this program and processor have kernels up to avx2; unset it, or set it to avx2"},
		{"AVX2", AVX2, AVX2, "SNNC_CPU=AVX2: no such level; there are generic, avx2 and avx512"},
	} {
		got, err := choose(c.name, c.best)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != c.want || text != c.err {
			t.Errorf("choose(%q, %s) = %s, %q; want %s, %q", c.name, c.best, got, text, c.want, c.err)
		}
	}
}
