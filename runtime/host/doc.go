// Package host runs plugins: it starts their processes when a call needs one, supervises them, and judges what they answer.
//
// The main type is Host, whose methods are the calls of the protocol (plugins/proto). All calls are pure, so that a call on a
// process that dies is repeated on a fresh one; what a plugin says of itself (Describe) is kept in a folder under the content
// of its files, so that most checks of a spec start no process. A plugin can hang, die, print anything anywhere or answer
// nonsense: each ends in a Failure that names the plugin, within the time the Options give.
//
// The process belongs to a runner of its own behind go-plugin's client (runner.go), which does the handshake alone: the
// connection that follows is plain gRPC, without go-plugin's broker and output streams.
//
// Opaque is the host as the opaque.Server of programs: their operands lie in files that it shares with the processes (arena.go).
// Compile gives a Chip, circuits on an emulated chip, which runs blocks of examples in such files (chip.go).
//
// Plugins lie in folders that runtime/installed finds. Nothing of a plugin is started before its folder has the hash that the lock
// has of it, and what it says of itself is compared as well (held.go).
//
// It imports plugins/proto and plugins/schema, runtime/graph, runtime/opaque and runtime/program to read what plugins send,
// runtime/confine and runtime/installed for their processes and folders, and runtime/record/wholefile; it is the only package that uses
// go-plugin's client side. The build and the experiment, what brings and tests plugins (runtime/fetch, plugins/plugintest), and commands import it.
package host
