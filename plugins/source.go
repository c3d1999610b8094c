// Package plugins has the sources of the SDKs that lie in this folder, for `snnc plugin new`: what plugins/sdk is built of here, and the
// Python package. No plugin imports it. It imports nothing of ours.
package plugins

import (
	"embed"
	"io/fs"
)

//go:embed proto/*.go schema/*.go sdk/*.go sdk/circuit/*.go
//go:embed python/snnc/*.py python/snnc/py.typed python/snnc/*/*.py
var files embed.FS

// Source returns the files by their paths in this folder, with the tests of the packages.
func Source() fs.FS { return files }
