package dsl

import (
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"snnc.dev/snnc/dsl/diag"
)

// The kinds of tokens.
const (
	tokName lexer.TokenType = iota - 20
	tokReserved
	tokNumber
	tokUnit // a word of the closed list, behind a number on its line
	tokSize
	tokString // with its quotes, as written
	tokPrime  // the ' behind the name of a derivative
	tokOp     // operators, brackets and other marks
	tokSep    // a newline that ends an item or statement, or a comma in braces
)

// symbols is participle's view of the token kinds.
func symbols() map[string]lexer.TokenType {
	return map[string]lexer.TokenType{"EOF": lexer.EOF, "Name": tokName, "Reserved": tokReserved, "Number": tokNumber,
		"Unit": tokUnit, "Size": tokSize, "String": tokString, "Prime": tokPrime, "Op": tokOp, "Sep": tokSep}
}

func reserved(word string) bool {
	switch word {
	case "for", "in", "repeat", "if", "else", "return", "and", "or", "not", "true", "false":
		return true
	}
	return false
}

// Unit reports whether word is one of the closed list of units.
func Unit(word string) bool {
	switch word {
	case "step", "steps", "s", "ms", "us", "ns", "V", "mV", "uV", "A", "mA", "uA", "nA", "pA", "Hz", "kHz",
		"J", "mJ", "uJ", "nJ", "pJ", "B", "KB", "MB", "GB":
		return true
	}
	return false
}

const units = "step steps s ms us ns V mV uV A mA uA nA pA Hz kHz J mJ uJ nJ pJ B KB MB GB"

// token is a part of the text, on one line: its bytes from start to end, and where it stands.
type token struct {
	kind         lexer.TokenType
	start, end   int32
	line, column int32
}

// item is a top-level statement: its tokens from and to; broken where one of them is no token of the language.
type item struct {
	from, to int
	broken   bool
	doc      string
}

// source is a text cut into tokens and items.
type source struct {
	file   string
	text   string
	tokens []token
	items  []item
	doc    string // of the file: the first `##` lines, if they belong to no item
	found  diag.List
	part   bool // the text was not read to its end
}

// rng returns the place of a token.
func (s *source) rng(t token) diag.Range {
	from := diag.Pos{Offset: int(t.start), Line: int(t.line), Column: int(t.column)}
	to := diag.Pos{Offset: int(t.end), Line: int(t.line), Column: int(t.column) + utf8.RuneCountInString(s.text[t.start:t.end])}
	return diag.Range{File: s.file, Start: from, End: to}
}

// value returns the text of a token.
func (s *source) value(t token) string { return s.text[t.start:t.end] }

var _ lexer.Lexer = (*feed)(nil)

// feed hands the tokens of an item to participle.
type feed struct {
	*source
	at, to int
}

// Next returns the next token of the item, at its end EOF, which stands right behind the last token.
func (f *feed) Next() (lexer.Token, error) {
	if f.at == f.to {
		p := lexer.Position{Filename: f.file, Line: 1, Column: 1}
		if f.to > 0 {
			end := f.rng(f.tokens[f.to-1]).End
			p.Offset, p.Line, p.Column = end.Offset, end.Line, end.Column
		}
		return lexer.EOFToken(p), nil
	}
	t := f.tokens[f.at]
	f.at++
	return lexer.Token{Type: t.kind, Value: f.value(t),
		Pos: lexer.Position{Filename: f.file, Offset: int(t.start), Line: int(t.line), Column: int(t.column)}}, nil
}

// span returns the place of a token.
func span(t lexer.Token) diag.Range {
	p := diag.Pos{Offset: t.Pos.Offset, Line: t.Pos.Line, Column: t.Pos.Column}
	end := diag.Pos{Offset: p.Offset + len(t.Value), Line: p.Line, Column: p.Column + utf8.RuneCountInString(t.Value)}
	return diag.Range{File: t.Pos.Filename, Start: p, End: end}
}
