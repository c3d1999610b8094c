module snnc.dev/snnc

go 1.26.0

require (
	github.com/alecthomas/participle/v2 v2.1.4
	github.com/google/go-cmp v0.7.0
	github.com/rogpeppe/go-internal v1.16.0
	pgregory.net/rapid v1.3.0
)

require (
	github.com/alecthomas/repr v0.5.2 // indirect
	golang.org/x/tools v0.49.0 // indirect
)
