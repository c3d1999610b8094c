package data

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the digits
	"fmt"
	"io"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/data/picture"
	"snnc.dev/snnc/runtime/data/stored"
)

// optdigits is a line for each digit: 64 pixels of 0 to 16, row-major, and the class, with commas between. Its licences are in
// optdigits.LICENSE.md. It was made by
//
//	pip download --no-deps scikit-learn==1.9.1
//	unzip -p scikit_learn-1.9.1-*.whl sklearn/datasets/data/digits.csv.gz > optdigits.csv.gz
//
//go:embed optdigits.csv.gz
var optdigits string

// embedded returns the examples of the data set that is part of the program: the first c.train are trained on, the rest is
// held out.
func (c *collection) embedded(split Split) (*stored.Examples, error) {
	pixels, labels, err := parseDigits(optdigits, c.height*c.width, c.peak/16)
	if err != nil {
		return nil, &Error{Set: c.name, Summary: "the copy in this program is damaged", Help: "install snnc anew", Err: err}
	}
	size := c.height * c.width
	if split == Train {
		pixels, labels = pixels[:c.train*size], labels[:c.train]
	} else {
		pixels, labels = pixels[c.train*size:], labels[c.train:]
	}
	e := &stored.Examples{
		Count: len(labels),
		At: func(i int, p *picture.Picture) error {
			p.Reset(c.height, c.width, 1)
			copy(p.Pix, pixels[i*size:])
			return nil
		},
		Close: func() {},
	}
	for _, l := range labels {
		e.Labels = append(e.Labels, int32(l))
	}
	return e, nil
}

// parseDigits reads the lines of a compressed file; pixels are multiplied by factor.
func parseDigits(file string, size, factor int) (pixels, labels []byte, err error) {
	z, err := gzip.NewReader(strings.NewReader(file))
	if err != nil {
		return nil, nil, fmt.Errorf("unpack digits: %w", err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, nil, fmt.Errorf("unpack digits: %w", err)
	}
	for line := range bytes.Lines(text) {
		fields := strings.Split(string(bytes.TrimSpace(line)), ",")
		if len(fields) != size+1 {
			return nil, nil, fmt.Errorf("parse digit %d: %d numbers, not %d", len(labels)+1, len(fields), size+1)
		}
		for i, f := range fields {
			limit := 16
			if i == size {
				limit = 9
			}
			v, err := strconv.Atoi(f)
			if err != nil || v < 0 || v > limit {
				return nil, nil, fmt.Errorf("parse digit %d: number %d is %q, not between 0 and %d", len(labels)+1, i+1, f, limit)
			}
			if i == size {
				labels = append(labels, byte(v))
			} else {
				pixels = append(pixels, byte(v*factor))
			}
		}
	}
	return pixels, labels, nil
}
