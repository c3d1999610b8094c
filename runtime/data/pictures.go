package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Pictures returns the SHA-256, in hex, of the images as pictures: their shape and their pixels from black to white in order,
// whatever values the argument `range` makes of these, and without labels. Figures over pixels in 0..1 depend on that alone. Of
// random numbers it is Hash.
func (s *Set) Pictures() string {
	if s.drawn != nil {
		return s.Hash()
	}
	h := sha256.New()
	fmt.Fprintf(h, "snnc pictures 1\n%v\n%d examples, 0..%d\n", s.image, s.Len(), s.collection.peak)
	h.Write(s.pixels)
	return hex.EncodeToString(h.Sum(nil))
}
