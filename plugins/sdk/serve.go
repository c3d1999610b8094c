package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Serve is the whole main function of a plugin: it serves p to the snnc that started the process and returns when the
// process is to end. In a process that no snnc started it says so and exits with status 1.
//
// Functions of p may be called concurrently. A panic in one becomes the error of that call. What the plugin prints on its
// standard output or error is shown to the user when the plugin fails. Standard input belongs to Serve: the host holds the
// other end, and when that is closed, because the host ended in whatever way, the process exits.
func Serve(p Plugin) {
	if os.Getenv(proto.CookieKey) == proto.CookieValue {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	s := &service{plugin: p, operators: p.NewOperators(), chips: p.NewChips()}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: proto.Version, MagicCookieKey: proto.CookieKey, MagicCookieValue: proto.CookieValue},
		Plugins:         plugin.PluginSet{"plugin": &registration{service: s}},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(proto.MaxMessage), grpc.MaxSendMsgSize(proto.MaxMessage),
				grpc.StaticStreamWindowSize(proto.Window), grpc.StaticConnWindowSize(proto.Window),
				grpc.UnaryInterceptor(output(os.Stderr)))...)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, DisableTime: true}),
	})
}

// output sends what the plugin prints to the process's standard error. go-plugin puts pipes in the place of os.Stdout and
// os.Stderr, and whoever prints blocks once such a pipe is full; it does so before it accepts connections, so the first call
// is the moment to undo it.
func output(to *os.File) grpc.UnaryServerInterceptor {
	var once sync.Once
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		once.Do(func() { os.Stdout, os.Stderr = to, to })
		return handler(ctx, req)
	}
}

// registration puts the service on go-plugin's server.
type registration struct {
	plugin.NetRPCUnsupportedPlugin
	service *service
}

var _ plugin.GRPCPlugin = (*registration)(nil)

// GRPCServer implements plugin.GRPCPlugin.
func (r *registration) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	proto.RegisterPluginServer(s, r.service)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin; the side that serves has no use for it.
func (r *registration) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("dispense plugin: this side serves")
}

// service answers the calls of the protocol.
type service struct {
	proto.UnimplementedPluginServer
	plugin    Plugin
	operators *Operators
	chips     *Chips
	arenas    arenas
}

// Describe implements proto.PluginServer.
func (s *service) Describe(context.Context, *proto.Request) (*proto.Reply, error) {
	return reply(schema.Plugin{Name: s.plugin.Name, Version: s.plugin.Version, Components: s.plugin.Components()}, nil)
}

// Build implements proto.PluginServer.
func (s *service) Build(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.BuildRequest) (schema.BuildReply, error) {
		m, own, err := s.model(q)
		if err != nil {
			return schema.BuildReply{}, err
		}
		return built(m.Build(own))
	})
}

// Sampler implements proto.PluginServer.
func (s *service) Sampler(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.SamplerRequest) (schema.BuildReply, error) {
		m, own, err := s.model(q.Build)
		if err != nil {
			return schema.BuildReply{}, err
		}
		if m.Sampler == nil {
			return schema.BuildReply{}, fmt.Errorf("model %s has no samplers with options", m.Component.Name)
		}
		return built(m.Sampler(own, q.Sampler, m.Component.DeclareOptions(q.Options)))
	})
}

// Coder implements proto.PluginServer.
func (s *service) Coder(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.CoderRequest) (schema.BuildReply, error) {
		i := slices.IndexFunc(s.plugin.Coders, func(c Coder) bool { return c.Component.Name == q.Component })
		if i < 0 {
			return schema.BuildReply{}, fmt.Errorf("no coder %q gives a graph", q.Component)
		}
		t, err := parseType(q.Input)
		if err != nil {
			return schema.BuildReply{}, fmt.Errorf("read the type of the input: %w", err)
		}
		direction, name := s.plugin.Coders[i].Encode, schema.Encode
		if t.Steps > 0 {
			direction, name = s.plugin.Coders[i].Decode, schema.Decode
		}
		if direction == nil {
			return schema.BuildReply{}, fmt.Errorf("coder %q does not %s", q.Component, name)
		}
		return built(direction(s.plugin.Coders[i].Component.Declare(q.Arguments), t))
	})
}

// Check implements proto.PluginServer.
func (s *service) Check(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, s.chips.Check)
}

// Compile implements proto.PluginServer.
func (s *service) Compile(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.CompileRequest) (out schema.CompileReply, err error) {
		err = s.arenas.with(q.Arena, q.Bytes, func(arena []float32) (err error) { out, err = s.chips.Compile(arena, q); return err })
		return out, err
	})
}

// Emulate implements proto.PluginServer.
func (s *service) Emulate(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.EmulateRequest) (out schema.EmulateReply, err error) {
		err = s.arenas.with(q.Arena, q.Bytes, func(arena []float32) (err error) { out, err = s.chips.Emulate(arena, q); return err })
		return out, err
	})
}

// Export implements proto.PluginServer.
func (s *service) Export(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.ExportRequest) (out schema.ExportReply, err error) {
		err = s.arenas.with(q.Arena, q.Bytes, func(arena []float32) (err error) { out, err = s.chips.Export(arena, q); return err })
		return out, err
	})
}

// Trace implements proto.PluginServer.
func (s *service) Trace(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.TraceRequest) (out schema.TraceReply, err error) {
		if q.Arena == "" {
			return s.chips.Trace(nil, q)
		}
		err = s.arenas.with(q.Arena, q.Bytes, func(arena []float32) (err error) { out, err = s.chips.Trace(arena, q); return err })
		return out, err
	})
}

// Prepare implements proto.PluginServer.
func (s *service) Prepare(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, s.operators.Prepare)
}

// Forward implements proto.PluginServer.
func (s *service) Forward(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.ForwardRequest) (schema.Done, error) {
		return schema.Done{}, s.arenas.with(q.Arena, q.Bytes, func(arena []float32) error { return s.operators.Forward(arena, q) })
	})
}

// Backward implements proto.PluginServer.
func (s *service) Backward(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.BackwardRequest) (schema.Done, error) {
		return schema.Done{}, s.arenas.with(q.Arena, q.Bytes, func(arena []float32) error { return s.operators.Backward(arena, q) })
	})
}

// Release implements proto.PluginServer.
func (s *service) Release(_ context.Context, r *proto.Request) (*proto.Reply, error) {
	return answer(r, func(q schema.ReleaseRequest) (schema.Done, error) {
		s.operators.Release(q)
		s.chips.Release(q)
		return schema.Done{}, nil
	})
}

// model finds the model of a request and makes the request what the model's functions take.
func (s *service) model(q schema.BuildRequest) (Model, BuildRequest, error) {
	i := slices.IndexFunc(s.plugin.Models, func(m Model) bool { return m.Component.Name == q.Component })
	if i < 0 || s.plugin.Models[i].Build == nil {
		return Model{}, BuildRequest{}, fmt.Errorf("no model %q can be built", q.Component)
	}
	q.Arguments = s.plugin.Models[i].Component.Declare(q.Arguments)
	own, err := NewBuildRequest(q)
	return s.plugin.Models[i], own, err
}

func parseType(text string) (graph.Type, error) {
	p := graph.NewParser(text, &graph.Module{}, nil)
	t := p.Type()
	return t, p.Finish()
}

func built(text string, complaints []schema.Complaint, err error) (schema.BuildReply, error) {
	return schema.BuildReply{Program: text, Complaints: complaints}, err
}

// answer decodes a request, calls f and encodes what it returns. A panic in f is an error with the place of the panic.
func answer[Q, R any](r *proto.Request, f func(Q) (R, error)) (out *proto.Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, fmt.Errorf("panic: %v\n%s", v, place(debug.Stack()))
		}
	}()
	var q Q
	if err := json.Unmarshal([]byte(r.GetJson()), &q); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	return reply(f(q))
}

func reply(v any, err error) (*proto.Reply, error) {
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return &proto.Reply{Json: string(text)}, nil
}

// shown is how many lines of a stack an error shows: four calls of two lines each.
const shown = 8

// place returns the first lines of a stack, from the call that panicked on.
func place(stack []byte) string {
	lines := strings.Split(strings.TrimSpace(string(stack)), "\n")
	// The stack begins with the deferred function; what panicked follows the runtime's panic, two lines a call.
	for i := 0; i+2 < len(lines); i++ {
		if strings.HasPrefix(lines[i], "panic(") {
			lines = lines[i+2:]
			for len(lines) > 2 && strings.HasPrefix(lines[0], "runtime.") {
				lines = lines[2:]
			}
			break
		}
	}
	return strings.Join(lines[:min(shown, len(lines))], "\n")
}
