// Package proto is the protocol between snnc and a plugin process: the generated gRPC service Plugin and the handshake
// that both sides agree on.
//
// A plugin process is started by the host, prints one handshake line of go-plugin on its standard output, serves the service
// on a unix socket in the folder that the host names, and ends when its standard input does. The messages are strings: JSON
// of the types of plugins/schema, which in turn hold the canonical text of graphs and Programs, so that a plugin in any
// language only prints. The numbers of opaque operators lie in files that both sides map; messages say where.
//
// It imports nothing of ours; plugins/sdk and runtime/host import it.
package proto

//go:generate ./generate.sh

// The handshake. A process that is started without the cookie in its environment was not started by a host.
const (
	Version     = 1 // of the protocol: raised when a message changes its meaning
	CookieKey   = "SNNC_PLUGIN"
	CookieValue = "snn-plugin-1"
)

// MaxMessage is the size in bytes of the largest request and of the largest reply.
const MaxMessage = 64 << 20

// Window is how many bytes either side sends, in a call and in all, before the other one has taken them. It is a constant because gRPC
// finds one for the connection otherwise, by a ping and its answer with every call, and each of these wakes a thread.
const Window = 1 << 20
