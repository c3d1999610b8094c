package host

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/installed"
)

// described is a plugin that nothing is wrong with, which the tests spoil.
func described() schema.Plugin {
	least := 1.0
	return schema.Plugin{Name: "acme/leap", Version: "0.3.1", Components: []schema.Component{
		{Kind: schema.Neuron, Name: "leap", Equations: "neuron leap() { }"},
		{Kind: schema.Coder, Name: "leap", Params: []schema.Param{{Name: "width", Type: schema.Int, Min: &least}}},
		{Kind: schema.Model, Name: "gan", Exports: []string{"generate"}, Samplers: []schema.Choice{{Name: "plain"}},
			Roles: []schema.Role{{Name: "generator", Takes: "network", Steps: "latent.prior"}},
			Params: []schema.Param{
				{Name: "latent", Type: schema.OneOf, Choices: []schema.Choice{{Name: "spikes", Params: []schema.Param{
					{Name: "prior", Type: schema.ARole, Required: true, Role: &schema.Role{Name: "prior", Takes: "network"}}}}}},
				{Name: "fields", Type: schema.List, Of: schema.AField, Default: "[image]"}}},
		{Kind: schema.Target, Name: "chip", Later: true},
	}}
}

// No text of an answer steers the terminal that it is shown on, however JSON writes it; lines, tabs and all languages are welcome.
func TestDecodeSteering(t *testing.T) {
	for text, bad := range map[string]bool{
		`"a leaky neuron\n\twith ein Übergang, 漏れ \u00fc \\u001b \\"`: false,
		`"\u001b[2J"`: true, `"\u001B[2J"`: true, `"\\\u001b"`: true, `"a\b"`: true, `"\f"`: true, `"\u009b"`: true, "\"\u009b2J\"": true, "\"\x7f\"": true, `"\u0000"`: true,
	} {
		v, err := decode[string](text)
		if !bad && err != nil || bad && (err == nil || !strings.Contains(err.Error(), "control character")) {
			t.Errorf("%s: %q %v", text, v, err)
		}
	}
	if got := readable("no\x1b[2J such\r\nneuron\xff" + strings.Repeat("x", 1<<20)); !strings.HasPrefix(got, "no[2J such\n    neuronx") || len(got) > 5000 {
		t.Errorf("%d bytes, %.40q", len(got), got)
	}
}

// A description that makes no sense is refused with what is wrong and where.
func TestJudgePlugin(t *testing.T) {
	manifest := &installed.Manifest{Name: "acme/leap", Version: "0.3.1"}
	for _, x := range []struct {
		spoil func(*schema.Plugin)
		want  string // "" where nothing is wrong
	}{
		{func(p *schema.Plugin) {}, ""},
		{func(p *schema.Plugin) { p.Name = "acme/other" }, "manifest"},
		{func(p *schema.Plugin) { p.Version = "0.3.2" }, "manifest"},
		{func(p *schema.Plugin) { p.Components[0].Kind = "synapse" }, "kind"},
		{func(p *schema.Plugin) { p.Components[0].Name = "a-dex" }, `neuron "a-dex": the name`},
		{func(p *schema.Plugin) { p.Components[0].Name = "" }, "the name"},
		{func(p *schema.Plugin) { p.Components[1].Name = "9" }, "the name"},
		{func(p *schema.Plugin) { p.Components = append(p.Components, p.Components[0]) }, `neuron "leap" stands twice`},
		{func(p *schema.Plugin) { p.Components[0].Equations = "" }, "has equations"},
		{func(p *schema.Plugin) { p.Components[2].Equations = "x" }, "only neurons and coders"},
		{func(p *schema.Plugin) { p.Components[1].Equations = "x" }, "declared in their text"},
		{func(p *schema.Plugin) { p.Components[3].Exports = []string{"x"} }, "only models"},
		{func(p *schema.Plugin) { p.Components[1].Directions = []schema.Direction{"invert"} }, "there are encode and decode"},
		{func(p *schema.Plugin) { p.Components[1].Directions = []schema.Direction{schema.Encode} }, "has the parameter steps"},
		{func(p *schema.Plugin) {
			c := &p.Components[1]
			c.Directions, c.Params[0].Name, c.Params[0].Required = []schema.Direction{schema.Encode, schema.Decode}, "steps", true
		}, ""},
		{func(p *schema.Plugin) { p.Components[0].Directions = []schema.Direction{schema.Decode} }, "only coders without equations"},
		{func(p *schema.Plugin) { p.Components[2].Exports = []string{"x", "x"} }, `export "x" stands twice`},
		{func(p *schema.Plugin) { p.Components[2].Samplers[0].Name = "" }, "samplers"},
		{func(p *schema.Plugin) { p.Components[2].Roles[0].Takes = "neuron" }, `not "neuron"`},
		{func(p *schema.Plugin) { p.Components[2].Roles[0].Steps = "a..b" }, "no path"},
		{func(p *schema.Plugin) { p.Components[2].Roles[0].Name = "latent" }, `argument "latent" stands twice`},
		{func(p *schema.Plugin) { p.Components[0].Equations, p.Components[0].Opaque = "", &schema.Opaque{} }, ""},
		{func(p *schema.Plugin) { p.Components[0].Opaque = &schema.Opaque{} }, "only neurons and coders without equations are opaque"},
		{func(p *schema.Plugin) { p.Components[2].Opaque = &schema.Opaque{} }, "only neurons and coders without equations are opaque"},
		{func(p *schema.Plugin) {
			p.Components[0].Equations, p.Components[0].Opaque = "", &schema.Opaque{Once: true}
		}, "does not spike once"},
		{func(p *schema.Plugin) {
			p.Components[0].Equations, p.Components[0].Opaque = "", &schema.Opaque{Local: true}
		}, "none that is local"},
		{func(p *schema.Plugin) {
			p.Components[0].Equations, p.Components[0].Opaque = "", &schema.Opaque{Inputs: []string{"x", "x"}}
		}, `argument "x" stands twice`},
		{func(p *schema.Plugin) { p.Components[1].Params[0].Type = "float" }, `parameter "width": there is no type "float"`},
		{func(p *schema.Plugin) { p.Components[1].Params[0].Of = schema.Int }, "only lists"},
		{func(p *schema.Plugin) { p.Components[2].Params[1].Of = "" }, "no list of"},
		{func(p *schema.Plugin) { p.Components[2].Params[1].Of = schema.List }, "no list of"},
		{func(p *schema.Plugin) { p.Components[1].Params[0].Type = schema.Bool }, "smallest"},
		{func(p *schema.Plugin) { most := 0.0; p.Components[1].Params[0].Max = &most }, "no value is between 1 and 0"},
		{func(p *schema.Plugin) {
			p.Components[1].Params[0].Required, p.Components[1].Params[0].Default = true, "1"
		}, "no default"},
		{func(p *schema.Plugin) { p.Components[2].Params[0].Choices = nil }, "alternatives"},
		{func(p *schema.Plugin) { p.Components[1].Params[0].Choices = []schema.Choice{{Name: "x"}} }, "alternatives"},
		{func(p *schema.Plugin) { p.Components[2].Params[0].Choices[0].Params[0].Role = nil }, `choice "spikes": parameter "prior"`},
		{func(p *schema.Plugin) { p.Components[2].Params[0].Choices[0].Params[0].Role.Takes = "" }, `choice "spikes": parameter "prior"`},
		{func(p *schema.Plugin) {
			c := &p.Components[2].Params[0]
			c.Choices = append(c.Choices, c.Choices[0])
		}, `choice "spikes" stands twice`},
	} {
		p := described()
		x.spoil(&p)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		_, err = judgePlugin(string(text), manifest)
		if err == nil != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %q", err, x.want)
		}
	}
}

// Of what an opaque component keeps, names that no graph could have are refused, and more than a plan could place.
func TestJudgePrepared(t *testing.T) {
	for text, want := range map[string]string{
		`{"states":[{"name":"v","start":0.5}],"saved":["u"]}`: "",
		`{}`: "",
		`{"complaints":[{"path":"tau","summary":"too small"}]}`:               "",
		`{"complaints":[{"path":"tau","summary":"too small"}],"saved":["u"]}`: "or both",
		`{"states":[{"name":"v","start":0}],"saved":["v"]}`:                   `"v" stands twice`,
		`{"saved":["a b"]}`: "none that a spec can write",
		`{"saved":["` + strings.Repeat(`u","`, 64) + `u"]}`: "65 numbers for a neuron",
		`{"states":[{"name":"v","start":"rest"}]}`:          "read JSON: states.start is a string and has to be a number",
	} {
		_, err := judgePrepared(text)
		if err == nil != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A plugin's graphs ask for its own opaque components, not for those of others.
func TestJudgeOpaque(t *testing.T) {
	text := "graph 1\n\nopaque \"o\" plugin=\"acme\" component=\"leap\" version=\"1\" arguments=\"{}\" decode {\n  input x\n}\n"
	for _, name := range []string{"train", "eval"} {
		text += "\nfunction " + name + "(x: f32[T2 N 2]) {\n  %0 = opaque \"o\" %x : f32[N 2]\n  return y = %0\n}\n"
	}
	reply, err := json.Marshal(schema.BuildReply{Program: text})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := judgeCoder(string(reply), "acme", "f32[T2 N 2]"); err != nil {
		t.Error(err)
	}
	if _, err := judgeCoder(string(reply), "other", "f32[T2 N 2]"); err == nil || !strings.Contains(err.Error(), `its opaque operator "o" is of plugin "acme"`) {
		t.Error(err)
	}
}

// A coder's module has the functions of a role, at the input that was asked for.
func TestJudgeCoder(t *testing.T) {
	function := func(name, in string) string {
		return "\nfunction " + name + "(x: " + in + ") {\n  %0 = abs %x : " + in + "\n  return y = %0\n}\n"
	}
	for _, x := range []struct{ text, want string }{
		{function("train", "f32[N 2]") + function("eval", "f32[N 2]"), ""},
		{function("train", "f32[N 2]"), "no function eval"},
		{function("train", "f32[N 2]") + function("eval", "f32[N 3]"), "eval does not take"},
		{"\nnonsense\n", "read the module"},
		{"\nchip \"c\" circuit=\"net\" steps=2 {\n  input f32[N 2]\n  output f32[N 2]\n}\n" + function("train", "f32[N 2]") + function("eval", "f32[N 2]"), `declares a chip "c"`},
		{"\nvariable \"w\" f32[2] parameter constant(1.0, 0.0) of \"encoder.1.weight\"\n" + function("train", "f32[N 2]") + function("eval", "f32[N 2]"), `"w" of the module is "encoder.1.weight" of a role`},
		{function("train", "f32[N 2]") + "\nfunction eval(x: f32[N 2]) {\n  %0 = call %x function=\"train\"\n  return y = %0\n}\n", "eval has a node call; it must be flat"},
	} {
		text, err := json.Marshal(schema.BuildReply{Program: "graph 1\n" + x.text})
		if err != nil {
			t.Fatal(err)
		}
		_, err = judgeCoder(string(text), "", "f32[N 2]")
		if err == nil != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.text, err, x.want)
		}
	}
}

// A sampler is the one that was asked for, and a Program's networks are those of the request.
func TestJudgePrograms(t *testing.T) {
	text, err := os.ReadFile("../program/testdata/classifier.txt")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := json.Marshal(schema.BuildReply{Program: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	right := []schema.Network{{Role: "network"}}
	if _, err := judgeProgram(string(reply), "", right); err != nil {
		t.Error(err)
	}
	if _, err := judgeProgram(string(reply), "", []schema.Network{{Role: "encoder"}}); err == nil || !strings.Contains(err.Error(), "a network network that the request has not") {
		t.Error(err)
	}
	if _, err := judgeProgram(string(reply), "", []schema.Network{{Role: "network", Kind: "model"}}); err == nil || !strings.Contains(err.Error(), "a network network that the request has not") {
		t.Error(err)
	}
	of, err := json.Marshal(schema.BuildReply{Program: "program 1\n\nrole \"tokens.decode\" model (i32[N 2]) -> (f32[N 2])\n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := judgeProgram(string(of), "", []schema.Network{{Role: "tokens.decode", Kind: "model"}}); err != nil {
		t.Error(err)
	}
	if _, err := judgeProgram(string(of), "", []schema.Network{{Role: "tokens.decode"}}); err == nil || !strings.Contains(err.Error(), "a model tokens.decode that the request has not") {
		t.Error(err)
	}
	if _, err := judgeSampler(string(reply), "", right, "plain"); err == nil || !strings.Contains(err.Error(), "should hold plain alone") {
		t.Error(err)
	}
	sampler := "program 1\n\nfunction draw() {\n  %0 = constant value=0.5 : f32[]\n  return image = %0\n}\n\nsampler plain {\n  result draw\n}\n"
	for text, want := range map[string]string{sampler: "", sampler + "\nexport generate = draw\n": "holds streams, stages or exports"} {
		reply, err := json.Marshal(schema.BuildReply{Program: text})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := judgeSampler(string(reply), "", nil, "plain"); err == nil != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// No reply, whatever it is, panics.
func FuzzReply(f *testing.F) {
	text, err := json.Marshal(described())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	programs, err := filepath.Glob("../program/testdata/*.txt")
	if err != nil || len(programs) == 0 {
		f.Fatal("no programs", err)
	}
	for _, file := range programs {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		reply, err := json.Marshal(schema.BuildReply{Program: string(text)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(reply))
	}
	f.Add(`{"program":"graph 1\n\nfunction train(x: f32[N 2]) {\n  %0 = abs %x : f32[N 2]\n  return y = %0\n}\n"}`)
	f.Add(`{"states":[{"name":"v","start":0.5}],"saved":["u"]}`)
	f.Add(`{"complaints":[{"path":"latent.prior","summary":"x"}]}`)
	networks := []schema.Network{{Role: "network", Name: "a"}}
	f.Fuzz(func(t *testing.T, text string) {
		judgePlugin(text, nil)
		judgeProgram(text, "", networks)
		judgeSampler(text, "", networks, "plain")
		judgeCoder(text, "", "f32[N 2]")
		judgePrepared(text)
	})
}

// The handshake is found wherever it stands in a line, and nothing else is taken for one.
func TestHandshake(t *testing.T) {
	for line, want := range map[string]string{
		"1|1|unix|/tmp/a b/s|grpc":           "1|1|unix|/tmp/a b/s|grpc",
		"1|1|unix|/tmp/s|grpc|":              "1|1|unix|/tmp/s|grpc|",
		"loading ... 1|2|tcp|127.0.0.1|grpc": "1|2|tcp|127.0.0.1|grpc",
		"1|2|3|4":                            "",
		"1|1|unix||grpc":                     "",
		"2|1|unix|/tmp/s|grpc":               "",
		"":                                   "",
	} {
		if got := string(handshake([]byte(line))); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// Whatever a process prints, at most one line of it is taken for the handshake, which go-plugin can read; what is kept is short and printable.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("1|1|unix|/tmp/s|grpc\n"))
	f.Add([]byte("loading 1|1|unix|/tmp/s|grpc|\n{\"@message\": 5}\n\x1b[31m\xff"))
	f.Add(bytes.Repeat([]byte("1|1|"), 2000))
	f.Fuzz(func(t *testing.T, text []byte) {
		var tl tail
		eachLine(bytes.NewReader(text), func(line []byte) {
			if len(line) > maxLine || bytes.ContainsRune(line, '\n') {
				t.Errorf("a line of %d bytes", len(line))
			}
			if h := handshake(line); h != nil && (len(bytes.Split(h, []byte("|"))) < 5 || !bytes.HasPrefix(h, []byte("1|")) || !bytes.HasSuffix(line, h)) {
				t.Errorf("%q is taken for a handshake in %q", h, line)
			}
			tl.add(line)
		})
		kept := tl.last()
		if len(kept) > tailLines {
			t.Errorf("%d lines are kept", len(kept))
		}
		for _, line := range kept {
			if len(line) > 3*tailLine || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q is kept", line)
			}
		}
	})
}

// Of the report of a crash the beginning is kept, which says what happened, of two that of the last.
func TestTailOfCrash(t *testing.T) {
	report := func(what string) string {
		return "fatal error: " + what + "\n\ngoroutine 1 [running]:\nmain.main()\n" + strings.Repeat("frame\n", 100) + "exit\n"
	}
	for text, want := range map[string]string{
		"loading\n" + report("out of memory"):                              "out of memory",
		report("one thing") + "more\n" + report("another"):                 "another",
		report("one thing") + "panic: last\n\ngoroutine 7:\nmain.main()\n": "one thing",
	} {
		got := LastLines([]byte(text))
		if len(got) != tailLines || got[0] != "fatal error: "+want || got[1] != "goroutine 1 [running]:" {
			t.Errorf("%q", got)
		}
	}
}

// Lines are cut and made printable; the last ones are kept.
func TestTail(t *testing.T) {
	var tl tail
	eachLine(strings.NewReader(strings.Repeat("early\n", 50)+"\x1b[31mred\x1b[0m\r\n\n"+strings.Repeat("\xff", 10_000)+"\n"+strings.Repeat("x", 1<<20)+"end\nlast"), tl.add)
	got := tl.last()
	if len(got) != tailLines || got[16] != "[31mred[0m" || got[19] != "last" {
		t.Errorf("%d %q", len(got), got)
	}
	for _, line := range got[17:19] {
		if len(line) > tailLine+4 || !strings.HasSuffix(line, " ...") {
			t.Errorf("%q", line)
		}
	}
}
