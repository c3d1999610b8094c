// Package specs has the specs of this folder, for `snnc new`. It imports nothing of ours.
package specs

import "embed"

//go:embed *.snn extend/*.snn
var files embed.FS

// Text returns the spec NAME.snn of this folder, or extend/NAME.snn; nil where there is none.
func Text(name string) []byte {
	text, err := files.ReadFile(name + ".snn")
	if err != nil {
		return nil
	}
	return text
}
