package confine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	lowlevel "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// moves is the version of Landlock's interface from which files can be moved from folder to folder.
const moves = 2

// sooner is what a process has on top of its memory where the system, which has run out of that, chooses whom to end: half of the machine's
// (proc_pid_oom_score_adj(5)). A plugin can be started again, its host cannot.
const sooner = 500

// system is what every program reads: its libraries, and what the runtimes of languages ask about the machine. Of /proc it is the process
// itself alone.
var system = []string{
	"/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store",
	"/usr/bin", "/bin", "/usr/share/zoneinfo", "/usr/share/locale", "/usr/local/lib", "/usr/local/bin",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/localtime", "/etc/alternatives", "/etc/locale.alias",
	"/etc/mime.types", "/etc/os-release", "/etc/lsb-release", "/etc/debian_version", "/etc/redhat-release", // read by Python where they are there
	"/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", // without which Node does not start where they are there
	"/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/version", "/proc/sys/vm/overcommit_memory",
	"/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/osrelease",
	"/sys/devices/system", "/sys/kernel/mm/transparent_hugepage", "/sys/fs/cgroup", "/dev/zero", "/dev/urandom", "/dev/random",
}

// oomScore is the file of sooner.
const oomScore = "/proc/self/oom_score_adj"

// become applies the policy to this process and executes the command in it. It returns only with an error.
//
// It stays on one thread, for what is applied to a thread is what the new program gets.
func become(p Policy, command []string) error {
	runtime.LockOSThread()
	if err := limit(p); err != nil {
		return err
	}
	// Best effort: a process that is more expendable already stays so.
	if text, err := os.ReadFile(oomScore); err == nil {
		if now, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && now < sooner {
			os.WriteFile(oomScore, []byte(strconv.Itoa(sooner)), 0)
		}
	}
	// The command is looked up before the walls stand: what is wrong with it is told better.
	if _, err := exec.LookPath(command[0]); err != nil {
		return err
	}
	read, folders := sort(append(append([]string(nil), system...), p.Read...))
	rules := []landlock.Rule{
		landlock.ROFiles(read...).IgnoreIfMissing(),
		landlock.RODirs(folders...).IgnoreIfMissing(),
		landlock.RWFiles("/dev/null"),
		landlock.PathAccess(landlock.AccessFSSet(lowlevel.AccessFSReadDir), p.List...).IgnoreIfMissing(),
	}
	if writes := p.Write; p.Own != "" || len(writes) > 0 {
		if p.Own != "" {
			writes = append([]string{p.Own}, writes...)
		}
		rule := landlock.RWDirs(writes...)
		if abi, err := lowlevel.LandlockGetABIVersion(); err == nil && abi >= moves {
			rule = rule.WithRefer()
		}
		rules = append(rules, rule)
	}
	for _, dir := range p.Shared { // not to cut them: who reads mapped memory that its file has no more is ended
		rules = append(rules, landlock.PathAccess(landlock.AccessFSSet(lowlevel.AccessFSReadFile|lowlevel.AccessFSWriteFile), dir))
	}
	handled := landlock.V9
	if p.Network {
		// One set of rules, not one of files and one of signals: what a set does not name is refused as well where files change folders.
		handled = landlock.Config{HandledAccessFS: handled.HandledAccessFS, Scoped: handled.Scoped}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	if err := restrict(handled, rules); err != nil {
		return fmt.Errorf("restrict files: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	if err := filterCalls(p); err != nil {
		return fmt.Errorf("restrict system calls: %w", err)
	}
	if p.Watch > 0 {
		if err := letWatch(p.Watch); err != nil {
			return fmt.Errorf("be watched: %w", err)
		}
	} else if err := filterSockets(p.Network); err != nil {
		return fmt.Errorf("restrict sockets: %w", err)
	}
	// The thread on which Go runs this may be another than the one that the host started, whose signal at the death of its parent the new
	// program would not inherit. That thread keeps its own until the program is executed, so there is no gap.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("end with the host: %w", err)
	}
	return fmt.Errorf("execute %s: %w", command[0], syscall.Exec(command[0], command, os.Environ()))
}

// restrict puts Landlock's rules on this thread. What go-landlock has for that is for all threads of a process, which it counts in /proc/self
// and signals by their numbers there: in a namespace of processes they have others.
func restrict(handled landlock.Config, rules []landlock.Rule) error {
	rulesetFD, flags, err := handled.BestEffort().NewRulesetFD(rules...)
	if err != nil || rulesetFD < 0 { // there is no Landlock
		return err
	}
	defer unix.Close(rulesetFD)
	return lowlevel.LandlockRestrictSelf(rulesetFD, flags)
}

// dropCapabilities takes from this thread what root may, where it is root; without new privileges no program that it becomes has it back.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	var none [2]unix.CapUserData // 64 capabilities, 32 each
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
}

// sort tells files from folders; what is not there, or not for this user, is left out.
func sort(paths []string) (files, folders []string) {
	for _, path := range paths {
		switch st, err := os.Stat(path); {
		case err != nil:
		case st.IsDir():
			folders = append(folders, path)
		default:
			files = append(files, path)
		}
	}
	return files, folders
}

// limit sets the limits of the process, each to no more than it was.
func limit(p Policy) error {
	type pair struct {
		what  int
		value uint64
	}
	limits := []pair{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, maxOpen}, {unix.RLIMIT_FSIZE, maxFile}, {unix.RLIMIT_RTPRIO, 0}}
	if p.Alone {
		limits = append(limits, pair{unix.RLIMIT_NPROC, maxThreads})
	}
	if p.Memory > 0 {
		// Not the address space: runtimes reserve much of that without using it, and the arenas are not the plugin's memory.
		limits = append(limits, pair{unix.RLIMIT_DATA, p.Memory})
	}
	for _, l := range limits {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(l.what, &now); err != nil {
			return fmt.Errorf("read limit %d: %w", l.what, err)
		}
		now.Max = min(now.Max, l.value)
		now.Cur = now.Max
		if err := syscall.Setrlimit(l.what, &now); err != nil {
			return fmt.Errorf("set limit %d: %w", l.what, err)
		}
	}
	return nil
}

// Namespaces lets a process start in namespaces of its own: of users, in which it is the user that it was, or, where that is root, one
// without privileges; of the network, without any interface, unless it is to have the network; of processes, of which it is the first, so
// that all that it starts ends with it; and of System V's and POSIX's queues and shared memory. Its /proc/self is what it was. Starting
// fails where the system does not let users make namespaces.
func Namespaces(a *syscall.SysProcAttr, network bool) {
	const nobody = 65534
	id := func(outside int) []syscall.SysProcIDMap {
		inside := outside
		if inside == 0 { // of itself root gets all capabilities at execve(2), if only those of the namespace
			inside = nobody
		}
		return []syscall.SysProcIDMap{{ContainerID: inside, HostID: outside, Size: 1}}
	}
	a.Cloneflags |= unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWIPC
	if !network {
		a.Cloneflags |= unix.CLONE_NEWNET
	}
	a.UidMappings, a.GidMappings = id(os.Getuid()), id(os.Getgid())
}

// Standing returns the walls that a process on this system gets, with namespaces or without.
func Standing(namespaces bool) Walls {
	abi, err := lowlevel.LandlockGetABIVersion()
	if err != nil {
		abi = 0
	}
	return Walls{Landlock: abi, Seccomp: canFilter(), Namespaces: namespaces}
}

// Memory returns how much private memory a plugin's process may take: half of the machine's, and 2 GiB at least.
func Memory() uint64 {
	const least = 2 << 30
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return least
	}
	return max(uint64(info.Totalram)*uint64(info.Unit)/2, least)
}
