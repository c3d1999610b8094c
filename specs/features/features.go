package features

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
)

//go:embed *.snn *.safetensors
var files embed.FS

// Text returns the spec NAME.snn of this folder; nil where there is none.
func Text(name string) []byte { return read(name + ".snn") }

// Weights returns the weights of the network NAME that were trained on a data set, and their SHA-256 in hexadecimal; nil
// where there are none.
func Weights(name, set string) (file []byte, hash string) {
	if file = read(name + "-" + set + ".safetensors"); file == nil {
		return nil, ""
	}
	sum := sha256.Sum256(file)
	return file, hex.EncodeToString(sum[:])
}

// Size returns how many numbers the network NAME has for an image: features, and logits where it is a classifier; 0 where there is
// no such network. The networks themselves say the same; this asks none of them.
func Size(name string) int {
	switch name {
	case "lenet":
		return 84 + 10
	case "autoencoder":
		return 64
	case "inception":
		return 2048 + 1008
	}
	return 0
}

func read(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil
	}
	return b
}
