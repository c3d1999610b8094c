package record

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"html"
	"image/png"
	"io"
	"math"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// example fills a folder as a short run of two models does.
func example(t testing.TB) (*Folder, Report) {
	f := open(t)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for step := 1; step <= 8; step++ {
		x := float64(step)
		e := Event{Action: "train digit", Kind: Step, Epoch: (step - 1) / 4, Step: step, Seconds: x / 4, ExamplesPerSecond: 200,
			Loss:  map[string]float64{"total": 16/x + 1/x, "mse": 16 / x, "mmd": 1 / x},
			Rates: map[string]float64{"encoder.2.fire": 0.1 + x/100, "encoder.10.fire": 0.002, "decoder.0.fire": 0.96}}
		check(f.Append(e))
		if step%4 == 0 {
			e.Kind, e.Epoch = Epoch, step/4
			check(f.Append(e))
			check(f.WriteSheet(SheetName("digit", e.Epoch), numbered(4, 1, 2, 2), 2, 2))
			check(f.WritePairs(SheetName("digit reconstructions", e.Epoch), numbered(2, 3, 2, 2), numbered(2, 3, 2, 2), 1, 2))
		}
	}
	check(f.Append(Event{Action: "train digit", Kind: Done}))
	check(f.Append(Event{Action: "train prior", Kind: Step, Step: 1, Loss: map[string]float64{"total": 2}}))
	check(f.WriteSheet("digit", numbered(4, 1, 2, 2), 2, 2))
	check(f.SetMetric("evaluate digit", "mse", Figure{0.098123, 360, "test", 3, "mean squared error per element of 360 reconstructions of test", Interval{}, false}))
	check(f.SetMetric("evaluate digit", "spikes_encoder.2.fire", Figure{1234.5, 64, "test", 3, "spikes of encoder.2.fire for one sample", Interval{1200, 1300}, true}))
	check(f.SetDeployment("digit-chip", Deployment{Action: "deploy digit", Target: "chip",
		Used: []schema.Amount{{Name: "cores", Used: 131, Limit: 128}, {Name: "synapses", Used: 43008}},
		Layers: []DeployedLayer{
			{Network: "encoder", Layer: "0.linear", Where: OnHost, Reason: "its input is <real> values"},
			{Network: "encoder", Layer: "3.linear", Where: OnChip, Used: []schema.Amount{{Name: "neurons per core", Used: 32, Limit: 1024}}},
			{Network: "encoder", Layer: "6.linear", Where: OnChip},
		},
		Problems: []schema.Placement{
			{Network: "encoder", Layer: "6.linear", Problem: "fan-in of 5,000 & more than 4,096", Change: "at most 4,096 inputs"},
			{Network: "decoder", Problem: "7 networks"},
		},
		Notes: []string{"0.linear of encoder runs on the host: its input is <real> values"},
	}))
	return f, Report{
		Title: "quick<start>", Version: "0.1.0",
		Doc:      "Draw digits & see <script>alert(1)</script>.\n\nA second paragraph.",
		Networks: []Network{{Name: "encoder", Steps: 4, Parameters: 8320, Frozen: 64, Layers: []Layer{{"encoder.0.linear", "linear", "signal[128]", 8320}, {"encoder.2.fire", "neuron", "spikes[128]", 0}}}},
		Settings: []Setting{{"command line", "--preset", "small"}, {"command line", "--set", "train.digit.epochs=2"}, {"train digit", "batch", "50"}, {"sample digit", "sheet", "8x8"}, {"train digit", "data", `optdigits(range = -1..1)`}},
	}
}

func page(t testing.TB, f *Folder, r Report) string {
	t.Helper()
	if err := f.WriteReport(r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.Path(ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReport(t *testing.T) {
	f, r := example(t)
	got := page(t, f, r)
	if again := page(t, f, r); again != got {
		t.Error("the same run gave another page")
	}
	// The golden has the body, without the bytes of the pictures.
	_, body, _ := strings.Cut(got, "<body>")
	body = regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=&#;]+`).ReplaceAllString(body, "PICTURE")
	if *update {
		if err := os.WriteFile("testdata/report.html", []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/report.html")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), body); diff != "" {
		t.Errorf("page (run with -update to accept):\n%s", diff)
	}
}

// Every file that the page links to is there.
func TestReportLinks(t *testing.T) {
	f, r := example(t)
	if err := f.WriteText("spec/a.snn", "snn 1"); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSheet("sample-digit[1] 50%#?", numbered(4, 1, 2, 2), 1, 4); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page(t, f, r), -1) {
		to, err := url.Parse(html.UnescapeString(m[1]))
		if err != nil || to.IsAbs() || to.RawQuery != "" || to.Fragment != "" {
			t.Errorf("link %q: %v", m[1], err)
			continue
		}
		if !f.has(to.Path) {
			t.Errorf("there is no %s", to.Path)
		}
		got = append(got, to.Path)
	}
	want := []string{"spec/", "events.jsonl", "metrics.json", "samples/digit.epoch-0002.npy", "samples/digit.npy", "samples/digit.epoch-0001.npy",
		"samples/sample-digit[1] 50%#?.npy", "samples/digit reconstructions.epoch-0002.npy", "samples/digit reconstructions.epoch-0001.npy", "deploy/digit-chip.json"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got)\n%s", diff)
	}
}

// A final sheet that shows what the last epoch's shows is there once, whatever its title and however its PNG is packed; one that
// shows something else is there beside it.
func TestSameSheetOnce(t *testing.T) {
	f := open(t)
	write := func(name string, seed float32) {
		t.Helper()
		m := numbered(4, 1, 2, 2)
		m.Pixels[0] = seed
		if err := f.WriteSheet(name, m, 2, 2); err != nil {
			t.Fatal(err)
		}
	}
	show := func() (out []string) {
		t.Helper()
		all, err := f.sheets()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			line := s.Title + ": " + s.Newest.Caption
			for _, e := range s.Earlier {
				line += "; " + e.Caption
			}
			out = append(out, line)
		}
		return out
	}
	check := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, show()); diff != "" {
			t.Errorf("sheets (-want +got)\n%s", diff)
		}
	}
	write(SheetName("a", 1), 0)
	write(SheetName("a", 2), 1)
	write(SheetName("b", 1), 0.5)
	write("sample-b", 0.5)
	write("sample-a", 1)
	check("a: epoch 2, and sample-a; epoch 1", "b: epoch 1, and sample-b")

	path := f.Path(SampleFolder + "/sample-a.png")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&other, picture); err != nil || bytes.Equal(other.Bytes(), data) {
		t.Fatal("packed alike", err)
	}
	if err := os.WriteFile(path, other.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	check("a: epoch 2, and sample-a; epoch 1", "b: epoch 1, and sample-b")

	write("sample-a", 0) // the first epoch's is not the last one's
	write("a", 1)
	check("a: epoch 2, and final; epoch 1", "sample-a: final", "b: epoch 1, and sample-b")
	write("a", 0.25)
	check("a: final; epoch 1; epoch 2", "sample-a: final", "b: epoch 1, and sample-b")
}

// TestReportStandsAlone: no other file and no network is asked for, nothing of the spec becomes markup, every picture has a
// text, and the tags are nested properly.
func TestReportStandsAlone(t *testing.T) {
	f, r := example(t)
	got := page(t, f, r)
	for _, bad := range []string{"http:", "https:", "//", "<script", "<link", "@import", "url(", "ZgotmplZ"} {
		rest := regexp.MustCompile(`base64,[A-Za-z0-9+/=&#;]+`).ReplaceAllString(got, "")
		if i := strings.Index(rest, bad); i >= 0 {
			t.Errorf("the page has %q: %.80q", bad, rest[max(0, i-20):])
		}
	}
	if n, want := strings.Count(got, "data:image/png;base64,"), 2+2; n != want {
		t.Errorf("%d pictures, want %d", n, want)
	}
	for _, tag := range regexp.MustCompile(`<(img|svg)[^>]*>`).FindAllString(got, -1) {
		if !regexp.MustCompile(`(alt|aria-label)="[^"]+"`).MatchString(tag) {
			t.Errorf("no text for %.120s", tag)
		}
	}
	// As XML: the tags that HTML never closes are closed.
	d := xml.NewDecoder(strings.NewReader(regexp.MustCompile(`<((?:meta|img|wbr)[^>]*)>`).ReplaceAllString(got, "<$1/>")))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReportOfAnEmptyRun(t *testing.T) {
	if got := page(t, open(t), Report{Title: "nothing yet"}); !strings.Contains(got, "<h1>nothing yet</h1>") || strings.Contains(got, "<section") {
		t.Errorf("page:\n%s", got)
	}
}

func TestStripOfManySheets(t *testing.T) {
	f := open(t)
	for epoch := 1; epoch <= 100; epoch++ {
		put(t, f.dir, "samples/"+SheetName("digit", epoch)+".png")
	}
	s, err := f.sheets()
	if err != nil || len(s) != 1 {
		t.Fatal(s, err)
	}
	// What is no picture is shown all the same: the browser says that it is none.
	var got []string
	for _, e := range s[0].Earlier {
		got = append(got, e.Caption)
	}
	want := []string{"epoch 1", "epoch 13", "epoch 25", "epoch 37", "epoch 50", "epoch 62", "epoch 74", "epoch 86", "epoch 99"}
	if diff := cmp.Diff(want, got); diff != "" || s[0].Newest.Caption != "epoch 100" {
		t.Errorf("newest %s\n%s", s[0].Newest.Caption, diff)
	}
}

func TestAxis(t *testing.T) {
	for _, x := range []struct {
		lo, hi float64
		want   string
	}{
		{0.1, 0.9, "0.1 0.2 0.5 1"},
		{0.5, 0.9, "0.5 0.6 0.7 0.8 0.9"},
		{0.1, 0.7, "0 0.2 0.4 0.6 0.8"},
		{-0.2, 0.4, "-0.2 0 0.2 0.4"},
		{0, 123456, "0 50000 1e5 1.5e5"},
		{3, 3, "1 2 3 4 5"},
		{0, 0, "-0.5 0 0.5"},
		{1e-6, 0.4, "1e-6 1e-5 1e-4 0.001 0.01 0.1"},
		{1e-20, 1, "1e-20 1e-16 1e-12 1e-8 1e-4 1"},
	} {
		var got []string
		a := valueAxis(x.lo, x.hi)
		for _, v := range a.ticks {
			got = append(got, tick(v))
			if p := a.place(v); !(p >= -1e-9 && p <= 1+1e-9) {
				t.Errorf("%v..%v: tick %v is at %v", x.lo, x.hi, v, p)
			}
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%v..%v: ticks %s, want %s", x.lo, x.hi, s, x.want)
		}
	}
}

func TestJoined(t *testing.T) {
	var p []point
	for i := range 10_000 {
		p = append(p, point{float64(i), float64(i % 2)})
	}
	q := joined(p)
	if len(q) != mostPoints {
		t.Fatalf("%d points", len(q))
	}
	for _, x := range q {
		if math.Abs(x.y-0.5) > 0.02 { // 41 or 42 points each: 20/41 at least
			t.Errorf("at %v: %v", x.x, x.y)
		}
	}
}

func TestNumbers(t *testing.T) {
	var got []string
	for _, v := range []float64{0, 1, 360, 0.0981234, 0.5, 12.345, 1234.5, 1e9, 1e-7, -0.25} {
		got = append(got, number(v))
	}
	for _, n := range []int{0, 999, 1000, 688433, -1234567} {
		got = append(got, Grouped(n))
	}
	for _, n := range []int{9999, 10_000, 122_880, 999_499, 999_500, 1_230_000_000, 1e18} {
		got = append(got, Short(n))
	}
	for _, s := range []float64{0.04, 9.96, 59.6, 72, 3725} {
		got = append(got, Duration(s))
	}
	for _, s := range []float64{0, 0.00001, 0.14, 1} {
		got = append(got, percent(s))
	}
	const want = "[0 1 360 0.0981 0.500 12.3 1234 1.00e9 1.00e-7 -0.250 0 999 1,000 688,433 -1,234,567 9999 10 k 123 k 999 k 1 M 1.23 G 1000 P 0.0 s 10.0 s 1 min 00 s 1 min 12 s 1 h 02 min 0 % < 0.1 % 14 % 100 %]"
	if s := fmt.Sprint(got); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}
