//go:build !linux

package host_test

// villain has nothing to try where nothing holds it.
func villain(string) {}

// killable is of Linux.
func killable(string, bool) { panic("only Linux has namespaces") }

// cut is of Linux.
func cut() { panic("nothing holds plugins here") }
