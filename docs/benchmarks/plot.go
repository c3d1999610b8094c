package main

import (
	"bytes"
	"fmt"
	"html"
)

// plot returns speed.svg: for each row of a network, how many times as fast as SpikingJelly eager each contender is.
func plot(runs []run) []byte {
	const (
		wide, left, right = 860, 260, 60
		high, gap, top    = 13, 14, 40
	)
	type bar struct {
		title string
		value float64
		kind  int
	}
	type rows struct {
		title string
		bars  []bar
	}
	var all []rows
	most := 1.0
	for _, g := range groups() {
		for _, r := range g.rows {
			base, ok := together(runs, g.name, eager, r.figure)
			if !ok {
				continue
			}
			of := rows{title: r.title}
			for _, c := range g.contenders {
				f, ok := together(runs, g.name, c.name, r.figure)
				if !ok {
					continue
				}
				b := bar{title: c.title, value: base.Median / f.Median}
				switch {
				case c.name == ours:
					b.kind = 2
				case c.best:
					b.kind = 1
				}
				most = max(most, b.value)
				of.bars = append(of.bars, b)
			}
			all = append(all, of)
		}
	}
	tall := top
	for _, r := range all {
		tall += (len(r.bars)+1)*high + gap
	}
	most = min(most, longestBar)
	colours := [...]string{"#b8c4ce", "#7f93a6", "#d1495b"} // bf16 peers, fp32 peers, snnc
	var w bytes.Buffer
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="10">`+"\n", wide, tall)
	fmt.Fprintf(&w, `<rect width="%d" height="%d" fill="white"/>`+"\n", wide, tall)
	fmt.Fprintf(&w, `<text x="10" y="20" font-size="13">Speed, SpikingJelly eager fp32 = 1; light bars are bf16, broken ones are longer</text>`+"\n")
	y := top
	for _, r := range all {
		fmt.Fprintf(&w, `<text x="10" y="%d" font-weight="bold">%s</text>`+"\n", y+high-3, html.EscapeString(r.title))
		y += high
		for _, b := range r.bars {
			width := min(b.value, most) / most * (wide - left - right)
			fmt.Fprintf(&w, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-6, y+high-3, html.EscapeString(b.title))
			fmt.Fprintf(&w, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, y+1, width, high-2, colours[b.kind])
			if b.value > most {
				fmt.Fprintf(&w, `<path d="M%.1f %dl4 %d" stroke="white" stroke-width="3"/>`, left+width-14, y+high, -high)
			}
			fmt.Fprintf(&w, `<text x="%.1f" y="%d">%s</text>`+"\n", left+width+4, y+high-3, factor(b.value))
			y += high
		}
		y += gap
	}
	fmt.Fprintln(&w, "</svg>")
	return w.Bytes()
}

// longestBar is the factor at which bars are broken, so that those of the neuron alone leave the others long enough to be read.
const longestBar = 12
