package sdk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

const serve = "serve-test-plugin"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serve {
		sdk.Serve(sdk.Plugin{Name: "test", Version: "1.0.0", Models: []sdk.Model{{
			Component: schema.Component{Kind: schema.Model, Name: "m", Params: []schema.Param{{Name: "do", Type: schema.String}, {Name: "tau", Type: schema.Real}}},
			Build:     build,
		}}})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	switch r.Arguments.Text("do") {
	case "panic":
		var m map[string]int
		m["x"] = 1
	case "misspell":
		return fmt.Sprint(r.Arguments.Real("tua")), nil, nil
	case "print":
		for range 10_000 {
			fmt.Println("to standard output, a line long enough to fill a pipe soon")
			fmt.Fprintln(os.Stderr, "to standard error, the same")
		}
	}
	return fmt.Sprint(len(r.Networks), r.Fields["image"]), nil, nil
}

// served starts the plugin as a host does. It returns the plugin's service, its standard error as it grows, and its lifeline.
func served(t *testing.T) (proto.PluginClient, *exec.Cmd, *strings.Builder, io.Closer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sdk")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, serve)
	c.Env = append(os.Environ(), proto.CookieKey+"="+proto.CookieValue, fmt.Sprintf("PLUGIN_PROTOCOL_VERSIONS=%d", proto.Version), "PLUGIN_UNIX_SOCKET_DIR="+dir)
	var said strings.Builder
	c.Stderr = &said
	lifeline, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		os.RemoveAll(dir)
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(line, "|")
	if len(parts) < 5 || parts[1] != fmt.Sprint(proto.Version) || parts[2] != "unix" || parts[4] != "grpc" {
		t.Fatalf("the handshake is %q", line)
	}
	conn, err := grpc.NewClient("unix:"+parts[3], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(proto.MaxMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return proto.NewPluginClient(conn), c, &said, lifeline
}

func ask(t *testing.T, do string, networks int) *proto.Request {
	t.Helper()
	r := schema.BuildRequest{Component: "m", Fields: map[string]string{"image": "f32[N 1 2 2]"}, Arguments: schema.Arguments{"do": {Text: do}}}
	for range networks {
		r.Networks = append(r.Networks, schema.Network{Graph: strings.Repeat("x", 10<<20)})
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return &proto.Request{Json: string(text)}
}

// A plugin answers, also to large messages; a panic is the error of its call, with the place; printing blocks nothing and goes
// to standard error; when the lifeline goes, the process does.
func TestServe(t *testing.T) {
	plugin, c, said, lifeline := served(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, x := range []struct {
		do       string
		networks int
		want     string
	}{{"", 0, "0 f32[N 1 2 2]"}, {"print", 0, "0 f32[N 1 2 2]"}, {"", 1, "1 f32[N 1 2 2]"}} {
		reply, err := plugin.Build(ctx, ask(t, x.do, x.networks))
		if want := fmt.Sprintf(`{"program":%q}`, x.want); err != nil || reply.GetJson() != want {
			t.Errorf("%q: %v %v", x.do, reply, err)
		}
	}
	_, err := plugin.Build(ctx, ask(t, "panic", 0))
	if err == nil || !strings.Contains(err.Error(), "panic: assignment to entry in nil map\nsnnc.dev/snnc/plugins/sdk_test.build(") || strings.Count(err.Error(), "\n") > 8 {
		t.Errorf("%v", err)
	}
	_, err = plugin.Build(ctx, ask(t, "misspell", 0))
	if err == nil || !strings.Contains(err.Error(), `no argument "tua": those that are declared are do, tau`) || !strings.Contains(err.Error(), "serve_test.go:") {
		t.Errorf("%v", err)
	}
	if _, err := plugin.Build(ctx, &proto.Request{Json: "{"}); err == nil || !strings.Contains(err.Error(), "read the request") {
		t.Errorf("%v", err)
	}
	if _, err := plugin.Check(ctx, &proto.Request{Json: `{"component":"chip"}`}); err == nil || !strings.Contains(err.Error(), `no target "chip"`) {
		t.Errorf("%v", err)
	}
	lifeline.Close()
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the plugin outlives its lifeline")
	}
	if n := strings.Count(said.String(), "to standard output"); n != 10_000 {
		t.Errorf("%d lines of standard output came through", n)
	}
}

// Started by hand, a plugin says what it is and ends.
func TestServeByHand(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(self, serve).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "This binary is a plugin") {
		t.Errorf("%s %v", out, err)
	}
}
