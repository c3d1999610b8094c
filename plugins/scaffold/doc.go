// Package scaffold makes the folder that a new plugin begins with, for `snnc plugin new`: a program with tests, a manifest, a spec that
// uses it, what a repository wants, and the SDK, so that it builds on a machine that has snnc and the language alone.
//
// The programs lie in go/KIND and python/KIND as they are, as plugins of one component called leap; a plugin of another name is made
// from them by replacing that word. The specs in spec are the same for both languages, as the components are. The SDK is the
// sources of this module that plugins/sdk is built of.
package scaffold
