//go:build !amd64 || noasm

package emulator

func (x *lanes) compute() { x.computeGo() }

func (x *packed) prefetch([]int32) {}
