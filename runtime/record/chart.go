package record

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// point is a value of a curve.
type point struct{ x, y float64 }

// The size of a chart and its margins, in units of the drawing.
const (
	chartWidth, chartHeight   = 440.0, 230.0
	marginLeft, marginRight   = 66.0, 14.0
	marginTop, marginBottom   = 10.0, 38.0
	sparkWidth, sparkHeight   = 200.0, 44.0
	mostPoints                = 240 // of a curve: more are joined to means
	logarithmic               = 8.0 // largest over smallest value from which on an axis is logarithmic
	plotRight, plotBottom     = chartWidth - marginRight, chartHeight - marginBottom
	plotWidth, plotAreaHeight = plotRight - marginLeft, plotBottom - marginTop
)

// joined returns at most mostPoints points: the means of neighbours.
func joined(p []point) []point {
	if len(p) <= mostPoints {
		return p
	}
	out := make([]point, mostPoints)
	for i := range out {
		from, to := i*len(p)/mostPoints, (i+1)*len(p)/mostPoints
		for _, q := range p[from:to] {
			out[i].x += q.x / float64(to-from)
			out[i].y += q.y / float64(to-from)
		}
	}
	return out
}

// axis maps values to places between 0 and 1.
type axis struct {
	lo, hi float64
	log    bool
	ticks  []float64
}

// linearAxis spans lo to hi with about n round ticks, wanted at its ends.
func linearAxis(lo, hi float64, n int) axis {
	if !(lo < hi) {
		lo, hi = lo-max(math.Abs(lo), 1)/2, lo+max(math.Abs(lo), 1)/2
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, f := range []float64{2, 2.5, 2} { // 2, 5, 10 times the power of ten
		if (hi-lo)/step <= float64(n) {
			break
		}
		step *= f
	}
	first, last := math.Floor(lo/step+1e-9), math.Ceil(hi/step-1e-9)
	a := axis{lo: first * step, hi: last * step}
	for i := first; i <= last; i++ {
		a.ticks = append(a.ticks, i*step)
	}
	return a
}

// logAxis spans the positive lo to hi; ticks are powers of ten, with 2 and 5 between them over less than two decades.
func logAxis(lo, hi float64) axis {
	a := axis{lo: lo / 1.15, hi: hi * 1.15, log: true}
	between := []float64{1}
	if hi/lo < 100 {
		between = []float64{1, 2, 5}
	}
	first, last := math.Floor(math.Log10(lo)), math.Ceil(math.Log10(hi))
	every := max(1, math.Ceil((last-first)/6))
	for d := first; d <= last; d += every {
		for _, f := range between {
			if t := f * math.Pow(10, d); t >= a.lo && t <= a.hi {
				a.ticks = append(a.ticks, t)
			}
		}
	}
	return a
}

// valueAxis chooses the axis of values: logarithmic where they span much, with 0 where they come near it.
func valueAxis(lo, hi float64) axis {
	if lo > 0 && hi/lo > logarithmic {
		return logAxis(lo, hi)
	}
	if lo > 0 && lo < hi/2 {
		lo = 0
	}
	return linearAxis(lo, hi, 4)
}

func (a axis) place(v float64) float64 {
	if a.log {
		return (math.Log(v) - math.Log(a.lo)) / (math.Log(a.hi) - math.Log(a.lo))
	}
	return (v - a.lo) / (a.hi - a.lo)
}

// number writes a value with three digits that count; whole numbers whole.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e6 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if a := math.Abs(v); a >= 1e-3 && a < 1e6 {
		return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(a)))), 64)
	}
	return scientific(v, 2)
}

// scientific writes 1e-7 rather than 1e-07, and 1e9 rather than 1e+09.
func scientific(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'e', digits, 64)
	return strings.NewReplacer("e-0", "e-", "e+0", "e", "e+", "e").Replace(s)
}

// tick writes the label of a tick: as short as it is exact.
func tick(v float64) string {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e5) {
		return scientific(v, -1)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func path(p []point, x, y func(float64) float64) string {
	var b strings.Builder
	for i, q := range p {
		fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], x(q.x), y(q.y))
	}
	return b.String()
}

func bounds(sets ...[]point) (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range sets {
		for _, q := range p {
			x0, x1, y0, y1 = min(x0, q.x), max(x1, q.x), min(y0, q.y), max(y1, q.y)
		}
	}
	return
}

// curve draws the course of one quantity: faint the batches, bold the means of epochs; either may be missing, not both.
// across is what x counts.
func curve(name, across string, batches, epochs []point) template.HTML {
	batches, epochs = joined(batches), joined(epochs)
	x0, x1, y0, y1 := bounds(batches, epochs)
	if x0 > 0 && len(batches) > 0 {
		x0 = 0
	}
	xa := linearAxis(x0, x1, 6)
	xa.lo, xa.hi = x0, max(x1, x0+1e-9) // the curve fills the width
	ya := valueAxis(y0, y1)
	x := func(v float64) float64 { return marginLeft + plotWidth*xa.place(v) }
	y := func(v float64) float64 { return plotBottom - plotAreaHeight*ya.place(v) }
	main := epochs
	if len(main) == 0 {
		main = batches
	}
	first, last := main[0], main[len(main)-1]

	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %g %g" role="img" aria-label="%s: %s at %s %s, %s at %s %s">`, chartWidth, chartHeight,
		template.HTMLEscapeString(name), number(first.y), across, number(first.x), number(last.y), across, number(last.x))
	for _, t := range ya.ticks {
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %.1fH%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="end">%s</text>`,
			marginLeft, y(t), plotRight, marginLeft-7, y(t)+4, tick(t))
	}
	for _, t := range xa.ticks {
		if t < xa.lo-1e-9 || t > xa.hi+1e-9 {
			continue
		}
		fmt.Fprintf(&b, `<path class="axis" d="M%.1f %.1fv5"/><text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
			x(t), plotBottom, x(t), plotBottom+18, tick(t))
	}
	scale := "linear"
	if ya.log {
		scale = "logarithmic"
	}
	fmt.Fprintf(&b, `<text class="label" transform="translate(12 %.1f) rotate(-90)" text-anchor="middle">%s scale</text>`, marginTop+plotAreaHeight/2, scale)
	fmt.Fprintf(&b, `<path class="axis" d="M%.1f %.1fH%.1f"/><text class="label" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
		marginLeft, plotBottom, plotRight, marginLeft+plotWidth/2, chartHeight-4, across)
	if len(epochs) > 0 && len(batches) > 1 {
		fmt.Fprintf(&b, `<path class="faint" d="%s"/>`, path(batches, x, y))
	}
	fmt.Fprintf(&b, `<path class="line" d="%s"/><circle class="dot" cx="%.1f" cy="%.1f" r="3.5"/></svg>`, path(main, x, y), x(last.x), y(last.y))
	return template.HTML(b.String())
}

// spark draws a small curve over a filled area, from 0 to top.
func spark(name string, p []point, top float64) template.HTML {
	p = joined(p)
	x0, x1, _, _ := bounds(p)
	x := func(v float64) float64 { return sparkWidth * (v - x0) / max(x1-x0, 1e-9) }
	y := func(v float64) float64 { return sparkHeight - 1 - (sparkHeight-4)*v/top }
	if len(p) == 1 {
		p = []point{{x0, p[0].y}, {x0 + 1e-9, p[0].y}}
	}
	line := path(p, x, y)
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="0 0 %g %g" preserveAspectRatio="none" role="img" aria-label="firing rate of %s: %s, at the end %s">`+
		`<path class="area" d="%sL%g %gL0 %gZ"/><path class="line" d="%s"/></svg>`,
		sparkWidth, sparkHeight, template.HTMLEscapeString(name), percent(p[0].y), percent(p[len(p)-1].y), line, sparkWidth, sparkHeight, sparkHeight, line))
}

// percent writes a share.
func percent(v float64) string {
	if v > 0 && v < 0.001 {
		return "< 0.1 %"
	}
	return strings.TrimSuffix(strconv.FormatFloat(100*v, 'f', 1, 64), ".0") + " %"
}
