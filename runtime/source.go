// Package runtime has the sources in this folder that plugins/sdk is built of, for `snnc plugin new`. No plugin imports it. It imports
// nothing of ours.
package runtime

import (
	"embed"
	"io/fs"
)

//go:embed graph/*.go program/*.go
var files embed.FS

// Source returns the files by their paths in this folder, with the tests of the packages.
func Source() fs.FS { return files }
