package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// BuildOptions say how a plugin is built.
type BuildOptions struct {
	Confine string       // path of the program that confines the build (confine.Main); "": it is not confined
	Network bool         // the confined build has the network
	Cache   string       // folder that keeps what compilers keep from build to build, as Cache makes it; "": nothing is kept
	Notice  func(string) // told what holds the build; nil for nobody
}

// Failed is a build that ended with an error.
type Failed struct {
	Plugin  string
	Command []string
	Output  []string // the last lines that it printed
	Closed  bool     // it had no network
	Err     error
}

// Error has the last lines of what the build printed.
func (f *Failed) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "build plugin %s: `%s`: %v", f.Plugin, strings.Join(f.Command, " "), f.Err)
	for _, line := range f.Output {
		b.WriteString("\n  " + line)
	}
	if unlisted.MatchString(strings.Join(f.Output, "\n")) {
		b.WriteString("\nits go.mod and go.sum do not have all that it imports: run `go mod tidy` in the plugin's folder, and `go get PACKAGE` for a version of your own choice")
	} else if f.Closed {
		b.WriteString("\nit wrote in its folder alone and had no network; where it needs that, --build-network opens it")
	}
	return b.String()
}

// unlisted is what the Go command says of packages that go.mod or go.sum lack: a network does not help it, for a build does not change these.
var unlisted = regexp.MustCompile(`missing go\.sum entry|(no required module provides|cannot find module providing) package|updates to go\.mod needed|go: to add it`)

// Unwrap returns the cause.
func (f *Failed) Unwrap() error { return f.Err }

// outputKept is how many bytes of what a build prints are kept: more than the lines that are shown.
const outputKept = 64 << 10

// Build runs the command of a manifest that makes the plugin in a folder, in the folder; a manifest without one needs nothing. A build
// that goes wrong is a *Failed.
func Build(ctx context.Context, dir string, m installed.Manifest, o BuildOptions) error {
	if len(m.Build) == 0 {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("build plugin %s: %w", m.Name, err) }
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return fail(err)
	}
	argv, err := installed.Argv(dir, m.Build)
	if err != nil {
		return fail(err)
	}
	clean(os.TempDir())
	own, err := os.MkdirTemp("", temporaryPattern)
	if err != nil {
		return fail(err)
	}
	defer removeAll(own)
	kept := o.Cache
	if kept == "" {
		kept = filepath.Join(own, "kept")
	}
	home, temporary := filepath.Join(own, "home"), filepath.Join(own, "tmp")
	for _, d := range []string{kept, home, temporary} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fail(err)
		}
	}
	env := append(environment(o.Network), "HOME="+home, "XDG_CACHE_HOME="+kept, "GOCACHE="+filepath.Join(kept, "go"))
	read, more, err := prepareGo(ctx, dir)
	if err != nil {
		return fail(err)
	}
	out := &ring{most: outputKept}
	cmd := &exec.Cmd{Path: argv[0], Args: argv, Dir: dir, Env: append(env, more...), Stdout: out, Stderr: out, WaitDelay: untilDeaf}
	var policy *confine.Policy
	if o.Confine != "" && confine.Standing(false) != (confine.Walls{}) {
		interpreter, err := confine.Interpreter(argv[0])
		if err != nil {
			return fail(err)
		}
		path, others := tools()
		cmd.Env = append(cmd.Env, "PATH="+path)
		policy = &confine.Policy{Read: slices.Concat([]string{dir, "/usr"}, interpreter, others, read), Own: temporary, Write: []string{dir, home, kept},
			Memory: confine.Memory(), Network: o.Network}
		if o.Network {
			policy.Read = append(policy.Read, namesAndCertificates()...)
		}
	} else {
		cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
	}
	if err := execute(ctx, cmd, policy, o); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Failed{Plugin: m.Name, Command: m.Build, Output: host.LastLines(out.last()), Closed: policy != nil && !o.Network, Err: err}
	}
	return nil
}

// A build has its temporary files in a folder of its own, which is a leftover of a killed one where it is older than any build takes.
const (
	temporaryPattern = "snnc-build-*"
	leftover         = 24 * time.Hour
)

// clean removes what killed builds of this user have left among temporary files.
func clean(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, temporaryPattern))
	for _, dir := range dirs {
		var st unix.Stat_t
		if unix.Lstat(dir, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && int(st.Uid) == os.Getuid() && time.Since(time.Unix(st.Mtim.Unix())) > leftover {
			removeAll(dir)
		}
	}
}

// untilDeaf is the time from the end of a build to closing its pipes, which something it started may hold open.
const untilDeaf = 2 * time.Second

// execute runs a command to its end, and ends what it leaves behind.
func execute(ctx context.Context, cmd *exec.Cmd, p *confine.Policy, o BuildOptions) error {
	runtime.LockOSThread() // it dies with the thread that starts it
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = confine.Group()
	alone := false
	var err error
	if p != nil {
		cmd, alone, err = p.Start(o.Confine, cmd, true, nil)
	} else {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	if p != nil && o.Notice != nil {
		if p.Network {
			o.Notice("the build has the network, as --build-network says")
		} else {
			o.Notice(confine.Standing(alone).Notice())
		}
	}
	var ended func()
	if o.Confine != "" && !alone { // what it starts would outlive this process
		e, err := confine.NewEnder(o.Confine)
		if err == nil {
			defer e.Close()
			err = e.Add(cmd.Process.Pid)
		}
		if err != nil {
			confine.SignalGroup(cmd.Process.Pid, syscall.SIGKILL)
			return errors.Join(err, confine.EndGroup(cmd, nil))
		}
		ended = func() { e.Remove(cmd.Process.Pid) }
	}
	defer context.AfterFunc(ctx, func() { confine.SignalGroup(cmd.Process.Pid, syscall.SIGKILL) })()
	return confine.EndGroup(cmd, ended)
}

// tools returns PATH as a build sees it, without the folders that it cannot read, and what the programs in the others read. A folder that cannot
// be read would hide programs of the same names in the ones behind it.
func tools() (path string, read []string) {
	var kept []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if system := dir == "/bin" || dir == "/sbin" || strings.HasPrefix(dir, "/usr/"); !system {
			more := confine.Tools(dir)
			if !filepath.IsAbs(dir) || more == nil {
				continue
			}
			read = append(read, more...)
			for _, name := range []string{"python3", "python"} { // of an environment, which leads to the one that it was made by
				if also, err := confine.Interpreter(filepath.Join(dir, name)); err == nil {
					read = append(read, also...)
				}
			}
		}
		kept = append(kept, dir)
	}
	return strings.Join(kept, string(filepath.ListSeparator)), read
}

// environment returns what a build gets of this process's environment: enough to find programs and a language and, with the network, ways
// into it.
func environment(network bool) (out []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "PATH", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "CC", "CXX", "CGO_ENABLED":
			out = append(out, v)
			continue
		}
		upper := strings.ToUpper(name)
		if network && (upper == "HTTP_PROXY" || upper == "HTTPS_PROXY" || upper == "NO_PROXY" || upper == "ALL_PROXY" || slices.Contains(named, name) ||
			strings.HasPrefix(name, "PIP_") || strings.HasPrefix(name, "UV_")) {
			out = append(out, v)
		}
	}
	return out
}

// named are the variables that name files which a build with the network may read: certificates, and what the user has set for pip.
var named = []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "PIP_CONFIG_FILE", "PIP_FIND_LINKS"}

// namesAndCertificates returns the files that a program reads to find and to trust others in the network.
func namesAndCertificates() []string {
	out := []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/run/systemd/resolve", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/pip.conf"}
	for _, name := range named {
		if path := os.Getenv(name); filepath.IsAbs(path) {
			out = append(out, path)
		}
	}
	return out
}

// ring keeps the last bytes that are written to it.
type ring struct {
	most int
	kept []byte
}

// Write implements io.Writer.
func (r *ring) Write(b []byte) (int, error) {
	r.kept = append(r.kept, b...)
	if len(r.kept) > 2*r.most {
		r.kept = append(r.kept[:0], r.kept[len(r.kept)-r.most:]...)
	}
	return len(b), nil
}

// last returns what is kept.
func (r *ring) last() []byte { return r.kept[max(0, len(r.kept)-r.most):] }

// removeAll removes a folder also where folders in it may not be written to, as those of the Go command.
func removeAll(dir string) error {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// unusedFor is how long what compilers keep of a plugin is kept without being used.
const unusedFor = 30 * 24 * time.Hour

// Cache returns a folder below another one for what compilers keep from build to build of the plugin of a name whose sources lie in a
// folder, and removes those that no build has used for 30 days. No other plugin gets it: who writes there decides what the next build
// makes.
func Cache(caches, name, sources string) (string, error) {
	sources, err := filepath.Abs(sources)
	if err != nil {
		return "", fmt.Errorf("make a cache of builds: %w", err)
	}
	all, _ := os.ReadDir(caches)
	for _, e := range all {
		if st, err := e.Info(); err == nil && st.IsDir() && time.Since(st.ModTime()) > unusedFor {
			removeAll(filepath.Join(caches, e.Name()))
		}
	}
	sum := sha256.Sum256([]byte(name + "\x00" + sources))
	dir := filepath.Join(caches, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a cache of builds: %w", err)
	}
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil {
		return "", fmt.Errorf("make a cache of builds: %w", err)
	}
	return dir, nil
}
