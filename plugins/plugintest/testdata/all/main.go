// Command all is a plugin that has what is built in: right components of all kinds.
package main

import (
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/sdk"
)

func main() {
	p := builtin.Plugin()
	p.Name, p.Version = "acme/all", "1.0.0"
	sdk.Serve(p)
}
