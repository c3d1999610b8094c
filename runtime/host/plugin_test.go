package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// The tests' processes are this test binary started again with two arguments: the word below, and what to be.
const again = "be"

func TestMain(m *testing.M) {
	confine.Main()
	if len(os.Args) == 3 && os.Args[1] == again {
		be(os.Args[2])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// command is that of a process that is what.
func command(t testing.TB, what string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, again, what}
}

// start returns a host whose built-in plugin is what.
func start(t testing.TB, what string, o host.Options) *host.Host {
	t.Helper()
	o.Builtin = command(t, what)
	h := host.New(o)
	t.Cleanup(func() {
		begun := time.Now()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("Close took %v", took)
		}
		if dir := h.Folder(); dir != "" {
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("%s is left: %v", dir, err)
			}
		}
	})
	return h
}

// be is one of the plugins that the tests run.
func be(what string) {
	switch what {
	case "good":
		sdk.Serve(testPlugin())
	case "leaver":
		p := testPlugin()
		p.Name, p.Version = "acme/leaver", "1.0.0"
		sdk.Serve(p)
	case "cutter":
		p := opaquetest.Plugin()
		p.Name, p.Version = "acme/cutter", "1.0.0"
		over(&p, func(*sdk.Prepared) func() { return cut })
		sdk.Serve(p)
	case "limited host": // of a confined plugin that takes too many threads
		self, _ := os.Executable()
		h := host.New(host.Options{Confine: self, Dev: map[string]string{"acme/leaver": os.Getenv("SNNC_TEST_FOLDER")}, Tries: 1})
		_, err := h.Build(context.Background(), "acme/leaver", request("threads", 1))
		fmt.Println(err)
		h.Close()
	case "opaque":
		sdk.Serve(opaquetest.Plugin())
	case "opaque mortal":
		sdk.Serve(mortal(opaquetest.Plugin()))
	case "opaque timed":
		x, err := openTimes(os.Getenv(timesFile))
		if err != nil {
			panic(err)
		}
		sdk.Serve(x.of(opaquetest.Plugin()))
	case "opaque meeting": // a call waits until there are sixteen
		p := opaquetest.Plugin()
		var there sync.WaitGroup
		there.Add(16)
		over(&p, func(*sdk.Prepared) func() { return func() { there.Done(); there.Wait() } })
		sdk.Serve(p)
	case "opaque asleep":
		p := opaquetest.Plugin()
		over(&p, func(*sdk.Prepared) func() { return func() { time.Sleep(time.Hour) } })
		sdk.Serve(p)
	case "opaque loose": // its arguments mean something else when they are asked for once more
		p, calls := opaquetest.Plugin(), 0
		over(&p, func(x *sdk.Prepared) func() {
			if calls++; calls > 1 {
				x.Saved = nil
			}
			return func() {}
		})
		sdk.Serve(p)
	case "chips":
		sdk.Serve(circuittest.Plugin())
	case "chips odd": // its only parameter says how
		sdk.Serve(oddChips())
	case "chatty": // prints before it serves, the last line without an end
		fmt.Println("loading weights")
		fmt.Println("1|2|3|4")
		fmt.Print("half a line 1")
		sdk.Serve(testPlugin())
	case "loud": // prints before it serves what go-plugin's client or a pipe could choke on
		for _, f := range []*os.File{os.Stdout, os.Stderr} {
			fmt.Fprintln(f, `{"@message": 5}`)
			fmt.Fprintln(f, strings.Repeat("long ", 200_000))
		}
		sdk.Serve(testPlugin())
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot find the licence")
		os.Exit(3)
	case "garbage":
		fmt.Println("this is no handshake")
		fmt.Println(strings.Repeat("x", 1<<20))
		os.Exit(0)
	case "silent":
		select {}
	case "deaf": // nothing to shake hands with
		os.Stdout.Close()
		syscall.Close(1)
		time.Sleep(time.Hour)
	case "version":
		fmt.Println("1|99|unix|" + filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s") + "|grpc")
		time.Sleep(time.Hour)
	case "tcp":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc")
		time.Sleep(time.Hour)
	case "nobody": // the socket is not there
		fmt.Println("1|1|unix|" + filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s") + "|grpc")
		time.Sleep(time.Hour)
	case "stubborn": // ends when it is killed, and not before
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		serveRaw("{}")
	case "host": // runs a plugin, says which process it is, and waits to be killed
		self, _ := os.Executable()
		h := host.New(host.Options{Builtin: []string{self, again, "stubborn"}})
		h.Describe(context.Background(), "")
		fmt.Println(h.Folder(), h.Processes()[0])
		time.Sleep(time.Hour)
	case "confining host", "confining host without namespaces": // the same, of a confined plugin that starts others, and says which
		killable(os.Getenv("SNNC_TEST_FOLDER"), what == "confining host")
	case "sleep":
		time.Sleep(time.Hour)
	default:
		if to, ok := strings.CutPrefix(what, "leads to "); ok { // the socket of somebody else, by a link or as the file itself
			how, to, _ := strings.Cut(to, " ")
			at := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
			err := os.Symlink(to, at)
			if how == "name" {
				err = errors.Join(os.Remove(at), os.Link(to, at))
			}
			if err != nil {
				panic(err)
			}
			fmt.Printf("1|%d|unix|%s|grpc\n", proto.Version, at)
			io.Copy(io.Discard, os.Stdin)
			return
		}
		if stage, ok := strings.CutPrefix(what, "dies at "); ok {
			dies(stage)
			return
		}
		if text, ok := strings.CutPrefix(what, "raw "); ok {
			serveRaw(text)
		}
		if text, ok := strings.CutPrefix(what, "villain "); ok {
			villain(text)
			return
		}
		fmt.Fprintln(os.Stderr, "unknown test plugin", what)
		os.Exit(1)
	}
}

// serveRaw serves without the kit, answers everything with a text, and has no lifeline. It ends at a call of another service.
func serveRaw(text string) {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { panic("a call of another service") }))
	proto.RegisterPluginServer(s, raw{text: text})
	fmt.Printf("1|%d|unix|%s|grpc\n", proto.Version, path)
	if err := s.Serve(l); err != nil {
		panic(err)
	}
}

type raw struct {
	proto.UnimplementedPluginServer
	text string
}

func (r raw) Describe(context.Context, *proto.Request) (*proto.Reply, error) {
	return &proto.Reply{Json: r.text}, nil
}

func (r raw) Build(context.Context, *proto.Request) (*proto.Reply, error) {
	return &proto.Reply{Json: r.text}, nil
}

// ramp is a neuron.
const ramp = "neuron ramp(slope: real = 0.1) {\n    input x\n    state v = 0\n    v = v + slope * x\n    spike when v >= 1\n    on spike { v = 0 }\n}\n"

// testPlugin does in Build what the argument `do` says.
func testPlugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "test", Version: "1.2.3",
		Equations: []schema.Component{{Kind: schema.Neuron, Name: "ramp", Version: "1.2.3", Doc: "A ramp.", Equations: ramp}},
		Models: []sdk.Model{{
			Component: schema.Component{Kind: schema.Model, Name: "constant", Version: "1.2.3", Doc: "Draws a constant.",
				Params: []schema.Param{{Name: "value", Type: schema.Real, Default: "1"}, {Name: "do", Type: schema.String, Default: `""`}}},
			Build: build,
			Sampler: func(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
				return constant(options.Real("value"), name)
			},
		}},
		Coders: []sdk.Coder{{
			Component: schema.Component{Kind: schema.Coder, Name: "weigh", Version: "1.2.3", Doc: "Weighs."},
			Decode: func(args schema.Arguments, in graph.Type) (string, []schema.Complaint, error) {
				text := fmt.Sprintf("graph 1\n\nvariable \"weight\" f32[%d] parameter constant(1.0, 0.0)\n", in.Dims[0])
				for _, name := range []string{program.TrainFunction, program.EvalFunction} {
					text += fmt.Sprintf("\nfunction %s(x: %v) {\n  %%0 = read var=\"weight\" : f32[%d]\n  %%1 = mul %%x %%0 : %v\n  return y = %%1\n}\n", name, in, in.Dims[0], in)
				}
				return text, nil, nil
			},
		}},
		Targets: []sdk.Target{{
			Component: schema.Component{Kind: schema.Target, Name: "chip", Version: "1.2.3", Doc: "A chip."},
			Check: func(r schema.TargetRequest) (schema.TargetReply, error) {
				return schema.TargetReply{Fits: true, Used: []schema.Amount{{Name: "cores", Used: 1, Limit: 2}}}, nil
			},
		}},
	}
}

func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	if log, ok := strings.CutPrefix(r.Arguments.Text("do"), "count "); ok { // notes that it was asked, and ends
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(f, "asked")
		}
		if err != nil {
			return "", nil, err
		}
		os.Exit(9)
	}
	switch do := r.Arguments.Text("do"); do {
	case "sleep":
		time.Sleep(time.Hour)
	case "slow":
		time.Sleep(30 * time.Millisecond)
	case "panic":
		var nothing []int
		_ = nothing[r.Arguments.Int("value")]
	case "crash": // where nobody recovers
		go func() { panic("out of cheese") }()
		time.Sleep(time.Hour)
	case "exit":
		os.Exit(7)
	case "wrong":
		return "program 1\n\nfunction f() {\n  %0 = abs %1 : f32[]\n  return y = %0\n}\n", nil, nil
	case "nothing":
		return "", nil, nil
	case "error":
		return "", nil, errors.New("the moon is full")
	case "complain":
		return "", []schema.Complaint{{Path: "value", Summary: "too small", Help: "make it larger"}}, nil
	case "memory", "file", "files", "threads":
		return "", nil, gorge(do)
	case "print":
		noise(os.Stdout, os.Stderr, os.NewFile(1, "stdout"), os.NewFile(2, "stderr"))
	case "big":
		return "", []schema.Complaint{{Summary: strings.Repeat("x", 20<<20)}}, nil
	case "huge":
		return "", []schema.Complaint{{Summary: strings.Repeat("x", proto.MaxMessage)}}, nil
	case "child", "orphan": // a process with the pipes of this one; the executable as the manifest has it, which a confined one may execute
		c := exec.Command(os.Args[0], again, "sleep")
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		if do == "orphan" {
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		}
		if err := c.Start(); err != nil {
			return "", nil, err
		}
		return "", []schema.Complaint{{Summary: fmt.Sprint(c.Process.Pid)}}, nil
	}
	return constant(r.Arguments.Real("value"), "draw")
}

// gorge takes more of something than a confined process may: memory that it does not touch, a file that is one hole, files, threads.
func gorge(what string) error {
	const most = 5000
	switch what {
	case "memory":
		kept = make([]byte, confine.Memory()+1<<30)
	case "file":
		f, err := os.CreateTemp("", "large")
		if err == nil {
			_, err = f.WriteAt([]byte{1}, 5<<30)
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		return err
	case "files":
		for range most {
			f, err := os.Open(os.DevNull)
			if err != nil {
				return err
			}
			defer f.Close()
		}
	case "threads":
		var all sync.WaitGroup
		begun, done := make(chan bool), make(chan bool)
		for range most {
			all.Go(func() {
				runtime.LockOSThread()
				begun <- true
				<-done
			})
			<-begun
		}
		close(done)
		all.Wait()
	}
	return nil
}

// kept is what gorge has taken.
var kept []byte

// noise prints what go-plugin's client or a pipe could choke on.
func noise(files ...*os.File) {
	for _, f := range files {
		w := bufio.NewWriter(f)
		fmt.Fprintln(w, `{"@message": 5}`)
		fmt.Fprintln(w, `{"@level":"error","@message":"no","@timestamp":7}`)
		fmt.Fprintln(w, "1|1|unix|/nowhere|grpc")
		fmt.Fprintln(w, strings.Repeat("long ", 200_000))
		fmt.Fprintln(w, "\x1b[31mred\x1b[0m \xff\xfe")
		for range 20_000 {
			fmt.Fprintln(w, "a line of some length, again and again")
		}
		w.Flush()
	}
}

// constant is a Program that draws a constant.
func constant(value float64, sampler string) (string, []schema.Complaint, error) {
	b := sdk.NewProgram(nil)
	b.Function("draw", func(f *sdk.Function) {
		f.Output("image", f.Expand(f.Const(value), graph.Real(1, 2, 2)))
	})
	b.Sampler(program.Sampler{Name: sampler, Result: "draw"})
	text, err := b.Finish()
	return text, nil, err
}

// request asks the test plugin to do something.
func request(do string, value float64) schema.BuildRequest {
	return schema.BuildRequest{Component: "constant", Arguments: schema.Arguments{
		"do": {Type: schema.String, Text: do}, "value": {Type: schema.Real, Number: value}}}
}
