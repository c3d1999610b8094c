package program

import (
	"fmt"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/graph"
)

// Print returns the canonical text of p, headed `program 1`.
func (p *Program) Print() string {
	var w strings.Builder
	w.WriteString("program 1\n")
	if len(p.Roles) > 0 {
		w.WriteByte('\n')
	}
	for _, r := range p.Roles {
		fmt.Fprintf(&w, "role %q %s (%s) -> (%s)", r.Name, r.Kind, types(r.In), types(r.Out))
		if r.FreeSteps {
			w.WriteString(" free-steps")
		}
		w.WriteByte('\n')
	}
	p.PrintBody(&w)
	if len(p.Streams) > 0 {
		w.WriteByte('\n')
	}
	for _, s := range p.Streams {
		if s.From != "" {
			fmt.Fprintf(&w, "stream %s = map(%s, %q)\n", s.Name, s.From, s.Export)
		} else {
			fmt.Fprintf(&w, "stream %s = data(%s)\n", s.Name, strings.Join(s.Fields, ", "))
		}
	}
	for _, s := range p.Stages {
		fmt.Fprintf(&w, "\nstage %s %s {\n", s.Name, s.Stream)
		for _, t := range s.Steps {
			unit := "batch"
			if t.Epoch {
				unit = "epoch"
			}
			fmt.Fprintf(&w, "  step %s every %d %s slot %q moves(%s)\n", t.Function, t.Every, unit, t.Slot, quoted(t.Moves))
		}
		w.WriteString("}\n")
	}
	for _, s := range p.Samplers {
		fmt.Fprintf(&w, "\nsampler %s {\n", s.Name)
		if len(s.Given) > 0 {
			fmt.Fprintf(&w, "  given(%s)\n", strings.Join(s.Given, ", "))
		}
		if s.Init != "" {
			fmt.Fprintf(&w, "  init %s\n", s.Init)
		}
		if s.Loop != "" {
			fmt.Fprintf(&w, "  loop %s %d\n", s.Loop, s.Turns)
		}
		fmt.Fprintf(&w, "  result %s\n", s.Result)
		if len(s.Columns) > 0 {
			fmt.Fprintf(&w, "  columns(%s)\n", strings.Join(s.Columns, ", "))
		}
		for _, row := range s.Table {
			w.WriteString("  row")
			for _, v := range row {
				w.WriteByte(' ')
				w.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
			}
			w.WriteByte('\n')
		}
		w.WriteString("}\n")
	}
	if len(p.Exports) > 0 {
		w.WriteByte('\n')
	}
	for _, e := range p.Exports {
		fmt.Fprintf(&w, "export %s = %s\n", e.Name, e.Function)
	}
	return w.String()
}

func types(ts []graph.Type) string {
	s := make([]string, len(ts))
	for i, t := range ts {
		s[i] = t.String()
	}
	return strings.Join(s, ", ")
}

func quoted(names []string) string {
	s := make([]string, len(names))
	for i, n := range names {
		s[i] = strconv.Quote(n)
	}
	return strings.Join(s, ", ")
}

// Parse reads the text form of a program and verifies it.
func Parse(text string) (*Program, error) {
	p := &Program{}
	r := &reader{p: p, Parser: graph.NewParser(text, &p.Module, roles{p})}
	if err := r.Header("program"); err != nil {
		return nil, err
	}
	for {
		word := r.Word()
		if word == "" {
			break
		}
		switch word {
		case "role":
			r.role()
		case "stream":
			r.stream()
		case "stage":
			r.stage()
		case "sampler":
			r.sampler()
		case "export":
			e := Export{Name: r.Name()}
			r.Want("=")
			e.Function = r.Name()
			r.EndLine()
			p.Exports = append(p.Exports, e)
		default:
			if !r.Item(word) {
				r.Errorf("unknown word %q, want role, variable, equation, function, stream, stage, sampler or export", word)
			}
		}
		if r.Err() != nil {
			return nil, r.Err()
		}
	}
	if err := r.Finish(); err != nil {
		return nil, err
	}
	return p, p.Verify()
}

type reader struct {
	*graph.Parser
	p *Program
}

// list reads `(a, b, ...)`.
func (r *reader) list(each func()) {
	r.Want("(")
	for r.Err() == nil && !r.Is(")") {
		each()
		if !r.Is(",") {
			r.Want(")")
			return
		}
	}
}

func (r *reader) role() {
	role := Role{Name: r.Quoted(), Kind: r.Name()}
	if role.Kind != "network" && role.Kind != "coder" && role.Kind != "model" {
		r.Errorf("a role is a network, a coder or a model, not %q", role.Kind)
	}
	r.list(func() { role.In = append(role.In, r.Type()) })
	r.Want("->")
	r.list(func() { role.Out = append(role.Out, r.Type()) })
	role.FreeSteps = r.Is("free-steps")
	r.EndLine()
	if r.Err() == nil && r.p.Role(role.Name) != nil {
		r.Errorf("role %q stands twice", role.Name)
	}
	r.p.Roles = append(r.p.Roles, role)
}

func (r *reader) stream() {
	s := Stream{Name: r.Name()}
	r.Want("=")
	switch kind := r.Token(); kind {
	case "data":
		r.list(func() { s.Fields = append(s.Fields, r.Name()) })
	case "map":
		r.Want("(")
		s.From = r.Name()
		r.Want(",")
		s.Export = r.Quoted()
		r.Want(")")
	default:
		r.Errorf("a stream is data(...) or map(...), not %q", kind)
	}
	r.EndLine()
	r.p.Streams = append(r.p.Streams, s)
}

func (r *reader) stage() {
	s := Stage{Name: r.Name(), Stream: r.Name()}
	r.Want("{")
	r.EndLine()
	for r.Err() == nil {
		word := r.Word()
		if word == "}" {
			break
		}
		if word != "step" {
			r.Errorf("want `step` or `}`, got %q", word)
		}
		t := Step{Function: r.Name()}
		r.Want("every")
		t.Every = r.Int()
		switch unit := r.Token(); unit {
		case "batch":
		case "epoch":
			t.Epoch = true
		default:
			r.Errorf("want batch or epoch, got %q", unit)
		}
		r.Want("slot")
		t.Slot = r.Quoted()
		r.Want("moves")
		r.list(func() { t.Moves = append(t.Moves, r.Quoted()) })
		r.EndLine()
		s.Steps = append(s.Steps, t)
	}
	r.EndLine()
	r.p.Stages = append(r.p.Stages, s)
}

func (r *reader) sampler() {
	s := Sampler{Name: r.Name()}
	r.Want("{")
	r.EndLine()
	for r.Err() == nil {
		switch word := r.Word(); word {
		case "}":
			r.EndLine()
			r.p.Samplers = append(r.p.Samplers, s)
			return
		case "given":
			r.list(func() { s.Given = append(s.Given, r.Name()) })
		case "init":
			s.Init = r.Name()
		case "loop":
			s.Loop, s.Turns = r.Name(), r.Int()
		case "result":
			s.Result = r.Name()
		case "columns":
			r.list(func() { s.Columns = append(s.Columns, r.Name()) })
		case "row":
			row := make([]float64, len(s.Columns))
			for i := range row {
				row[i] = r.Real()
			}
			s.Table = append(s.Table, row)
		default:
			r.Errorf("unknown word %q in a sampler", word)
		}
		r.EndLine()
	}
}
