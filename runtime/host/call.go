package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/installed"
)

// method is a call of the protocol.
type method struct {
	name string
	rpc  func(proto.PluginClient, context.Context, *proto.Request, ...grpc.CallOption) (*proto.Reply, error)
	long bool // it has the time of Options.Long
}

var (
	describeCall = method{name: "Describe", rpc: proto.PluginClient.Describe}
	buildCall    = method{name: "Build", rpc: proto.PluginClient.Build}
	samplerCall  = method{name: "Sampler", rpc: proto.PluginClient.Sampler}
	coderCall    = method{name: "Coder", rpc: proto.PluginClient.Coder}
	checkCall    = method{name: "Check", rpc: proto.PluginClient.Check}
	prepareCall  = method{name: "Prepare", rpc: proto.PluginClient.Prepare}
	forwardCall  = method{name: "Forward", rpc: proto.PluginClient.Forward}
	backwardCall = method{name: "Backward", rpc: proto.PluginClient.Backward}
	compileCall  = method{name: "Compile", rpc: proto.PluginClient.Compile, long: true}
	emulateCall  = method{name: "Emulate", rpc: proto.PluginClient.Emulate, long: true}
	exportCall   = method{name: "Export", rpc: proto.PluginClient.Export, long: true}
	traceCall    = method{name: "Trace", rpc: proto.PluginClient.Trace, long: true}
)

// firstPause is the time between the first try of a call and the second; the next ones double.
const firstPause = 50 * time.Millisecond

// served is a plugin and, while there is one, its process.
type served struct {
	name     string
	argv     []string
	dir      string              // "" of the built-ins
	dev      bool                // it is one of Options.Dev
	manifest *installed.Manifest // nil of the built-ins
	folder   string              // hash of dir as it was before anything of it was started; "" where no lock holds the plugin

	code func() (string, error) // installed.HashCode of dir, which is read once

	lock chan struct{} // held while now is read or changed, and while a process starts
	now  *connection

	describing chan struct{} // held while described is
	described  *schema.Plugin
}

// connection is a process that has shaken hands, and the way to talk to it.
type connection struct {
	*process
	conn *grpc.ClientConn
}

// nonsense is an answer that does not hold.
type nonsense struct{ error }

// call makes a call, on as many processes as it takes up to Options.Tries, and has the reply judged. before, where it is not nil, comes
// first on each connection.
func (h *Host) call(ctx context.Context, s *served, m method, request any, before func(context.Context, *connection) error, judge func(string) error) (string, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("%s %s: write the request: %w", strings.ToLower(m.name), called(s.name), err)
	}
	return h.send(ctx, s, m, string(text), before, judge)
}

// send is call with the request as text.
func (h *Host) send(ctx context.Context, s *served, m method, text string, before func(context.Context, *connection) error, judge func(string) error) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	// The call's context has no deadline of its own: gRPC would tell it to the plugin, which could give up first.
	most := h.o.Timeout
	if m.long {
		most = h.o.Long
	}
	limit := fmt.Errorf("no answer within %v", most)
	own, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	defer context.AfterFunc(ctx, func() { end(ctx.Err()) })()
	defer context.AfterFunc(h.ctx, func() { end(ErrClosed) })()
	defer time.AfterFunc(most, func() { end(limit) }).Stop()

	pause := firstPause
	for try := 1; ; try++ {
		c, err := h.connect(own, s)
		var reply *proto.Reply
		if err == nil && before != nil {
			err = before(own, c)
		}
		if err == nil {
			reply, err = m.rpc(proto.NewPluginClient(c.conn), own, &proto.Request{Json: text})
		}
		if err == nil {
			if err = judge(reply.GetJson()); err == nil {
				return reply.GetJson(), nil
			}
			err = &nonsense{err}
		}
		if bad := (*nonsense)(nil); errors.As(err, &bad) {
			return "", &Failure{Plugin: s.name, Dir: s.dir, Call: m.name, Kind: Nonsense, Err: fmt.Errorf("the reply makes no sense: %w", bad.error)}
		}
		f, again := &Failure{Plugin: s.name, Dir: s.dir, Call: m.name, Err: err}, false
		cause := context.Cause(own)
		if cause == nil && c != nil {
			f.Kind, f.Err, again = c.diagnose(err)
		}
		if c != nil && (again || cause == limit) {
			c.drop()
			f.Exit, f.Stderr = c.died(), c.tail.last()
		}
		if c != nil {
			f.Limit, f.Confined = c.limit(f), c.confined != nil
		}
		if bad := (*startError)(nil); errors.As(err, &bad) {
			f.Kind, f.Exit, f.Stderr, again = Start, bad.exit, bad.stderr, bad.exit != ""
			f.Limit, f.Confined = bad.of.limit(f), bad.of.confined != nil
		}
		switch {
		case cause == limit && c == nil:
			f.Kind, f.Err, f.Exit = Start, fmt.Errorf("the process was not ready within %v", most), ""
			return "", f
		case cause == limit:
			f.Kind, f.Err, f.Exit = Late, limit, ""
			return "", f
		case cause != nil: // ErrClosed, or the caller's end
			return "", cause
		case errors.Is(err, ErrClosed):
			return "", ErrClosed
		}
		if !again || try >= h.o.Tries {
			return "", f
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-own.Done(): // the next try says why
		}
	}
}

// diagnose says what the error of a call means, and whether it means that the process is dead.
func (c *connection) diagnose(err error) (Kind, error, bool) {
	st, _ := status.FromError(err)
	said := readable(st.Message())
	switch st.Code() {
	case codes.Unknown, codes.InvalidArgument, codes.FailedPrecondition, codes.NotFound: // the plugin's own
		return Refused, errors.New(said), false
	case codes.Unimplemented:
		return Unknown, errors.New("the plugin does not know this call"), false
	case codes.ResourceExhausted:
		return Large, fmt.Errorf("a message is over %d MB: %s", proto.MaxMessage>>20, said), false
	case codes.Unavailable:
		if !c.within(untilAsked) { // the connection broke; the process may be about to end
			return Ended, fmt.Errorf("the connection broke: %s", said), true
		}
		return Ended, errors.New("the process ended"), true
	}
	if c.within(untilAsked) {
		return Ended, errors.New("the process ended"), true
	}
	return Other, fmt.Errorf("%v: %s", st.Code(), said), false
}

// connect returns the connection to the plugin's process, which it starts where there is none.
func (h *Host) connect(ctx context.Context, s *served) (*connection, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if s.now != nil {
		if !s.now.over() && s.now.conn.GetState() != connectivity.Shutdown {
			return s.now, nil
		}
		s.now.conn.Close()
		s.now = nil
	}
	c, err := h.start(ctx, s)
	if err != nil {
		return nil, err
	}
	s.now = c
	return c, nil
}

// drop ends a connection and its process; the next call starts another one.
func (c *connection) drop() {
	c.kill()
	c.conn.Close()
}

// close ends the plugin's process; calls that would start another one have ended before.
func (s *served) close() {
	s.lock <- struct{}{}
	defer func() { <-s.lock }()
	if s.now == nil {
		return
	}
	s.now.conn.Close()
	s.now.stop()
	s.now = nil
}

// startError is a process that did not come to its handshake.
type startError struct {
	of     *process
	err    error
	exit   string // how it ended; "" where it did not end by itself
	stderr []string
}

// Error implements error.
func (e *startError) Error() string { return e.err.Error() }

// Unwrap implements errors.Unwrap.
func (e *startError) Unwrap() error { return e.err }

// start starts the plugin's process and shakes hands. The context ends the attempt.
func (h *Host) start(ctx context.Context, s *served) (*connection, error) {
	dir, err := h.sockets()
	if err != nil {
		return nil, err
	}
	if err := s.startable(); err != nil {
		return nil, err
	}
	p := newProcess(s.argv, s.dir)
	if s.dir != "" {
		p.sandbox = h.sandbox
	}
	if s.dev && h.o.Printed != nil {
		p.printed = func(line string) { h.o.Printed(s.name, line) }
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: proto.Version, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue},
		Plugins:          plugin.PluginSet{},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		SkipHostEnv:      true,
		StartTimeout:     h.o.Start,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: dir},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, sockets string) (runner.Runner, error) {
			p.cmd.Env, p.sockets = slices.Concat(environment(), h.o.Env, cmd.Env), sockets
			var err error
			p.confined, err = h.confined(s, p, sockets)
			if err != nil {
				os.RemoveAll(sockets)
			}
			return p, err
		},
	})
	begun := time.Now()
	undo := context.AfterFunc(ctx, p.kill)
	addr, err := client.Start()
	undo()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		// client.Kill is not called: nothing of the client is left once its process is gone, and Kill would first dial.
		if p.ID() != "0" { // else it never ran, and nobody would say that it has ended
			p.kill()
		}
		bad := &startError{of: p, err: err, exit: p.died(), stderr: p.tail.last()}
		switch {
		case p.ID() == "0": // it never ran
		case bad.exit != "":
			bad.err = errors.New("the process ended before it was ready")
		case p.shook():
			bad.err = fmt.Errorf("shake hands: %w", err)
		case time.Since(begun) >= h.o.Start:
			bad.err = fmt.Errorf("the process was not ready within %v", h.o.Start)
		default:
			bad.err = errors.New("the process closed its standard output before it was ready")
		}
		return nil, bad
	}
	if p.sandbox != nil {
		p.sandbox.told()
	}
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return p.dial(ctx, addr.String())
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(proto.MaxMessage), grpc.MaxCallSendMsgSize(proto.MaxMessage)),
		grpc.WithStaticStreamWindowSize(proto.Window), grpc.WithStaticConnWindowSize(proto.Window),
		grpc.WithDisableServiceConfig(), grpc.WithNoProxy(), grpc.WithIdleTimeout(0))
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("connect to %s: %w", called(s.name), err)
	}
	return &connection{p, conn}, nil
}

// startable says what is missing for the plugin's process.
func (s *served) startable() error {
	_, err := os.Stat(s.argv[0])
	switch {
	case !errors.Is(err, fs.ErrNotExist): // what else is wrong with it the system says
		return nil
	case s.manifest == nil:
		return fmt.Errorf("find its program %s: %w", s.argv[0], fs.ErrNotExist)
	case len(s.manifest.Build) > 0:
		return fmt.Errorf("find its program %s: %w; build it by `snnc plugin test %s`, which runs `%s`", s.argv[0], fs.ErrNotExist, s.dir, strings.Join(s.manifest.Build, " "))
	}
	return fmt.Errorf("find its program %s: %w; put it there, or name another one in `command` of %s", s.argv[0], fs.ErrNotExist, filepath.Join(s.dir, installed.ManifestName))
}

// sockets returns the host's private folder.
func (h *Host) sockets() (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", ErrClosed
	}
	if h.folder == nil {
		base := os.TempDir()
		if len(base)+restOfSocket > longestSocket {
			base = "/tmp"
		}
		f, err := newFolder(base)
		if err != nil {
			return "", err
		}
		h.folder = f
	}
	return h.folder.path, nil
}

// environment returns what a plugin gets of the host's environment: enough to find programs, files and a language.
func environment() []string {
	out := []string{"PYTHONDONTWRITEBYTECODE=1"} // a plugin whose first start changed its folder could not be held to a lock
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "GOMAXPROCS", "GOTRACEBACK", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}
