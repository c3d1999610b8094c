package reference

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"snnc.dev/snnc/plugins/schema"
)

// row is a line about an argument or a choice; depth counts what it stands in.
type row struct {
	depth       int
	name, value string // value: what it may be, "" of a choice
	doc         string
}

// rows lists the arguments of an entry with the choices that they have.
func (e Entry) rows() []row {
	var out []row
	for _, r := range e.Roles {
		value := "a " + r.Takes
		if r.Optional {
			value += ", may be left out"
		}
		out = append(out, row{0, r.Name, value, r.Doc})
	}
	out = append(out, params(e.Params, 0)...)
	if len(e.Samplers) > 0 {
		out = append(out, row{0, "sampler", "of `sample` and `evaluate`; the first is the default", ""})
		out = append(out, choices(e.Samplers, 1)...)
	}
	return out
}

func params(list []schema.Param, depth int) []row {
	var out []row
	for _, p := range list {
		out = append(out, row{depth, p.Name, takes(p), p.Doc})
		if p.Role != nil && p.Doc == "" {
			out[len(out)-1].doc = p.Role.Doc
		}
		row := &out[len(out)-1]
		switch p.Name { // these have entries of their own
		case "optimizer":
			row.value = strings.Replace(row.value, "one of these", "one of the optimisers", 1)
		case "metrics":
			row.value = strings.Replace(row.value, "of these", "of metrics", 1)
		default:
			out = append(out, choices(p.Choices, depth+1)...)
		}
	}
	return out
}

func choices(list []schema.Choice, depth int) []row {
	var out []row
	for _, c := range list {
		doc := c.Doc
		if c.Later {
			doc = strings.TrimSpace("(not in this version) " + doc)
		}
		out = append(out, row{depth, call(c.Name, c.Params, nil), "", doc})
		out = append(out, params(c.Params, depth+1)...)
	}
	return out
}

// takes says what values a parameter takes.
func takes(p schema.Param) string {
	var s string
	switch p.Type {
	case schema.List:
		if s = "list"; p.Of != "" && p.Of != schema.OneOf {
			s = fmt.Sprintf("list of %s", word(p.Of))
		} else if p.Of == schema.OneOf {
			s = "list of these"
		}
	case schema.ARole:
		if s = "name"; p.Role != nil {
			s = "a " + p.Role.Takes
		}
	default:
		s = word(p.Type)
	}
	number := func(v float64) string {
		if e := strings.Replace(strconv.FormatFloat(v, 'e', -1, 64), "e+0", "e", 1); v >= 1e6 && len(e) <= 4 {
			return e
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	switch {
	case p.Type == schema.OneOf || p.Type == schema.Terms:
	case p.Min != nil && p.Max != nil:
		s += fmt.Sprintf(" in %s..%s", number(*p.Min), number(*p.Max))
	case p.Min != nil && !math.IsInf(*p.Min, 0):
		s += " from " + number(*p.Min)
	case p.Max != nil:
		s += " up to " + number(*p.Max)
	}
	switch {
	case p.Required:
		s += ", needed"
	case p.Default != "":
		s += ", default `" + p.Default + "`"
	}
	return s
}

func word(t schema.Type) string {
	switch t {
	case "":
		return "name"
	case schema.OneOf:
		return "one of these"
	case schema.Terms:
		return "weighted sum of these"
	case schema.AField:
		return "field of the data"
	}
	return string(t)
}

// title is the entry's heading.
func (e Entry) title() string {
	title := "`" + e.Name + "`"
	if e.Of != "" {
		title += " of `" + e.Of + "`"
	}
	if e.Plugin != "" {
		title += " of " + e.Plugin
	}
	if e.Later {
		title += " (not in this version)"
	}
	return title
}

// Markdown is the page of all entries.
func Markdown(entries []Entry) []byte {
	var b bytes.Buffer
	b.WriteString("# Reference\n\nWhat a spec may name, as `snnc doc NAME` prints it. This page is made by `snnc doc --markdown` from what specs are checked\nagainst. [The language](language.md) explains how it fits together.\n\n")
	for i, k := range Kinds() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "[%s](#%s)", strings.ToLower(k.Heading), strings.ToLower(strings.ReplaceAll(k.Heading, " ", "-")))
	}
	b.WriteString(".\n")
	for _, k := range Kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", k.Heading, k.Intro)
		of := ""
		for _, e := range entries {
			if e.Kind != k.Kind {
				continue
			}
			if short(k.Kind) {
				if of == "" {
					of = k.Kind
					b.WriteString("\n| name | written | |\n|---|---|---|\n")
				}
				written := "`" + e.Form + "`"
				if e.Form == "" {
					written = ""
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Name, written, escape(e.Doc))
				continue
			}
			if k.Kind == "setting" { // a table an action
				if e.Of != of {
					of = e.Of
					fmt.Fprintf(&b, "\n### Settings of `%s`\n\n| setting | takes | |\n|---|---|---|\n", of)
				}
				cells(&b, e.rows())
				continue
			}
			e.markdown(&b)
		}
	}
	return b.Bytes()
}

// PluginMarkdown is the page of one plugin's components: how a spec uses it, and an entry for each.
func PluginMarkdown(p schema.Plugin) []byte {
	var b bytes.Buffer
	parts := strings.Split(p.Version, ".")
	fmt.Fprintf(&b, "# %s %s\n\n```snn fragment\nuse %q as NAME, version \"~> %s\"\n```\n\nNAME stands for the component of the kind that is wanted where it is written.\n",
		p.Name, p.Version, p.Name, strings.Join(parts[:min(2, len(parts))], "."))
	for _, k := range Kinds() {
		first := true
		for _, e := range componentEntries(p.Components, "") {
			if e.Kind != k.Kind {
				continue
			}
			if first {
				first = false
				fmt.Fprintf(&b, "\n## %s\n", k.Heading)
			}
			e.markdown(&b)
		}
	}
	return b.Bytes()
}

// short reports whether a line says all of an entry of a kind.
func short(kind string) bool {
	return kind == "wire" || kind == "integrator" || kind == "type" || kind == "unit"
}

func (e Entry) markdown(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n### %s\n\n", e.title())
	if e.Equations == "" && e.Signature() != e.Name {
		fmt.Fprintf(b, "`%s`\n\n", strings.ReplaceAll(e.Signature(), "\n", "` or\n`"))
	}
	fmt.Fprintf(b, "%s\n", strings.TrimSpace(e.Doc))
	if e.Equations != "" {
		fmt.Fprintf(b, "\n```snn fragment\n%s\n```\n", e.Equations)
	}
	if len(e.Aliases) > 0 {
		fmt.Fprintf(b, "\nOther libraries call it `%s`.\n", strings.Join(e.Aliases, "`, `"))
	}
	if rows := e.rows(); len(rows) > 0 && e.Kind != "statement" { // whose settings have tables of their own
		fmt.Fprint(b, "\n| argument | takes | |\n|---|---|---|\n")
		cells(b, rows)
	}
	if len(e.Exports) > 0 {
		fmt.Fprintf(b, "\nIt exports `%s`.\n", strings.Join(e.Exports, "`, `"))
	}
}

// cells writes the rows of a Markdown table.
func cells(b *bytes.Buffer, rows []row) {
	for _, r := range rows {
		fmt.Fprintf(b, "| %s`%s` | %s | %s |\n", strings.Repeat("· ", r.depth), escape(r.name), escape(r.value), escape(r.doc))
	}
}

// escape makes a text one cell of a Markdown table.
func escape(text string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text) }

// Text is the entry for a terminal of so many columns.
func (e Entry) Text(width int) string {
	var b strings.Builder
	kind := e.Kind
	switch {
	case e.Of != "":
		kind += " of " + e.Of
	case e.Plugin != "":
		kind += " of plugin " + e.Plugin
	}
	if e.Later {
		kind += ", not in this version"
	}
	fmt.Fprintf(&b, "%s (%s)\n", e.Name, kind)
	if e.Equations == "" && e.Signature() != e.Name {
		b.WriteByte('\n')
		for line := range strings.SplitSeq(e.Signature(), "\n") {
			b.WriteString(indent(wrap(line, width-4), 4) + "\n")
		}
	}
	if doc := strings.TrimSpace(e.Doc); doc != "" && e.Kind != "setting" {
		fmt.Fprintf(&b, "\n%s", Plain(doc, width))
	}
	if e.Equations != "" {
		fmt.Fprintf(&b, "\n%s\n", indent(e.Equations, 4))
	}
	if len(e.Aliases) > 0 {
		fmt.Fprintf(&b, "\n%s\n", wrap("Other libraries call it "+strings.Join(e.Aliases, ", ")+".", width))
	}
	if rows := e.rows(); len(rows) > 0 {
		b.WriteByte('\n')
		column := 0
		for _, r := range rows {
			if n := 2*r.depth + utf8.RuneCountInString(r.name); n <= min(28, width/3) {
				column = max(column, n)
			}
		}
		for _, r := range rows {
			text := strings.ReplaceAll(r.value, "`", "")
			if text != "" && r.doc != "" {
				text += ": "
			}
			text = wrap(text+r.doc, width-column-4)
			name := strings.Repeat("  ", r.depth) + r.name
			if n := utf8.RuneCountInString(name); n <= column {
				name += strings.Repeat(" ", column-n+2)
			} else {
				name += "\n  " + strings.Repeat(" ", column+2)
			}
			fmt.Fprintf(&b, "%s\n", strings.TrimRight("  "+name+strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", column+4)), " "))
		}
	}
	if len(e.Exports) > 0 {
		fmt.Fprintf(&b, "\nexports %s\n", strings.Join(e.Exports, ", "))
	}
	return b.String()
}

// Plain is a Markdown text for a terminal of so many columns: paragraphs wrapped, blocks of code indented, headings bare.
func Plain(markdown string, width int) string {
	var b strings.Builder
	var paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			b.WriteString(wrap(strings.Join(paragraph, " "), width) + "\n")
			paragraph = nil
		}
	}
	code := false
	for _, line := range strings.Split(strings.TrimSpace(markdown), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			flush()
			code = !code
		case code:
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		case strings.TrimSpace(line) == "":
			flush()
			b.WriteByte('\n')
		case strings.HasPrefix(line, "#"):
			flush()
			b.WriteString(strings.TrimLeft(line, "# ") + "\n")
		case strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "|") || numbered.MatchString(line):
			flush()
			paragraph = append(paragraph, line)
		default:
			paragraph = append(paragraph, strings.TrimSpace(strings.ReplaceAll(line, "**", "")))
		}
	}
	flush()
	return b.String()
}

// numbered begins an item of a list with numbers.
var numbered = regexp.MustCompile(`^[0-9]+\. `)

// wrap breaks a text into lines of at most so many characters, where words allow it.
func wrap(text string, columns int) string {
	var b strings.Builder
	n := 0
	for i, w := range strings.Fields(text) {
		k := utf8.RuneCountInString(w)
		switch {
		case i == 0:
		case n+1+k > columns:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(w)
		n += k
	}
	return b.String()
}

func indent(text string, columns int) string {
	return strings.Repeat(" ", columns) + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", columns))
}
