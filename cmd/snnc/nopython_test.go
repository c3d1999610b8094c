//go:build !python

package main

const python = false
