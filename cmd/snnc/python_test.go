//go:build python

package main

// python says that what needs Python and a package index is tested.
const python = true
