// Package installed finds the plugins that lie in folders, and holds them to what snnc.lock says of them.
//
// A plugin is a folder with a manifest (ReadManifest), and what a machine has made there is not its own (IsOwn). Those that a spec uses lie in folders named plugins, of which Near
// lists the ones that count for the spec, in order. Places.Find returns the folder of a name. Nothing else is looked into,
// neither PATH nor the current folder.
//
// A Lock is the file snnc.lock: for each plugin its version, a hash of all that is in its folder (Hash) and one of what it said
// of itself. The host compares the first before it starts anything of a plugin, and the second with what the plugin says.
//
// It imports runtime/record/wholefile alone. The host, what makes, brings and tests plugins, the findings about them (runtime/build) and the
// commands that manage them import it.
package installed
