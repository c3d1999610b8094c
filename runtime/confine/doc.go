// Package confine shuts the processes of third parties' plugins in: what they read, what they write, whom they talk to and how much
// they take.
//
// The host does not start a plugin's command itself, but this program again with the hidden word Command, a Policy and the plugin's
// command (Policy.Argv); Main, the first thing that the program does, applies the policy to its own process and then becomes the
// plugin. So nothing of the plugin runs before the walls stand, and the walls need no privileges. Each of them stands by itself:
//
//   - Landlock, for files: the process reads and executes what the policy names besides the system's libraries, and writes in its own
//     folder and into the files of shared memory alone. From version 6 of its interface it signals no process outside.
//   - Seccomp filters, for what Landlock does not see. Of sockets there are streams of the unix domain, for the host to connect to, and no
//     others, and nothing connects to anybody; io_uring, which makes sockets past the filter, is not there. A policy may open the network to a build; then there are sockets of the internet alone.
//     Metadata of files, other
//     processes, keys, System V's shared memory, new namespaces, mounts and the kernel's larger doors (eBPF, userfaultfd, performance
//     counters) are refused, and so is to live on when the host dies.
//   - Namespaces of its own (Namespaces), where the system lets a user make them: a network without any interface, an identity without
//     capabilities, even where the host is root, and processes among themselves, which end together.
//   - Limits of the system (setrlimit(2)): memory, sizes and numbers of files, threads, no core files.
//
// Where there are no namespaces an Ender ends what plugins have started when the host is gone.
//
// What a system lacks is left out, and Walls tells what holds. Landlock and the namespaces are of Linux; elsewhere nothing holds.
//
// A process can be watched as well (Watch): of what it tries against its walls each attempt is told, also those whose errors it hides.
//
// It imports no package of this project. Only runtime/host, runtime/fetch, plugins/plugintest and cmd/snnc import it.
package confine
