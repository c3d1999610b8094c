package dsl

import (
	"embed"
	"io/fs"
)

//go:embed diag/*.go
var files embed.FS

// Source returns the files in this folder that plugins/sdk is built of, by their paths in it and with the tests of their package, for
// `snnc plugin new`.
func Source() fs.FS { return files }
