package graph

import (
	"math"
	"strconv"
	"strings"
)

// scan returns the next token and where it ends; newlines are tokens unless skipped.
func (p *Parser) scan(skip bool) (tok string, end, line int) {
	i, line := p.pos, p.line
	for i < len(p.text) {
		switch c := p.text[i]; {
		case c == '\n':
			if !skip {
				return "\n", i + 1, line + 1
			}
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			for i < len(p.text) && p.text[i] != '\n' {
				i++
			}
		case c == '"':
			j := i + 1
			for j < len(p.text) && p.text[j] != '"' && p.text[j] != '\n' {
				if p.text[j] == '\\' {
					j++
				}
				j++
			}
			return p.text[i:min(j+1, len(p.text))], min(j+1, len(p.text)), line
		case strings.IndexByte("[](){},=:", c) >= 0:
			return p.text[i : i+1], i + 1, line
		default:
			j := i
			for j < len(p.text) && strings.IndexByte(" \t\r\n[](){},=:#\"", p.text[j]) < 0 {
				j++
			}
			return p.text[i:j], j, line
		}
	}
	return "", i, line
}

func (p *Parser) peek(skip bool) string {
	if p.err != nil {
		return ""
	}
	tok, _, _ := p.scan(skip)
	return tok
}

// Token takes the next token of the line; "" at the end of the text, "\n" at the end of the line.
func (p *Parser) Token() string {
	if p.err != nil {
		return ""
	}
	tok, end, line := p.scan(false)
	p.pos, p.line, p.at = end, line, line
	if tok == "\n" {
		p.at--
	}
	return tok
}

// Word takes the next token, over line ends; "" at the end of the text.
func (p *Parser) Word() string {
	if p.err != nil {
		return ""
	}
	tok, end, line := p.scan(true)
	p.pos, p.line, p.at = end, line, line
	return tok
}

// Is takes the next token of the line if it is word.
func (p *Parser) Is(word string) bool {
	if p.peek(false) != word {
		return false
	}
	p.Token()
	return true
}

// Want takes the next token, which must be word.
func (p *Parser) Want(word string) {
	if got := p.Token(); got != word && p.err == nil {
		p.Errorf("want %q, got %q", word, got)
	}
}

// Name takes a bare word.
func (p *Parser) Name() string {
	s := p.Token()
	if p.err == nil && (s == "" || !isName(s)) {
		p.Errorf("want a name, got %q", s)
	}
	return s
}

func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !(c == '-' || c == '.' || '0' <= c && c <= '9')) {
			return false
		}
	}
	return s != ""
}

// Quoted takes a quoted string.
func (p *Parser) Quoted() string {
	tok := p.Token()
	s, err := strconv.Unquote(tok)
	if err != nil || tok == "" || tok[0] != '"' {
		p.Errorf("want a quoted name, got %q", tok)
	}
	return s
}

// Int takes an int.
func (p *Parser) Int() int {
	tok := p.Token()
	v, err := strconv.Atoi(tok)
	if err != nil {
		p.Errorf("want an int, got %q", tok)
	}
	return v
}

// Real takes a finite number.
func (p *Parser) Real() float64 {
	tok := p.Token()
	v, err := strconv.ParseFloat(tok, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		p.Errorf("want a number, got %q", tok)
	}
	return v
}

// EndLine wants the line to end.
func (p *Parser) EndLine() {
	if tok := p.Token(); tok != "\n" && tok != "" && p.err == nil {
		p.Errorf("unexpected %q", tok)
	}
}
