package check

import (
	"fmt"
	"slices"
	"strings"
)

// How shapes that do not fit can be made to fit. Each function returns a help for one kind of place.

// meeting helps two wires that an operator or `concat` cannot bring together; channels says whether their channels have to agree.
func meeting(a, b Wire, channels bool) string {
	if !channels && len(a.Dims) != len(b.Dims) {
		return "all have as many axes: `expand(h, w)` repeats channels over a map, `flatten` makes one axis of all"
	}
	if len(a.Dims) < len(b.Dims) {
		a, b = b, a
	}
	const rule = "shapes align from the channel axis, the first, unlike in NumPy: [8] meets [8, 16, 16]"
	switch {
	case len(a.Dims) == 3 && len(b.Dims) == 3 && channels && a.Dims[0] != b.Dims[0] && slices.Equal(a.Dims[1:], b.Dims[1:]):
		return fmt.Sprintf("give both as many channels: put `-> project(%d)` behind the one with %d, or `-> project(%d)` behind the other", a.Dims[0], b.Dims[0], b.Dims[0])
	case len(a.Dims) == 3 && len(b.Dims) == 3:
		return "the maps have to agree: " + maps3(a.Dims, b.Dims)
	case size(a.Dims) == size(b.Dims):
		return fmt.Sprintf("both have %d values: put `-> reshape(%s)` behind the one with fewer axes", size(a.Dims), commas(a.Dims))
	case len(b.Dims) == 1:
		return fmt.Sprintf("%s; put `-> linear(%d)` behind the side with one axis", rule, a.Dims[0])
	}
	return rule + "; axes that both have must agree or be 1"
}

// maps3 helps two maps of other heights and widths.
func maps3(a, b []int) string {
	if a[1] < b[1] {
		a, b = b, a
	}
	h, w := b[1], b[2]
	switch {
	case a[1]%h == 0 && a[2]%w == 0 && a[1]/h == a[2]/w && a[1]/h > 1:
		k := a[1] / h
		return fmt.Sprintf("put `-> avgpool(%d)` behind the one with %dx%d, or `-> upsample(%d)` behind the one with %dx%d; a `conv` with `stride = %d` makes it smaller too", k, a[1], a[2], k, h, w, k)
	case a[1]-h == 1 || a[2]-w == 1:
		return fmt.Sprintf("an odd height does not come back: %d halves to %d, and %d doubles to %d; take images whose sides can be halved as often as the network does, such as 32x32",
			h, (h+1)/2, (h+1)/2, 2*((h+1)/2))
	}
	return fmt.Sprintf("%dx%d and %dx%d", a[1], a[2], h, w)
}

// ending helps a network whose result has another shape than its head says; last is the layer that gives it.
func (b *builder) ending(got, want Wire, last *Layer) string {
	head := fmt.Sprintf("`-> %v` in the network's head", got)
	switch {
	case len(got.Dims) == len(want.Dims) && slices.Equal(sorted(got.Dims), sorted(want.Dims)) && len(got.Dims) == 3:
		return fmt.Sprintf("a shape is [channels, height, width]: the layers have to give %s, or write %s", brackets(want.Dims), head)
	case size(got.Dims) == size(want.Dims) && len(want.Dims) == 1:
		return "end with `-> flatten`"
	case size(got.Dims) == size(want.Dims):
		return fmt.Sprintf("end with `-> reshape(%s)`", commas(want.Dims))
	case last.Kind == "linear" && len(want.Dims) == 1:
		return fmt.Sprintf("write `linear(%d)` at the end, or %s", want.Dims[0], head)
	case last.Kind == "linear" && len(want.Dims) > 1:
		return fmt.Sprintf("end with `-> linear(%d) -> reshape(%s)`, or write %s", size(want.Dims), commas(want.Dims), head)
	case (last.Kind == "conv" || last.Kind == "deconv") && len(want.Dims) == 3 && slices.Equal(got.Dims[1:], want.Dims[1:]):
		return fmt.Sprintf("write `%s(%d, ...)` at the end, or %s", last.Kind, want.Dims[0], head)
	case len(got.Dims) == 3 && len(want.Dims) == 3 && !slices.Equal(got.Dims[1:], want.Dims[1:]):
		return fmt.Sprintf("the map is %dx%d and should be %dx%d: mend the strides and pads of the layers, or write %s", got.Dims[1], got.Dims[2], want.Dims[1], want.Dims[2], head)
	case len(got.Dims) == 3 && len(want.Dims) == 1:
		return fmt.Sprintf("end with `-> flatten -> linear(%d)`, or write %s", want.Dims[0], head)
	}
	return "write " + head + ", if this is what is meant"
}

// reshaping helps a `reshape` to another number of values; last is the layer in front.
func reshaping(dims []int, last *Layer) string {
	if last.Kind == "linear" {
		return fmt.Sprintf("write `linear(%d)` in front of it", size(dims))
	}
	return fmt.Sprintf("the product of the new shape has to be %d", size(last.Wire.Dims))
}

// padding helps a convolution whose kernel is even, so that no pad keeps the size: with a stride s, (kernel - s) / 2 gives the size
// divided by s. layer is the layer as written, "..." where that is long.
func padding(layer string, kernel, stride int) string {
	with := func(pad int) string {
		if call, ok := strings.CutSuffix(layer, ")"); ok {
			return fmt.Sprintf("%s, pad = %d)", call, pad)
		}
		return fmt.Sprintf("pad = %d", pad)
	}
	if rest := kernel - stride; rest >= 0 && rest%2 == 0 {
		if stride == 1 {
			return fmt.Sprintf("write `%s`", with(rest/2))
		}
		return fmt.Sprintf("write `%s`, which divides height and width by %d", with(rest/2), stride)
	}
	return fmt.Sprintf("take an odd kernel, which keeps the size, or write `%s`, which makes it one larger", with(kernel/2))
}

// divisors helps a number of groups or heads that does not divide the channels.
func divisors(channels int) string {
	var list []string
	for d := 1; d <= channels && len(list) < 12; d++ {
		if channels%d == 0 {
			list = append(list, fmt.Sprint(d))
		}
	}
	return fmt.Sprintf("%d is divided by %s", channels, strings.Join(list, ", "))
}

func sorted(dims []int) []int { return slices.Sorted(slices.Values(dims)) }

func commas(dims []int) string { return strings.Trim(brackets(dims), "[]") }

func brackets(dims []int) string {
	return strings.ReplaceAll(fmt.Sprint(dims), " ", ", ")
}
