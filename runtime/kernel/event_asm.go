//go:build amd64 && !noasm

package kernel

import "math/bits"

// listKernel returns the assembly that lists the spikes of pixels of a multiple of 16 channels, nil where there is none.
func listKernel(l Level) func(*byte) {
	if l == AVX512 {
		return eventList512
	}
	return nil
}

// rowKernels512 and rowKernels2 compute rows of pixels, by taps - 1 and columns / 16 - 1. They are read only.
var (
	rowKernels512 = [3][4]func(*byte){
		{eventRow512x1x16, eventRow512x1x32, eventRow512x1x48, eventRow512x1x64},
		{eventRow512x2x16, eventRow512x2x32, eventRow512x2x48, eventRow512x2x64},
		{eventRow512x3x16, eventRow512x3x32, eventRow512x3x48, eventRow512x3x64},
	}
	rowKernels2 = [3][2]func(*byte){
		{eventRow2x1x16, eventRow2x1x32},
		{eventRow2x2x16, eventRow2x2x32},
		{eventRow2x3x16, eventRow2x3x32},
	}
)

// rowKernel returns the assembly for so many taps and columns, nil where there is none at the level.
func rowKernel(l Level, taps, columns int) func(*byte) {
	switch l {
	case AVX512:
		return rowKernels512[taps-1][columns/16-1]
	case AVX2:
		return rowKernels2[taps-1][columns/16-1]
	}
	return nil
}

// squareKernel returns the assembly for windows of 3 x 3 of so many columns; only AVX512 has registers enough.
func squareKernel(columns int) func(*byte) {
	if columns == 16 {
		return eventSquare512x3x16
	}
	return eventSquare512x3x32
}

// splitKernels512 and splitKernels2 copy pixels of so many times sixteen columns apart. They are read only.
var (
	splitKernels512 = [...]func(*byte){eventSplit512x1, eventSplit512x2, eventSplit512x3, eventSplit512x4}
	splitKernels2   = [...]func(*byte){eventSplit2x2, eventSplit2x4, eventSplit2x6, eventSplit2x8}
)

// splitKernel returns the assembly that copies so many columns apart, nil where there is none at the level, and how many it
// copies at once.
func splitKernel(l Level, columns int) (kernel func(*byte), lanes int) {
	switch l {
	case AVX512:
		return splitKernels512[columns/16-1], 16
	case AVX2:
		return splitKernels2[columns/16-1], 8
	}
	return nil, 0
}

// windowKernel returns the assembly that adds windows of so many taps and columns, nil where there is none at the level.
func windowKernel(l Level, high, wide, columns int) func(*byte) {
	place := bits.TrailingZeros(uint(columns / 8))
	switch l {
	case AVX512:
		return windowKernels512[high-1][wide-1][place]
	case AVX2:
		return windowKernels2[high-1][wide-1][place]
	}
	return nil
}

// windowKernels512 and windowKernels2 add windows to sums, by rows - 1 and columns - 1 of taps, and by the logarithm of the
// columns over 8. They are read only.
var (
	windowKernels512 = [3][3][4]func(*byte){
		{
			{nil, eventWindow512x1x1x16, eventWindow512x1x1x32, eventWindow512x1x1x64},
			{nil, eventWindow512x1x2x16, eventWindow512x1x2x32, eventWindow512x1x2x64},
			{nil, eventWindow512x1x3x16, eventWindow512x1x3x32, nil},
		},
		{
			{nil, eventWindow512x2x1x16, eventWindow512x2x1x32, eventWindow512x2x1x64},
			{nil, eventWindow512x2x2x16, eventWindow512x2x2x32, nil},
			{nil, eventWindow512x2x3x16, nil, nil},
		},
		{
			{nil, eventWindow512x3x1x16, eventWindow512x3x1x32, nil},
			{nil, eventWindow512x3x2x16, nil, nil},
			{nil, eventWindow512x3x3x16, nil, nil},
		},
	}
	windowKernels2 = [3][3][4]func(*byte){
		{
			{eventWindow2x1x1x8, eventWindow2x1x1x16, eventWindow2x1x1x32, eventWindow2x1x1x64},
			{eventWindow2x1x2x8, eventWindow2x1x2x16, eventWindow2x1x2x32, nil},
			{eventWindow2x1x3x8, eventWindow2x1x3x16, eventWindow2x1x3x32, nil},
		},
		{
			{eventWindow2x2x1x8, eventWindow2x2x1x16, eventWindow2x2x1x32, nil},
			{eventWindow2x2x2x8, eventWindow2x2x2x16, nil, nil},
			{eventWindow2x2x3x8, eventWindow2x2x3x16, nil, nil},
		},
		{
			{eventWindow2x3x1x8, eventWindow2x3x1x16, eventWindow2x3x1x32, nil},
			{eventWindow2x3x2x8, eventWindow2x3x2x16, nil, nil},
			{eventWindow2x3x3x8, nil, nil, nil},
		},
	}
)
