package record

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
)

// What targets say is kept by action and target; what an action said of other targets goes, and nothing else.
func TestSetDeploy(t *testing.T) {
	f := open(t)
	says := func(cores float64) schema.TargetReply {
		return schema.TargetReply{Fits: true, Used: []schema.Amount{{Name: "cores", Used: cores}}}
	}
	for _, x := range []struct {
		action  string
		replies map[string]schema.TargetReply
		want    string
	}{
		{"deploy digit", map[string]schema.TargetReply{"a": says(1), "b": says(2)}, "deploy-digit-a.json deploy-digit-b.json"},
		{"deploy digit[1]", map[string]schema.TargetReply{"a": says(3)}, "deploy-digit-a.json deploy-digit-b.json deploy-digit[1]-a.json"},
		{"deploy digits", map[string]schema.TargetReply{"a": says(4)}, "deploy-digit-a.json deploy-digit-b.json deploy-digit[1]-a.json deploy-digits-a.json"},
		{"deploy digit", map[string]schema.TargetReply{"b": says(5)}, "deploy-digit-b.json deploy-digit[1]-a.json deploy-digits-a.json"},
	} {
		if err := f.SetDeploy(x.action, x.replies); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.deployFiles(), " "); got != x.want {
			t.Errorf("%s: %s, want %s", x.action, got, x.want)
		}
	}
	if !f.HasDeploy("deploy digit", "b") || f.HasDeploy("deploy digit", "a") {
		t.Error("b was said last, and not a")
	}
	text, err := os.ReadFile(f.Path("deploy-digit-b.json"))
	if err != nil {
		t.Fatal(err)
	}
	var reply schema.TargetReply
	if err := json.Unmarshal(text, &reply); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(says(5), reply); diff != "" {
		t.Error(diff)
	}
	for _, bad := range [][2]string{{"deploy digit", "../a"}, {"deploy ../digit", "a"}, {"sample digit", "a"}} {
		if err := f.SetDeploy(bad[0], map[string]schema.TargetReply{bad[1]: {}}); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

// A file that is no reply is shown as such, and the other one all the same.
func TestUnreadableDeploy(t *testing.T) {
	f := open(t)
	put(t, f.dir, "deploy-mine.json")
	if err := f.SetDeploy("deploy digit", map[string]schema.TargetReply{"chip": {Fits: true}}); err != nil {
		t.Fatal(err)
	}
	got := page(t, f, Report{Title: "a"})
	for _, part := range []string{"Cannot be read", ">deploy-mine.json</a>", `deploy-digit-chip <span class="verdict">fits</span>`} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got[strings.Index(got, "<body>"):])
		}
	}
}

func TestAmounts(t *testing.T) {
	got := Amounts([]schema.Amount{{Name: "neurons", Used: 736, Limit: 131072}, {Name: "synapses", Used: 43008}, {Name: "load", Used: 0.123456}})
	if want := "736 of 131,072 neurons, 43,008 synapses, 0.1235 load"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzDeploy: any bytes become something to show: a reply, all of whose problems and layers are there, or why they are none.
func FuzzDeploy(f *testing.F) {
	for _, seed := range []string{
		`{"fits":true,"used":[{"name":"cores","used":5,"limit":128}],"layers":[{"network":"a","layer":"1.linear","host":true}],"notes":["n"]}`,
		`{"fits":false,"layers":[{"network":"a","layer":"","problem":"p","change":"c"},{"network":"a","layer":"0","problem":"p"}]}`,
		`{}`, ``, `null`, `[]`, `{"fits":1}`, `{"fits":true}{}`, `{"used":[{"name":"<b>","used":1e308,"limit":1e-308},{"used":-9007199254740993}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := newDeployment("deploy-a-b.json", text)
		var reply schema.TargetReply
		if good := parseJSON(bytes.Clone(text), &reply) == nil; good != (d.Unreadable == "") {
			t.Fatalf("%+v", d)
		} else if !good {
			return
		}
		if len(d.Used) != len(reply.Used) || len(d.Notes) != len(reply.Notes) || d.Fits != reply.Fits {
			t.Errorf("%+v of %+v", d, reply)
		}
		problems, layers, host := 0, 0, 0
		for _, l := range reply.Layers {
			if l.Problem != "" {
				problems++
			}
			if l.Layer != "" {
				layers++
				if l.Host {
					host++
				}
			}
		}
		if len(d.Problems) != problems || len(d.Layers) != layers || d.Host != host {
			t.Errorf("%+v of %+v", d, reply)
		}
	})
}
