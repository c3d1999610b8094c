package rng

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
)

// domain is hashed before the key of a stream. Another layout of numbers would need another domain.
const domain = "snnc rng 1\x00"

// Stream is the family of random numbers of one (seed, label, iteration). It is a small value without state: copy it
// freely, use it from any number of goroutines. The zero Stream is the stream of the Philox key 0.
type Stream struct {
	k0, k1 uint32
}

// New returns the stream of a seed, a label and an iteration. Streams that differ in any of the three are independent.
func New(seed uint64, label string, iteration uint64) Stream {
	b := make([]byte, 0, 128)
	b = append(b, domain...)
	b = binary.LittleEndian.AppendUint64(b, seed)
	b = binary.LittleEndian.AppendUint64(b, iteration)
	b = append(b, label...)
	sum := sha256.Sum256(b)
	return Stream{
		k0: binary.LittleEndian.Uint32(sum[0:]),
		k1: binary.LittleEndian.Uint32(sum[4:]),
	}
}

// Uniform returns element `element` of example `index`, uniform over the multiples of 2^-24 in [0, 1).
func (s Stream) Uniform(index, element uint64) float32 {
	return unit(s.word(index, element/4, uint(element%4)))
}

// Uniform64 returns the number that Uniform returns, as a float64.
func (s Stream) Uniform64(index, element uint64) float64 {
	return float64(s.Uniform(index, element))
}

// Normal returns element `element` of example `index` of the standard normal distribution: Normal64, rounded.
func (s Stream) Normal(index, element uint64) float32 {
	return float32(s.Normal64(index, element))
}

// Normal64 returns element `element` of example `index` of the standard normal distribution, by the method of Box and
// Muller; its absolute value is at most sqrt(64 ln 2), about 6.66.
func (s Stream) Normal64(index, element uint64) float64 {
	w := s.block(index, element/4)
	a := element % 4 / 2 * 2
	x, y := boxMuller(w[a], w[a+1])
	if element%2 == 0 {
		return x
	}
	return y
}

// FillUniform sets dst[i] to Uniform(index, first+i) for every i.
func (s Stream) FillUniform(dst []float32, index, first uint64) {
	for ; len(dst) > 0 && first%4 != 0; first++ {
		dst[0] = s.Uniform(index, first)
		dst = dst[1:]
	}
	lo, hi := uint32(index), uint32(index>>32)
	block := first / 4
	for ; len(dst) >= 4; block++ {
		w0, w1, w2, w3 := philox(uint32(block), uint32(block>>32), lo, hi, s.k0, s.k1)
		d := dst[:4:4]
		d[0], d[1], d[2], d[3] = unit(w0), unit(w1), unit(w2), unit(w3)
		dst = dst[4:]
	}
	for e := range dst {
		dst[e] = s.Uniform(index, block*4+uint64(e))
	}
}

// FillNormal sets dst[i] to Normal(index, first+i) for every i.
func (s Stream) FillNormal(dst []float32, index, first uint64) {
	for ; len(dst) > 0 && first%4 != 0; first++ {
		dst[0] = s.Normal(index, first)
		dst = dst[1:]
	}
	lo, hi := uint32(index), uint32(index>>32)
	block := first / 4
	for ; len(dst) >= 4; block++ {
		w0, w1, w2, w3 := philox(uint32(block), uint32(block>>32), lo, hi, s.k0, s.k1)
		d := dst[:4:4]
		a, b := boxMuller(w0, w1)
		d[0], d[1] = float32(a), float32(b)
		a, b = boxMuller(w2, w3)
		d[2], d[3] = float32(a), float32(b)
		dst = dst[4:]
	}
	for e := range dst {
		dst[e] = s.Normal(index, block*4+uint64(e))
	}
}

// Permutation returns the numbers 0 to n-1 in random order (Fisher and Yates; none where n is not positive). A place is
// drawn as the high half of a 64-bit random number times the count of places: the chances of two places differ by less
// than n / 2^64 of themselves.
func (s Stream) Permutation(n int) []int {
	if n <= 0 {
		return nil
	}
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		w := s.block(0, uint64(i)/2)
		a := i % 2 * 2
		j, _ := bits.Mul64(uint64(w[a+1])<<32|uint64(w[a]), uint64(i)+1)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// block returns the four words of one block of example index.
func (s Stream) block(index, block uint64) [4]uint32 {
	w0, w1, w2, w3 := philox(uint32(block), uint32(block>>32), uint32(index), uint32(index>>32), s.k0, s.k1)
	return [4]uint32{w0, w1, w2, w3}
}

func (s Stream) word(index, block uint64, i uint) uint32 {
	w := s.block(index, block)
	return w[i]
}

// unit maps a random word to [0, 1).
func unit(w uint32) float32 { return float32(w>>8) * (1.0 / (1 << 24)) }

// philox is Philox4x32-10: ten rounds, the key raised by the two Weyl constants between rounds. The rounds are written
// out because four blocks are in flight at once when no loop stands between them.
func philox(c0, c1, c2, c3, k0, k1 uint32) (uint32, uint32, uint32, uint32) {
	const (
		m0 = 0xD2511F53
		m1 = 0xCD9E8D57
		w0 = 0x9E3779B9 // golden ratio
		w1 = 0xBB67AE85 // sqrt(3) - 1
	)
	var p0, p1 uint64
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 1
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 2
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 3
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 4
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 5
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 6
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 7
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 8
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 9
	c0, c1, c2, c3 = uint32(p1>>32)^c1^k0, uint32(p1), uint32(p0>>32)^c3^k1, uint32(p0)
	k0, k1 = k0+w0, k1+w1
	p0, p1 = uint64(c0)*m0, uint64(c2)*m1 // round 10
	return uint32(p1>>32) ^ c1 ^ k0, uint32(p1), uint32(p0>>32) ^ c3 ^ k1, uint32(p0)
}

// boxMuller turns two random words into two independent standard normal numbers.
func boxMuller(a, b uint32) (float64, float64) {
	r := math.Sqrt(-2 * lnUnit(a))
	sin, cos := sinCosTurn(b)
	return r * cos, r * sin
}

// lnUnit returns ln((w + 1) / 2^32), from 0 down to -32 ln 2. The reduction to 1+f in (sqrt(1/2), sqrt(2)) and the
// polynomial in s = f / (2+f) are those of FreeBSD's e_log.c; the error is below 1 ulp.
func lnUnit(w uint32) float64 {
	const (
		ln2Hi = 6.93147180369123816490e-01
		ln2Lo = 1.90821492927058770002e-10
		l1    = 6.666666666666735130e-01
		l2    = 3.999999999940941908e-01
		l3    = 2.857142874366239149e-01
		l4    = 2.222219843214978396e-01
		l5    = 1.818357216161805012e-01
		l6    = 1.531383769920937332e-01
		l7    = 1.479819860511658591e-01
		// half is the upper word of sqrt(1/2); adding 1 - half to a number's bits carries into the exponent just where
		// its mantissa is past sqrt(2).
		half = 0x3fe6a09e << 32
		one  = 0x3ff00000 << 32
	)
	x := math.Float64bits(float64(uint64(w)+1)) + (one - half)
	k := float64(int64(x>>52) - 1023 - 32)
	f := math.Float64frombits(x&(1<<52-1)+half) - 1
	s := f / (2 + f)
	z := float64(s * s)
	y := float64(z * z)
	odd := z * (l1 + float64(y*(l3+float64(y*(l5+float64(y*l7))))))
	even := y * (l2 + float64(y*(l4+float64(y*l6))))
	r := float64(odd) + float64(even)
	h := float64(float64(0.5*f) * f)
	return float64(k*ln2Hi) - ((h - (float64(s*(h+r)) + float64(k*ln2Lo))) - f)
}

// sinCosTurn returns sine and cosine of w / 2^32 of a turn. The nearest quarter turn is taken off in integers; the
// polynomials for the rest, at most pi/4, are those of FreeBSD's k_sin.c and k_cos.c.
func sinCosTurn(w uint32) (sin, cos float64) {
	const (
		s1 = -1.66666666666666324348e-01
		s2 = 8.33333333332248946124e-03
		s3 = -1.98412698298579493134e-04
		s4 = 2.75573137070700676789e-06
		s5 = -2.50507602534068634195e-08
		s6 = 1.58969099521155010221e-10
		c1 = 4.16666666666666019037e-02
		c2 = -1.38888888888741095749e-03
		c3 = 2.48015872894767294178e-05
		c4 = -2.75573143513906633035e-07
		c5 = 2.08757232129817482790e-09
		c6 = -1.13596475577881948265e-11
	)
	q := (w + 1<<29) >> 30 // quarter turns, modulo 4
	t := float64(int32(w-q<<30)) * (2 * math.Pi / (1 << 32))
	z := float64(t * t)
	ps := s2 + float64(z*(s3+float64(z*(s4+float64(z*(s5+float64(z*s6)))))))
	ps = s1 + float64(z*ps)
	s := t + float64(float64(z*t)*ps)
	pc := c2 + float64(z*(c3+float64(z*(c4+float64(z*(c5+float64(z*c6)))))))
	pc = c1 + float64(z*pc)
	c := (1 - float64(0.5*z)) + float64(float64(z*z)*pc)

	// Turn by q quarters without a branch: exchange for odd q; sine is negative for q = 2, 3, cosine for q = 1, 2.
	bs, bc := math.Float64bits(s), math.Float64bits(c)
	swap := (bs ^ bc) & -uint64(q&1)
	bs ^= swap ^ uint64(q>>1&1)<<63
	bc ^= swap ^ uint64((q^q>>1)&1)<<63
	return math.Float64frombits(bs), math.Float64frombits(bc)
}
