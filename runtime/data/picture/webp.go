package picture

import "image"

// takeVP8 copies an image of a lossy WebP file. Its luma and chroma are those of ITU-R BT.601 with 16 to 235 between black and white,
// which image.YCbCr takes for those of JPEG. Colours are libwebp's (src/dsp/yuv.h, src/dsp/upsampling.c): chroma, one for four
// pixels, is interpolated from the nearest of four with the weights 9, 3, 3 and 1 of 16.
func (p *Picture) takeVP8(m *image.YCbCr) {
	b := m.Bounds()
	h, w := b.Dy(), b.Dx()
	p.Reset(h, w, 3)
	to := p.Pix
	for y := range h {
		near, far := beside(y, (h+1)/2)
		for x := range w {
			left, right := beside(x, (w+1)/2)
			chroma := func(c []byte) int {
				return (9*int(c[near*m.CStride+left]) + 3*int(c[near*m.CStride+right]) + 3*int(c[far*m.CStride+left]) + int(c[far*m.CStride+right]) + 8) >> 4
			}
			luma, u, v := int(m.Y[y*m.YStride+x])*19077>>8, chroma(m.Cb), chroma(m.Cr)
			to[0] = shade(luma + v*26149>>8 - 14234)
			to[1] = shade(luma - u*6419>>8 - v*13320>>8 + 8708)
			to[2] = shade(luma + u*33050>>8 - 17685)
			to = to[3:]
		}
	}
}

// beside returns where along an axis of n chromas the nearest and the second nearest of pixel x are.
func beside(x, n int) (near, far int) {
	near = x / 2
	return near, min(max(near-1+x%2*2, 0), n-1)
}

// shade returns a colour of 6 bits behind the point as one of 8 bits.
func shade(v int) byte { return byte(min(max(v>>6, 0), 255)) }
