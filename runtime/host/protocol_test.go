package host

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/installed"
)

// page is docs/plugin-protocol.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/plugin-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// quoted are the words in backquotes.
var quoted = regexp.MustCompile("`([^`]+)`")

func words(text string) (out []string) {
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// The page for authors in other languages names the versions and limits that hold.
func TestProtocolPage(t *testing.T) {
	text := strings.Join(strings.Fields(page(t)), " ")
	facts := []string{
		fmt.Sprintf("| protocol | %d |", proto.Version),
		fmt.Sprintf("| `%s` | `%s`;", proto.CookieKey, proto.CookieValue),
		fmt.Sprintf("`1|%d|unix|PATH|grpc`", proto.Version),
		fmt.Sprintf("`PLUGIN_PROTOCOL_VERSIONS` | `%d`", proto.Version),
		"The last 20 lines, each of at most 400 bytes",
		"at most 64 MB (67,108,864 bytes)",
		"no answer after one minute fails",
		"`Compile`, `Emulate`, `Export` and `Trace` have ten minutes",
		"three times at most, with pauses of 50 ms and 100 ms",
		"at most 15 seconds after its start",
		"300 ms later it sends SIGTERM to the group, and 500 ms later SIGKILL",
		"of at most 64 KB",
		"At most 64 states and saved values in all",
		"103 bytes at most",
		installed.ManifestName,
	}
	for _, f := range facts {
		if !strings.Contains(text, f) {
			t.Errorf("docs/plugin-protocol.md does not say %q", f)
		}
	}
	if tailLines != 20 || tailLine != 400 || proto.MaxMessage != 67_108_864 || defaultTimeout.Minutes() != 1 || defaultLong.Minutes() != 10 || defaultTries != 3 || firstPause.Milliseconds() != 50 ||
		defaultStart.Seconds() != 15 || untilAsked.Milliseconds() != 300 || untilKilled.Milliseconds() != 500 || installed.MaxManifest != 64<<10 || maxKeeps != 64 || longestSocket != 103 {
		t.Error("a limit has changed: say so in docs/plugin-protocol.md and here")
	}
	for _, name := range environment() {
		if name, _, _ = strings.Cut(name, "="); !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/plugin-protocol.md does not name the variable %s", name)
		}
	}
	calls := regexp.MustCompile(`rpc (\w+)\(`)
	protocol, err := os.ReadFile("../../plugins/proto/plugin.proto")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range calls.FindAllStringSubmatch(string(protocol), -1) {
		if !strings.Contains(text, "| `"+m[1]+"` |") {
			t.Errorf("docs/plugin-protocol.md has no call %s", m[1])
		}
	}
}

// Each type of plugins/schema is on the page, with the members that it has and no others.
func TestProtocolMembers(t *testing.T) {
	text := page(t)
	for _, x := range []any{schema.Plugin{}, schema.Component{}, schema.Opaque{}, schema.Role{}, schema.Param{}, schema.Choice{}, schema.Value{}, schema.BuildRequest{},
		schema.Network{}, schema.SamplerRequest{}, schema.CoderRequest{}, schema.BuildReply{}, schema.Complaint{}, schema.TargetRequest{}, schema.TargetReply{}, schema.Amount{},
		schema.Placement{}, schema.PrepareRequest{}, schema.PrepareReply{}, schema.ReleaseRequest{}, schema.ForwardRequest{}, schema.BackwardRequest{}, schema.Operands{},
		schema.Circuit{}, schema.Input{}, schema.Population{}, schema.Dynamics{}, schema.Reset{}, schema.Synapses{}, schema.View{}, schema.Tensor{}, schema.Measured{},
		schema.Grid{}, schema.CompileRequest{}, schema.CompileReply{}, schema.Compiled{}, schema.Loss{}, schema.Core{}, schema.Constant{}, schema.NamedTensor{},
		schema.EmulateRequest{}, schema.EmulateReply{}, schema.Activity{}, schema.Energy{}, schema.ExportRequest{}, schema.Example{}, schema.ExportReply{}, schema.TraceRequest{}, schema.TraceReply{}} {
		of := reflect.TypeOf(x)
		want := members(of)
		heading := "**" + of.Name() + "**"
		switch of.Name() {
		case "Operands":
			heading = "**ForwardRequest**"
		case "ForwardRequest":
			heading = "ForwardRequest goes on with"
		}
		_, rest, found := strings.Cut(text, heading)
		if !found {
			t.Errorf("docs/plugin-protocol.md has no %s", of.Name())
			continue
		}
		var got []string
		if first, table, ok := strings.Cut(rest, "\n\n"); ok && strings.HasPrefix(table, "| member |") {
			table, _, _ = strings.Cut(table, "\n\n")
			for line := range strings.Lines(table) {
				got = append(got, words(strings.Split(line, "|")[1])...)
			}
		} else { // in a sentence
			first, _, _ = strings.Cut(first, "**")
			got = slices.DeleteFunc(words(first), func(w string) bool { return w == "{}" })
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has the members %q, and by docs/plugin-protocol.md %q", of.Name(), want, got)
		}
	}
}

// members are the names of a type's own members in JSON, sorted.
func members(t reflect.Type) (out []string) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// The table of operators has each operator that the reader knows, with the attributes that it takes.
func TestProtocolOperators(t *testing.T) {
	_, table, _ := strings.Cut(page(t), "| operator | inputs | attributes | result |")
	table, _, _ = strings.Cut(table, "\n\n")
	said := map[string][]string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			for _, op := range words(cells[1]) {
				said[op] = words(cells[3])
			}
		}
	}
	all := map[string]bool{}
	for _, attrs := range said {
		for _, a := range attrs {
			all[a] = true
		}
	}
	for _, op := range graph.Ops() {
		if op == graph.OpInput {
			continue // stands in the head of a function
		}
		attrs, found := said[string(op)]
		if !found {
			t.Errorf("docs/plugin-protocol.md has no operator %s", op)
		}
		delete(said, string(op))
		for a := range all {
			named := ""
			switch op {
			case graph.OpEquation, graph.OpEquationGrad:
				named = ` "e"`
			case graph.OpOpaque, graph.OpOpaqueGrad:
				named = ` "o"`
			case graph.OpChip:
				named = ` "c"`
			}
			_, err := graph.Parse("graph 1\nequation \"e\" {\n%0 = constant value=1.0\nemit %0\n}\nopaque \"o\" plugin=\"\" component=\"c\" version=\"1\" arguments=\"{}\" {\ninput x\n}\nchip \"c\" circuit=\"n\" steps=1 {\ninput f32[N 1]\noutput f32[N 1]\n}\n" +
				"function f() {\n%0 = " + string(op) + named + " " + a + "\n}\n")
			if err == nil {
				t.Fatalf("%s %s is read", op, a)
			}
			if takes := !strings.Contains(err.Error(), "has no attribute"); takes != slices.Contains(attrs, a) {
				t.Errorf("%s takes the attribute %s: %v, and by docs/plugin-protocol.md %v (%v)", op, a, takes, !takes, err)
			}
		}
	}
	for op := range said {
		t.Errorf("docs/plugin-protocol.md has the operator %s, which there is none", op)
	}
}
