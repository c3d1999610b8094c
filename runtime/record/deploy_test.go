package record

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
)

// What a target says is kept by name, and goes with its sheets when the action is done anew, without what others say.
func TestSetDeployment(t *testing.T) {
	f := open(t)
	one := Images{N: 1, Channels: 1, Height: 2, Width: 2, Pixels: make([]float32, 4), Hi: 1}
	set := func(action, name string, cores float64) Deployment {
		t.Helper()
		d := Deployment{Action: action, Target: "chip", Fits: true, Used: []schema.Amount{{Name: "cores", Used: cores}}, Seconds: Bounds{Low: 1, High: 2}, Layers: []DeployedLayer{}}
		sheet, err := f.WriteDeploySheet(name, one)
		if err != nil {
			t.Fatal(err)
		}
		d.Chip = sheet
		if err := f.SetDeployment(name, d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := set("deploy digit", "digit-a", 1)
	set("deploy digit[1]", "digit[1]-a", 2)
	put(t, f.dir, "deploy/mine.json")
	got, err := f.Deployment("digit-a")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if !f.HasDeployment("deploy digit", "digit-a") || f.HasDeployment("deploy digit", "digit[1]-a") || f.HasDeployment("deploy digit", "b") {
		t.Error("it is not known who said what")
	}
	if err := f.RemoveDeployments("deploy digit"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(f.Path(DeployFolder))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "digit[1]-a.json digit[1]-a.npy digit[1]-a.png mine.json"; got != want || err != nil {
		t.Errorf("left are %s, want %s; %v", got, want, err)
	}
	if err := os.Remove(f.Path("deploy/digit[1]-a.png")); err != nil || f.HasDeployment("deploy digit[1]", "digit[1]-a") {
		t.Error("its sheet is gone", err)
	}
	for _, bad := range []string{"../a", "a/b", "..", ""} {
		if err := f.SetDeployment(bad, Deployment{}); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

// A file that is no deployment is shown as such, and the other one all the same.
func TestUnreadableDeploy(t *testing.T) {
	f := open(t)
	put(t, f.dir, "deploy/mine.json")
	if err := f.SetDeployment("digit-chip", Deployment{Fits: true}); err != nil {
		t.Fatal(err)
	}
	got := page(t, f, Report{Title: "a"})
	for _, part := range []string{"Cannot be read", ">deploy/mine.json</a>", `>digit-chip <span class="verdict">fits</span>`} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got[strings.Index(got, "<body>"):])
		}
	}
}

// What a console says of a deployment.
func TestDeployWords(t *testing.T) {
	d := deployed(2)
	for _, name := range []string{"3.a", "3.b", "3.c", "3.d", "3.a"} {
		d.Layers = append(d.Layers, DeployedLayer{Network: "encoder", Layer: name, Where: OnHost, Reason: "it is late"})
	}
	d.Layers = append(d.Layers, DeployedLayer{Network: "encoder", Layer: "4", Where: OnHost, Reason: "it is last"})
	got := append(d.Spent(), d.Stays(2), d.Figures[0].String(), (&Deployment{Layers: []DeployedLayer{{Where: OnHost}}}).Stays(2), DeployedFigure{Name: "frechet", Software: 12.34567, Chip: 12}.String())
	d.Layers, d.Host = d.Layers[:3], nil
	got = append(got, d.Spent()[0], d.Stays(1))
	want := []string{
		"9.9 µJ on the chip and 15.4 µJ with the host's part for a sample of sampler dpm, by early, events only",
		"210 nJ to 730 µJ on the chip and 5.73 to 736 µJ with the host's part for a sample of sampler dpm, by board, without events",
		"7 of 9 layers stay on the host: 0.conv: its input is <real> values; 3.a, 3.b, 2 more: it is late; and for 1 more reason",
		"accuracy = 0.975 in 0.95..0.99 on the chip, 0.98 in software, of the first 256 examples of test",
		"", "frechet = 12 on the chip, 12.35 in software",
		"9.9 µJ for a sample of sampler dpm, by early, events only",
		"1 of 3 layers stays on the host: 0.conv: its input is <real> values",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAmounts(t *testing.T) {
	got := Amounts([]schema.Amount{{Name: "neurons", Used: 736, Limit: 131072}, {Name: "synapses", Used: 43008}, {Name: "load", Used: 0.123456}})
	if want := "736 of 131,072 neurons, 43,008 synapses, 0.1235 load"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzDeploy: any bytes become something to show: a deployment, all of whose problems and layers are there, or why they are none.
func FuzzDeploy(f *testing.F) {
	for _, seed := range []string{
		`{"fits":true,"used":[{"name":"cores","used":5,"limit":128}],"layers":[{"network":"a","layer":"1.linear","where":"host","reason":"r"}],"notes":["n"]}`,
		`{"fits":false,"problems":[{"network":"a","layer":"","problem":"p","change":"c"},{"network":"a","layer":"0","problem":"p"}]}`,
		`{}`, ``, `null`, `[]`, `{"fits":1}`, `{"fits":true}{}`, `{"used":[{"name":"<b>","used":1e308,"limit":1e-308},{"used":-9007199254740993}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := newDeployment("deploy/a.json", text)
		var reply Deployment
		if good := parseJSON(bytes.Clone(text), &reply) == nil; good != (d.Unreadable == "") {
			t.Fatalf("%+v", d)
		} else if !good {
			return
		}
		host := 0
		for _, l := range reply.Layers {
			if l.Where == OnHost {
				host++
			}
		}
		if len(d.Facts) < len(reply.Used) || len(d.Notes) != len(reply.Notes) || d.Fits != reply.Fits || len(d.Problems) != len(reply.Problems) || len(d.Layers) != len(reply.Layers) || d.Host != host {
			t.Errorf("%+v of %+v", d, reply)
		}
	})
}
