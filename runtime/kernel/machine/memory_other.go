//go:build !linux

package machine

import "errors"

// Memory is code that can be run for as long as it is held.
type Memory struct{}

// NewMemory is an error: on this system programs run without being compiled.
func NewMemory([]byte) (*Memory, error) { return nil, errors.New("code is made on Linux alone") }

// Entry returns the address of the first instruction.
func (*Memory) Entry() uintptr { return 0 }
