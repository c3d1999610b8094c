// Package schema has what crosses the border between the host and a plugin, as plain data whose JSON is the messages of the protocol: how
// components describe themselves (Plugin, Component: parameters, roles, choices), the checked values of their arguments (Arguments), and the
// requests and replies of the calls (call.go, opaque.go). docs/plugin-protocol.md has the same in tables.
//
// It imports nothing of ours. The checker, the host and the plugins import it, and what declares settings in the same form (data sets,
// metrics).
package schema
