// Package fetch brings plugins to where specs find them: it copies, unpacks or downloads one, builds it and puts it in its place.
//
// A Stage is the place of work in a folder of plugins, held by one process at a time. Stage.Bring takes a plugin there from a folder,
// an archive (Unpack) or a Go module; Build runs the command of its manifest; Stage.Place renames it to where it is found. Until then
// nothing of it is under a name that specs can use, so a process that is killed on the way leaves no half of a plugin, and the next Stage
// removes what it left. Stage.Remove goes the other way.
//
// None of the code of a plugin runs but in Build, which is confined as the plugin itself is (runtime/confine): it writes in the
// plugin's folder and in temporary ones, reads besides these its tools and the system's libraries, and has no network unless the user
// opens it. What the Go command needs from the network is downloaded before, which executes nothing of a plugin.
//
// Of ours it imports runtime/confine, runtime/host and runtime/installed; cmd/snnc imports it.
package fetch
