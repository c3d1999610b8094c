package record

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// Report is what the page of a run shows besides the folder's events, sheets and figures.
type Report struct {
	Title    string // the name of the spec
	Doc      string // its doc comment; blank lines part paragraphs
	Version  string // of snnc
	Networks []Network
	Settings []Setting
}

// Network is a network as a reader counts it.
type Network struct {
	Name       string
	Steps      int // time steps; 0 where nothing is timed
	Layers     []Layer
	Parameters int // trainable
	Frozen     int // stored and never trained
}

// Layer is a layer of a network.
type Layer struct {
	Name, Kind string
	Shape      string // of what it gives, as the spec writes it: spikes[32, 16, 16]
	Parameters int
}

// Setting is one setting of the run: of `train digit`, batch, 50.
type Setting struct{ Of, Name, Value string }

//go:embed report.html.tmpl
var reportTemplate string

// WriteReport writes report.html: one page that needs no other file and no network, with links to the files that it shows. It
// shows what the folder has: losses and firing rates of events.jsonl, the sheets of samples/ (those of an epoch, named by
// SheetName, as a strip that ends with a large one), metrics.json and what targets say. Equal folders and reports give equal
// bytes.
func (f *Folder) WriteReport(r Report) error {
	v, err := f.view(r)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	t, err := template.New("report").Funcs(template.FuncMap{"count": Grouped, "number": number, "percent": percent, "between": between, "link": link, "base": filepath.Base, "lines": lines, "parts": func(name string) []string { return strings.SplitAfter(name, ".") }}).Parse(reportTemplate)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	var page bytes.Buffer
	if err := t.Execute(&page, v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return wholefile.WriteBytes(f.Path(ReportFile), page.Bytes())
}

// view is what the template shows.
type view struct {
	Report
	Paragraphs         []string
	Facts              []fact
	Sheets             []sheetSeries
	Trainings          []training
	Figures, Details   []figureRow
	Deployments        []deployment
	Compared           []comparison
	Files              []string // of the folder, for links
	Groups             []settingGroup
	Parameters, Frozen int
}

// fact is a number of the head of the page.
type fact struct{ Name, Value, More string }

// training is what the events of one action show.
type training struct {
	Action string
	Losses []lossChart
	Rates  []rateChart
	Top    float64 // of the charts of rates
}

type lossChart struct {
	Name, First, Last string
	SVG               template.HTML
}

type rateChart struct {
	Name, Rate, Remark string
	SVG                template.HTML
}

type figureRow struct {
	Action, Name string
	Figure
}

type settingGroup struct {
	Of   string
	Rows []Setting
}

// Sure reports whether the figure has an interval.
func (r figureRow) Sure() bool { return r.Interval != Interval{} }

// A layer that spikes less than quiet or more than busy is pointed out.
const quiet, busy = 0.005, 0.95

func (f *Folder) view(r Report) (*view, error) {
	v := &view{Report: r}
	for p := range strings.SplitSeq(strings.ReplaceAll(r.Doc, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			v.Paragraphs = append(v.Paragraphs, p)
		}
	}
	events, err := f.Events()
	if err != nil {
		return nil, err
	}
	metrics, err := f.Metrics()
	if err != nil {
		return nil, err
	}
	if v.Sheets, err = f.sheets(); err != nil {
		return nil, err
	}
	if v.Deployments, v.Compared, err = f.deployments(); err != nil {
		return nil, err
	}
	for _, name := range []string{SpecFolder + "/", ProgramFolder + "/", EventFile, MetricFile} {
		if f.has(name) {
			v.Files = append(v.Files, name)
		}
	}
	for _, action := range inOrder(events, func(e Event) string { return e.Action }) {
		of := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.Action != action })
		if t := newTraining(action, of, r.Networks); len(t.Losses)+len(t.Rates) > 0 {
			v.Trainings = append(v.Trainings, t)
			v.Facts = append(v.Facts, facts(action, of)...)
		}
	}
	for _, action := range sorted(metrics) {
		for _, name := range sorted(metrics[action]) {
			f := figureRow{action, name, metrics[action][name]}
			if f.Detail {
				v.Details = append(v.Details, f)
			} else {
				v.Figures = append(v.Figures, f)
			}
		}
	}
	for _, of := range inOrder(r.Settings, func(s Setting) string { return s.Of }) {
		rows := slices.DeleteFunc(slices.Clone(r.Settings), func(s Setting) bool { return s.Of != of })
		v.Groups = append(v.Groups, settingGroup{of, rows})
	}
	for _, n := range r.Networks {
		v.Parameters += n.Parameters
		v.Frozen += n.Frozen
	}
	return v, nil
}

// has reports whether there is a file or folder of that name.
func (f *Folder) has(name string) bool {
	_, err := os.Stat(f.Path(name))
	return err == nil
}

// link is the address of a file of the folder, relative to the page.
func link(name string) string { return (&url.URL{Path: name}).String() }

// inOrder returns the distinct names of a list in the order in which they first come.
func inOrder[T any](list []T, name func(T) string) []string {
	var names []string
	for _, x := range list {
		if n := name(x); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// facts tells how far an action came.
func facts(action string, events []Event) []fact {
	var last Event
	for _, e := range events {
		if e.Kind == Step || e.Kind == Epoch {
			last = e
		}
	}
	done := "not done"
	if slices.ContainsFunc(events, func(e Event) bool { return e.Kind == Done }) {
		done = "done"
	}
	out := []fact{{action, Grouped(last.Step), plural(last.Step, "update") + ", " + Grouped(last.Epoch) + " " + plural(last.Epoch, "epoch") + ", " + done}}
	if total, ok := last.Loss["total"]; ok {
		out = append(out, fact{"loss", number(total), "at the end"})
	}
	if last.Seconds > 0 {
		out = append(out, fact{"time", Duration(last.Seconds), "of training"})
	}
	if last.ExamplesPerSecond > 0 {
		out = append(out, fact{"speed", Grouped(int(last.ExamplesPerSecond)), "examples per second"})
	}
	return out
}

// newTraining draws losses and rates, these in the order of the networks. What they are drawn over is epochs where one was
// ended, else updates.
func newTraining(action string, events []Event, networks []Network) training {
	t := training{Action: action}
	across, perEpoch := "update", 1.0
	for _, e := range events {
		if e.Kind == Epoch && e.Epoch > 0 && e.Step > 0 {
			across, perEpoch = "epoch", float64(e.Step)/float64(e.Epoch)
		}
	}
	collect := func(of func(Event) map[string]float64) (names []string, batches, epochs map[string][]point) {
		batches, epochs = map[string][]point{}, map[string][]point{}
		for _, e := range events {
			to := batches
			switch e.Kind {
			case Epoch:
				to = epochs
			case Step:
			default:
				continue
			}
			for name, y := range of(e) {
				to[name] = append(to[name], point{float64(e.Step) / perEpoch, y})
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
		slices.SortFunc(names, byTerm)
		return names, batches, epochs
	}
	names, batches, epochs := collect(func(e Event) map[string]float64 { return e.Loss })
	for _, name := range names {
		p := epochs[name]
		if len(p) < 2 { // one epoch is no curve
			p = append(slices.Clone(batches[name]), p...)
			epochs[name] = nil
			batches[name] = p
		}
		t.Losses = append(t.Losses, lossChart{name, number(p[0].y), number(p[len(p)-1].y), curve(name, across, batches[name], epochs[name])})
	}

	names, batches, epochs = collect(func(e Event) map[string]float64 { return e.Rates })
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(place(a, networks), place(b, networks)) })
	for _, name := range names {
		if len(epochs[name]) < 2 {
			epochs[name] = append(batches[name], epochs[name]...)
		}
		for _, p := range epochs[name] {
			t.Top = max(t.Top, p.y)
		}
	}
	t.Top = min(1, math.Ceil(max(t.Top, 0.01)*20)/20) // a twentieth more at most
	for _, name := range names {
		p := epochs[name]
		c := rateChart{Name: name, Rate: percent(p[len(p)-1].y), SVG: spark(name, p, t.Top)}
		switch last := p[len(p)-1].y; {
		case last < quiet:
			c.Remark = "nearly silent"
		case last > busy:
			c.Remark = "fires nearly always"
		}
		t.Rates = append(t.Rates, c)
	}
	return t
}

// place returns which network a layer's name begins with; those of none come last.
func place(layer string, networks []Network) int {
	name, _, _ := strings.Cut(layer, ".")
	if i := slices.IndexFunc(networks, func(n Network) bool { return n.Name == name }); i >= 0 {
		return i
	}
	return len(networks)
}

// byTerm sorts names; the total comes first, and numbers inside names by their value.
func byTerm(a, b string) int {
	if (a == "total") != (b == "total") {
		if a == "total" {
			return -1
		}
		return 1
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	return slices.CompareFunc(x, y, func(p, q string) int {
		m, e1 := strconv.Atoi(p)
		n, e2 := strconv.Atoi(q)
		if e1 == nil && e2 == nil && m != n {
			return cmp.Compare(m, n)
		}
		return cmp.Compare(p, q)
	})
}

// Grouped writes a number with its thousands apart: 4,053,601.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Short writes a number with three digits and a unit: 49.2 k. Below 10,000 it writes all digits.
func Short(n int) string {
	if n < 10_000 {
		return strconv.Itoa(n)
	}
	x := float64(n)
	for _, unit := range []string{"k", "M", "G", "T"} {
		if x /= 1000; x < 999.5 {
			return fmt.Sprintf("%.3g %s", x, unit)
		}
	}
	return fmt.Sprintf("%.0f P", x/1000)
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// Duration writes seconds for people: 9.5 s, 3 min 07 s, 2 h 05 min.
func Duration(seconds float64) string {
	switch s := int(math.Round(seconds)); {
	case seconds < 10:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	default:
		return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
	}
}
