package record

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// deployment is what the page shows of a file deploy/*.json.
type deployment struct {
	Title, File string // of the action
	Target      string // as it is written
	ID          string // of its section
	Unreadable  string // why the file says nothing; "" where it is a deployment
	Fits        bool
	Arguments   string
	Facts       []fact
	Problems    []schema.Placement
	Layers      []layerRow
	Networks    int // how many different ones the layers are of
	Used        usedTable
	Host        int  // how many of the layers the host computes
	Emulated    bool // some layer has activity
	Notes       []string
	Meshes      []mesh
	Legend      []swatch
	Hidden      int    // chips that are not drawn
	Cores       string // how many are in use
	Agreement   []agreementRow
	Rasters     []rasterFigure
	Pictures    []picture
	Figures     []DeployedFigure
	Energy      template.HTML
	Details     []energyRow
	Spent       []spentRow
	Caution     string
	Stays       string // what stays on the host, and why
	HostEnergy  *HostEnergy
	Baselines   []baselineRow
	Constants   []constantRow
	Circuits    []DeployedCircuit
	About       string // of how many inferences and examples the figures are
}

// layerRow is a layer in the table; "" where there is nothing to tell.
type layerRow struct {
	Network, Layer, Where, Reason, Neurons, Synapses, Chip, Software, Synops, SoftwareSynops, Operations, Clipped, Loss, Note string
}

// usedTable says how much of each thing the layers use.
type usedTable struct {
	Names []string
	Rows  []usedRow
}

type usedRow struct {
	Network, Layer string
	Amounts        []fact // by name: how much, and of how much; without a value where there is none
}

type picture struct {
	Name, Alt string
	URL       template.URL
	Width     int
}

type constantRow struct {
	schema.Constant
	Measure string
}

// spentRow is what one set of constants says of an inference; "" of a part that it has no figure of.
type spentRow struct {
	Profile, Partial string
	Parts            []string // events, steps, static, processors
	Chip, Network    string
}

type energyRow struct {
	schema.Energy
	From, Joules string
}

type baselineRow struct {
	Baseline
	Time, Joules, Faster string
	Ratios               []fact
}

// deployments reads the files deploy/*.json, and the pictures that they name, in the order of actions: that of the run first, then those of
// its checkpoints; and of the targets of each. Files that are no deployments come last.
func (f *Folder) deployments() (all []deployment, compared []comparison, err error) {
	var read []Deployment
	var order []int
	for _, file := range f.deployFiles() {
		text, err := os.ReadFile(f.Path(DeployFolder + "/" + file))
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", file, err)
		}
		var of Deployment
		d := newDeployment(DeployFolder+"/"+file, text)
		if parseJSON(text, &of) == nil {
			for _, p := range [][2]string{{"software", of.Software}, {"chip", of.Chip}} {
				if p[1] == "" || !filepath.IsLocal(p[1]) || filepath.Ext(p[1]) != ".png" {
					continue
				}
				data, err := os.ReadFile(f.Path(p[1]))
				if err != nil {
					d.Notes = append(d.Notes, "the picture "+p[1]+" cannot be read")
					continue
				}
				d.Pictures = append(d.Pictures, picture{Name: p[0], Alt: "samples of " + p[0], URL: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data))})
			}
		}
		d.ID = "deployment-" + strconv.Itoa(len(all)+1)
		order = append(order, len(all))
		all, read = append(all, d), append(read, of)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if x, y := all[a].Unreadable != "", all[b].Unreadable != ""; x || y {
			return cmp.Compare(len(all[a].Unreadable), len(all[b].Unreadable))
		}
		return cmp.Or(numerically(read[a].Action, read[b].Action), cmp.Compare(read[a].Place, read[b].Place))
	})
	sorted, of := make([]deployment, len(all)), make([]*Deployment, len(all))
	for i, k := range order {
		sorted[i] = all[k]
		if all[k].Unreadable == "" {
			of[i] = &read[k]
		}
	}
	return sorted, comparisons(sorted, of), nil
}

// numerically compares names, and numbers in them by their value.
func numerically(a, b string) int {
	digits := func(s string) int {
		return len(s) - len(strings.TrimLeft(s, "0123456789"))
	}
	for a != "" && b != "" {
		if m, n := digits(a), digits(b); m > 0 && n > 0 {
			x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[m:], b[n:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// newDeployment reads a deployment. A file that is none is shown as such: the user may have put it there.
func newDeployment(file string, text []byte) deployment {
	d := deployment{Title: strings.TrimPrefix(strings.TrimSuffix(file, deploySuffix), DeployFolder+"/"), File: file}
	var of Deployment
	if err := parseJSON(text, &of); err != nil {
		d.Unreadable = err.Error()
		return d
	}
	d.Title, d.Target = cmp.Or(strings.TrimPrefix(of.Action, "deploy "), d.Title), cmp.Or(of.Written, of.Target)
	d.Fits, d.Notes, d.Problems, d.Figures, d.Circuits = of.Fits, of.Notes, of.Problems, of.Figures, of.Circuits
	for _, c := range of.Constants {
		d.Constants = append(d.Constants, constantRow{c, measure(c.Value, c.Unit)})
	}
	d.Facts = deployFacts(&of)
	for i := range of.Layers {
		row := newLayerRow(&of.Layers[i])
		if of.Layers[i].Where == OnHost {
			d.Host++
		}
		d.Emulated = d.Emulated || of.Layers[i].Activity != nil
		d.Layers = append(d.Layers, row)
	}
	networks := map[string]bool{}
	for _, l := range of.Layers {
		networks[l.Network] = true
	}
	d.Networks, d.Used = len(networks), used(of.Layers)
	d.Meshes, d.Legend, d.Hidden = meshes(of.Cores)
	d.Cores = cores(&of)
	d.Agreement, d.Rasters = agreements(of.Agreement), rasters(of.Agreement)
	d.Energy = energyChart(&of)
	d.Spent = spent(&of)
	for _, e := range of.Energy {
		d.Details = append(d.Details, energyRow{e, strings.Join(e.From, ", "), span(e.Low, e.High, "J")})
	}
	d.Caution, d.HostEnergy, d.Stays = of.Caution, of.Host, of.Stays(math.MaxInt)
	for _, b := range of.Baselines {
		row := baselineRow{Baseline: b, Joules: span(b.Low, b.High, "J")}
		if b.Seconds > 0 {
			row.Time = si(b.Seconds, "s")
		}
		if b.Faster != (Bounds{}) {
			row.Faster = ratio(b.Faster.Low, b.Faster.High)
		}
		for _, r := range b.Ratios {
			row.Ratios = append(row.Ratios, fact{r.Profile, ratio(r.Low, r.High), partial(r.Parts)})
		}
		d.Baselines = append(d.Baselines, row)
	}
	if d.Emulated {
		d.About = fmt.Sprintf("An inference is %s. Activity, energy and time are means of %s of them, rates and agreement of %s examples; seed %d.", of.Inference, Grouped(of.Counted), Grouped(of.Examples), of.Seed)
	}
	return d
}

// deployFacts are the figures at the head of a deployment.
func deployFacts(d *Deployment) (out []fact) {
	for _, a := range d.Used {
		more := ""
		if a.Limit > 0 {
			more = "of " + Quantity(a.Limit) + " (" + percent(a.Used/a.Limit) + ")"
		}
		out = append(out, fact{a.Name, Quantity(a.Used), more})
	}
	if d.Chips > 0 && !slices.ContainsFunc(d.Used, func(a schema.Amount) bool { return a.Name == "chips" }) {
		out = append(out, fact{"chips", Grouped(d.Chips), ""})
	}
	if d.Ticks > 0 {
		out = append(out, fact{"steps of the chip", Quantity(d.Ticks), "per inference"})
	}
	if d.Seconds.High > 0 {
		out = append(out, fact{"time on the chip", span(d.Seconds.Low, d.Seconds.High, "s"), "per inference, without the host"})
	}
	if d.CPU != nil {
		out = append(out, fact{"time in software", si(d.CPU.Seconds, "s"), fmt.Sprintf("per inference, measured, %d threads", d.CPU.Threads)})
	}
	if d.HostOperations > 0 {
		out = append(out, fact{"host beside the chip", si(d.HostOperations, "MAC"), "per inference"})
	}
	return out
}

func newLayerRow(l *DeployedLayer) layerRow {
	r := layerRow{Network: l.Network, Layer: l.Layer, Where: l.Where, Reason: l.Reason}
	if l.Kind != "" {
		r.Where += " (" + l.Kind + ")"
	}
	if l.Operations > 0 {
		r.Operations = si(l.Operations, "MAC")
	}
	if l.Neurons > 0 {
		r.Neurons = Grouped(l.Neurons)
	}
	if l.Synapses > 0 {
		r.Synapses = Grouped(l.Synapses)
	}
	if a := l.Activity; a != nil {
		r.Chip, r.Synops = mean(a.Spikes), Quantity(round(a.Synops))
		if a.Clipped > 0 {
			r.Clipped = Quantity(round(a.Clipped)) + " updates left the range of the state"
		}
	}
	if s := l.Software; s != nil {
		r.Software, r.SoftwareSynops = mean(s.Spikes), Quantity(round(s.Synops))
	}
	if x := l.Loss; x != nil {
		r.Loss = percent(x.Weights)
		notes := []string{}
		if x.Bits > 0 {
			notes = append(notes, "weights of "+number(x.Bits)+" bits")
		}
		if x.Threshold != 0 {
			notes = append(notes, "threshold off by "+percent(math.Abs(x.Threshold)))
		}
		if x.Bias > 0 {
			notes = append(notes, "biases off by "+percent(x.Bias))
		}
		if x.Decay != 0 {
			notes = append(notes, "decay off by "+number(x.Decay))
		}
		if x.Clipped > 0 {
			notes = append(notes, Grouped(x.Clipped)+" weights clipped")
		}
		if x.Zeroed > 0 {
			notes = append(notes, percent(x.Zeroed)+" of the weights are now 0")
		}
		if x.Note != "" {
			notes = append(notes, x.Note)
		}
		r.Note = strings.Join(notes, "; ")
	}
	return r
}

// mostColumns is how many kinds of amounts a table has.
const mostColumns = 10

// used splits what layers use into columns: without what is 0 everywhere, and without what the table of layers has.
func used(layers []DeployedLayer) (t usedTable) {
	for _, l := range layers {
		for _, a := range l.Used {
			same := a.Name == "neurons" && a.Used == float64(l.Neurons) || a.Name == "synapses" && a.Used == float64(l.Synapses)
			if a.Used != 0 && !same && !slices.Contains(t.Names, a.Name) && len(t.Names) < mostColumns {
				t.Names = append(t.Names, a.Name)
			}
		}
	}
	if len(t.Names) == 0 {
		return t
	}
	for _, l := range layers {
		row := usedRow{Network: l.Network, Layer: l.Layer, Amounts: make([]fact, len(t.Names))}
		for _, a := range l.Used {
			i := slices.Index(t.Names, a.Name)
			if i < 0 || a.Used == 0 {
				continue
			}
			if row.Amounts[i].Value = Quantity(a.Used); a.Limit > 0 {
				row.Amounts[i].More = "of " + Quantity(a.Limit)
			}
		}
		if slices.ContainsFunc(row.Amounts, func(f fact) bool { return f.Value != "" }) {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// spent puts the parts of each set of constants into a row with their sum.
func spent(d *Deployment) (out []spentRow) {
	for i, t := range d.Totals {
		row := spentRow{Profile: t.Profile, Partial: partial(t.Parts), Chip: span(t.Low, t.High, "J")}
		for _, part := range []schema.EnergyPart{schema.Dynamic, schema.PerStep, schema.Static, schema.HostIO} {
			low, high, text := 0.0, 0.0, ""
			for _, e := range d.Energy {
				if e.Profile == t.Profile && e.Part == part {
					low, high = low+e.Low, high+e.High
					text = span(low, high, "J")
				}
			}
			row.Parts = append(row.Parts, text)
		}
		if i < len(d.Whole) && d.Host != nil {
			row.Network = span(d.Whole[i].Low, d.Whole[i].High, "J")
		}
		out = append(out, row)
	}
	return out
}

// parted are the parts of energies in words.
var parted = map[schema.EnergyPart]string{schema.Dynamic: "events", schema.PerStep: "steps", schema.Static: "static, over the time", schema.HostIO: "processors, in and out"}

// partial says what a set of constants has figures of, where it lacks those of events or of time, without which its sum is not what a chip
// takes from its supply; "" where it has both.
func partial(parts []schema.EnergyPart) string {
	var lacks []string
	for _, p := range []schema.EnergyPart{schema.Dynamic, schema.Static} {
		if !slices.Contains(parts, p) {
			lacks = append(lacks, short(p))
		}
	}
	switch {
	case len(parts) == 0 || len(lacks) == 0:
		return ""
	case len(parts) == 1:
		return short(parts[0]) + " only"
	}
	return "without " + strings.Join(lacks, " and ")
}

// short is the part of an energy in a word.
func short(p schema.EnergyPart) string {
	word, _, _ := strings.Cut(cmp.Or(parted[p], string(p)), ",")
	return word
}

// lines returns the texts that say something.
func lines(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}
