package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/host"
)

// markVariable is the environment's name of the file that a process makes before it dies, and that keeps the next ones alive.
const markVariable = "SNNC_TEST_MARK"

// dies is the plugin of opaque neurons whose first process dies at a stage: "start", "handshake", a call when it comes, or a call when all
// of it is done but the answer.
func dies(stage string) {
	die := func(at string) {
		if at != stage {
			return
		}
		if f, err := os.OpenFile(os.Getenv(markVariable), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
			f.Close()
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	die("start")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	at := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
	l, err := net.Listen("unix", at)
	if err != nil {
		panic(err)
	}
	s := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, q any, i *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
		call := path.Base(i.FullMethod)
		die(call)
		reply, err := h(ctx, q)
		die(call + " done")
		return reply, err
	}))
	proto.RegisterPluginServer(s, &operators{of: opaquetest.Plugin().NewOperators()})
	fmt.Printf("1|%d|unix|%s|grpc\n", proto.Version, at)
	die("handshake")
	if err := s.Serve(l); err != nil {
		panic(err)
	}
}

// operators answers calls of opaque components without the kit's process around them.
type operators struct {
	proto.UnimplementedPluginServer
	of *sdk.Operators
}

// with answers a call.
func with[Q, R any](r *proto.Request, f func(Q) (R, error)) (*proto.Reply, error) {
	var q Q
	err := json.Unmarshal([]byte(r.GetJson()), &q)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	reply, err := f(q)
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	text, err := json.Marshal(reply)
	return &proto.Reply{Json: string(text)}, err
}

// mapped calls f with an arena.
func mapped(q schema.Operands, f func([]float32) error) (schema.Done, error) {
	file, err := os.OpenFile(q.Arena, os.O_RDWR, 0)
	if err != nil {
		return schema.Done{}, err
	}
	defer file.Close()
	data, err := syscall.Mmap(int(file.Fd()), 0, q.Bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return schema.Done{}, err
	}
	defer syscall.Munmap(data)
	return schema.Done{}, f(unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(data))), len(data)/4))
}

// Prepare implements proto.PluginServer.
func (o *operators) Prepare(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return with(r, o.of.Prepare)
}

// Forward implements proto.PluginServer.
func (o *operators) Forward(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return with(r, func(q schema.ForwardRequest) (schema.Done, error) {
		return mapped(q.Operands, func(arena []float32) error { return o.of.Forward(arena, q) })
	})
}

// Backward implements proto.PluginServer.
func (o *operators) Backward(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return with(r, func(q schema.BackwardRequest) (schema.Done, error) {
		return mapped(q.Operands, func(arena []float32) error { return o.of.Backward(arena, q) })
	})
}

// Release implements proto.PluginServer.
func (o *operators) Release(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return with(r, func(q schema.ReleaseRequest) (schema.Done, error) {
		o.of.Release(q)
		return schema.Done{}, nil
	})
}

// TestOpaqueStages: wherever in its life a process dies, the run gives the bytes that it gives undisturbed.
func TestOpaqueStages(t *testing.T) {
	g := network(t, 2, 50)
	twin, env := ready(t, inProcess(), g, 4)
	want := results(t, twin, env)
	for _, stage := range []string{"start", "handshake", "Prepare", "Prepare done", "Forward", "Forward done", "Backward", "Backward done", "Release", "Release done"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			mark := filepath.Join(t.TempDir(), "mark")
			h := start(t, "dies at "+stage, host.Options{Env: []string{markVariable + "=" + mark}, Timeout: 30 * time.Second})
			died := func() bool {
				_, err := os.Stat(mark)
				return err == nil
			}
			for range 2 { // programs, one behind the other
				x, env := ready(t, h.Opaque(), g, 4)
				for range 2 {
					if !slices.Equal(results(t, x, env), want) {
						t.Error("other bytes")
					}
				}
				x = nil // operators are released with their program
				for begun := time.Now(); strings.HasPrefix(stage, "Release") && !died() && time.Since(begun) < 5*time.Second; time.Sleep(time.Millisecond) {
					runtime.GC()
				}
			}
			if !died() {
				t.Error("no process died")
			}
		})
	}
}
