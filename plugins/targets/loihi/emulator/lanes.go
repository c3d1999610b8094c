package emulator

// blockSize is how many compartments of a group are computed by one goroutine at a time: their sums stay in its cache.
const blockSize = 1 << 16

// blocks returns how many blocks a group of such a size has.
func blocks(size int) int { return (size + blockSize - 1) / blockSize }

// padded is the size with whole vectors.
func padded(size int) int { return (size + 7) &^ 7 }

// lanes are compartments of which many are computed at once.
type lanes struct {
	u, v, q, bias                       []int32 // of one length, a multiple of 8; bias may be nil
	keepU, keepV, threshold, vmin, vmax int32
	inactive                            int32 // to which nothing arrived, and that did not spike
	within                              int32 // of which no number left its width
	fired                               [blockSize / 64]uint64
}

// computeGo computes a step: u, v before a reset, which of them spike, and counts. It leaves 0 in q.
func (x *lanes) computeGo() {
	us, vs, qs := x.u, x.v, x.q
	vs, qs = vs[:len(us)], qs[:len(us)]
	keepU, keepV, threshold, vmin, vmax := int64(x.keepU), int64(x.keepV), int64(x.threshold), int64(x.vmin), int64(x.vmax)
	x.inactive, x.within = 0, 0
	word := uint64(0)
	for i := range us {
		q := int64(qs[i])
		sum := wrap(q, sumBits)
		free := decay(int64(us[i]), keepU) + sum
		u := wrap(free, stateBits)
		w := u
		odd := (sum ^ q) | (u ^ free)
		if x.bias != nil {
			free = u + int64(x.bias[i])
			w = wrap(free, stateBits)
			odd |= w ^ free
		}
		free = decay(int64(vs[i]), keepV) + w
		v := min(max(free, vmin), vmax)
		if odd|(v^free) == 0 {
			x.within++
		}
		us[i], vs[i], qs[i] = int32(u), int32(v), 0
		if v > threshold {
			word |= 1 << (i % 64)
		} else if q == 0 {
			x.inactive++
		}
		if i%64 == 63 || i == len(us)-1 {
			x.fired[i/64] = word
			word = 0
		}
	}
}
