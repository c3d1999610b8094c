//go:build !noasm

package kernel

import "golang.org/x/sys/cpu"

// best returns the highest level that this processor has, and that the system keeps the registers of.
func best() Level {
	x := &cpu.X86
	switch {
	case x.HasAVX2 && x.HasFMA && x.HasBMI2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL:
		return AVX512
	case x.HasAVX2 && x.HasFMA && x.HasBMI2:
		return AVX2
	}
	return Generic
}
