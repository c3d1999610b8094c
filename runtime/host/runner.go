package host

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"github.com/hashicorp/go-plugin/runner"

	"snnc.dev/snnc/runtime/confine"
)

// The steps of ending a process that may still have something to do.
const (
	untilAsked  = 300 * time.Millisecond // from closing its lifeline to SIGTERM
	untilKilled = 500 * time.Millisecond // from SIGTERM to SIGKILL
	untilLost   = 2 * time.Second        // from SIGKILL to giving up
	untilDeaf   = 200 * time.Millisecond // from its end to closing its pipes, which something it started may hold open
)

// process is one run of a plugin's command: the runner behind go-plugin's client. It is used once.
//
// A goroutine of its own (run) starts the process, from a thread that lives as long as the process: Linux signals the death
// of the parent when the *thread* that started a process ends. The process leads a process group, so that what it starts ends
// with it, and its standard input is a lifeline: a pipe that closes when the host is gone, however that ended.
type process struct {
	cmd      *exec.Cmd
	sockets  string    // folder of its socket, removed when it ends
	confined *confined // nil: it is not
	sandbox  *sandbox  // of a plugin that is to be held, confined or not; nil: of none

	tail     tail
	printed  func(line string) // told of each line that it prints, but for the handshake; nil for nobody
	hello    once              // the handshake, for go-plugin
	lifeline *os.File          // the host's end of its standard input
	ended    chan struct{}     // closed when the process and the goroutines that read its output are gone

	mu     sync.Mutex
	pid    int
	said   bool     // it shook hands
	early  []string // what it printed on standard output before that
	killed bool     // by the host
	gone   bool     // reaped, or about to be: the pid may belong to another process
	forget func()   // called when its group has ended; nil for nothing
	state  string
}

var _ runner.Runner = (*process)(nil)

// newProcess makes a process of a command whose first word is an absolute path.
func newProcess(argv []string, dir string) *process {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), hello: once{line: make(chan []byte, 1)}, ended: make(chan struct{})}
	p.cmd.Dir = dir
	return p
}

// Start starts the process and returns once it runs.
func (p *process) Start(context.Context) error {
	started := make(chan error, 1)
	go p.run(started)
	return <-started
}

func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	defer func() { os.RemoveAll(p.sockets) }()
	var pipes [3][2]*os.File // of standard input, output, error: the end to read from, the end to write to
	defer func() {
		for _, pair := range pipes {
			for _, f := range pair {
				if f != nil {
					f.Close()
				}
			}
		}
	}()
	for i := range pipes {
		var err error
		if pipes[i][0], pipes[i][1], err = os.Pipe(); err != nil {
			started <- err
			return
		}
	}
	in, out, errs := pipes[0], pipes[1], pipes[2]
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in[0], out[1], errs[1]
	// On Linux it dies with this thread; elsewhere the lifeline alone ends a plugin whose host was killed.
	p.cmd.SysProcAttr = confine.Group()
	var err error
	var alone bool
	if p.confined != nil {
		p.cmd, alone, err = p.confined.start(p.cmd)
	} else {
		err = p.cmd.Start()
	}
	if err == nil && p.sandbox != nil && !alone {
		if p.forget, err = p.sandbox.watch(p.cmd.Process.Pid); err != nil {
			confine.SignalGroup(p.cmd.Process.Pid, syscall.SIGKILL)
			p.cmd.Wait()
		}
	}
	for _, theirs := range []*os.File{in[0], out[1], errs[1]} {
		theirs.Close()
	}
	if err != nil {
		started <- err
		return
	}
	p.mu.Lock()
	p.pid, p.lifeline = p.cmd.Process.Pid, in[1]
	if p.killed { // before there was a process
		confine.SignalGroup(p.pid, syscall.SIGKILL)
	}
	p.mu.Unlock()
	started <- nil

	var readers sync.WaitGroup
	readers.Go(func() {
		defer close(p.hello.line)
		var early tail
		eachLine(out[0], func(line []byte) {
			if h := handshake(line); h != nil && p.says(&early, line[:len(line)-len(h)]) {
				p.hello.line <- append(h[:len(h):len(h)], '\n')
				return
			}
			early.add(line)
			p.prints(line)
		})
	})
	readers.Go(func() { eachLine(errs[0], p.prints) })

	confine.EndGroup(p.cmd, p.reaped)
	p.mu.Lock()
	p.state = p.cmd.ProcessState.String()
	p.mu.Unlock()
	deaf := time.Now().Add(untilDeaf)
	out[0].SetReadDeadline(deaf)
	errs[0].SetReadDeadline(deaf)
	readers.Wait()
}

// prints takes a line that the process printed.
func (p *process) prints(line []byte) {
	p.tail.add(line)
	if p.printed != nil {
		if s := strings.TrimRightFunc(printable(line), unicode.IsSpace); s != "" {
			p.printed(s)
		}
	}
}

// says notes the handshake with what was printed before, also on its line, and reports whether it is the first one.
func (p *process) says(before *tail, line []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said {
		return false
	}
	before.add(line)
	p.said, p.early = true, before.last()
	return true
}

// reaped notes that the process is about to be, or was, taken off the system's table; its pid is not used again.
func (p *process) reaped() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	if p.forget != nil {
		p.forget()
	}
}

// signal sends a signal to the process and all that it started in its group.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 && !p.gone {
		confine.SignalGroup(p.pid, s)
	}
}

// kill ends the process at once and waits until it is gone.
func (p *process) kill() {
	p.mu.Lock()
	p.killed = p.killed || !p.over()
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
	p.within(untilLost)
}

// stop ends the process: it takes its lifeline away, then asks, then kills.
func (p *process) stop() {
	p.mu.Lock()
	if p.lifeline != nil {
		p.lifeline.Close()
	}
	p.mu.Unlock()
	if p.within(untilAsked) {
		return
	}
	p.signal(syscall.SIGTERM)
	if p.within(untilKilled) {
		return
	}
	p.kill()
}

// over reports whether the process is gone.
func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// within reports whether the process is gone before d has passed.
func (p *process) within(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.ended:
		return true
	case <-t.C:
		return false
	}
}

// shook reports whether the process shook hands.
func (p *process) shook() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said
}

// died says how the process ended by itself, such as "exit status 3" or "signal: killed"; "" where it runs, or the host killed
// it.
func (p *process) died() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return ""
	}
	return p.state
}

// Wait implements runner.AttachedRunner.
func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements runner.AttachedRunner. go-plugin calls it as soon as the handshake fails; a process that is just ending by
// itself is let end, so that it is known how it did.
func (p *process) Kill(context.Context) error {
	if !p.within(untilDeaf) {
		p.kill()
	}
	return nil
}

// Diagnose implements runner.Runner; what there is to say is in the tail.
func (p *process) Diagnose(context.Context) string { return "" }

// Stdout returns the handshake, and nothing else of what the process prints: go-plugin takes any other line for a failed
// handshake, and stops reading at a line of 64 KB, which blocks the process.
func (p *process) Stdout() io.ReadCloser { return &p.hello }

// Stderr returns nothing: go-plugin panics at a line such as `{"@message": 5}`.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (p *process) Name() string { return p.cmd.Path }

// ID implements runner.AttachedRunner.
func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strconv.Itoa(p.pid)
}

// PluginToHost lets a plugin listen in the folder made for it and nowhere else.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(address) != p.sockets {
		return "", "", fmt.Errorf("the plugin listens at %s %q, not on a unix socket in the folder $PLUGIN_UNIX_SOCKET_DIR", network, printable([]byte(address)))
	}
	return network, address, nil
}

// dial connects to the process at the path of a socket. Who makes the file may make a link of it, to the socket of a service that trusts the
// user: what the host has to say is for nobody but the process.
func (p *process) dial(ctx context.Context, path string) (net.Conn, error) {
	if st, err := os.Lstat(path); err != nil {
		return nil, err
	} else if st.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is no socket", path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := p.listens(conn.(*net.UnixConn)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("at %s: %w", path, err)
	}
	return conn, nil
}

// HostToPlugin implements runner.AddrTranslator.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
