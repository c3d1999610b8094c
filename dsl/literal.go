package dsl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"snnc.dev/snnc/dsl/diag"
)

// number scans a number or a size. `0..9` is 0, .., 9.
func (s *scanner) number() {
	from := s.at
	part := func(c byte) bool { return digit(c) || c == '_' }
	s.take(part)
	kind := tokNumber
	if s.peek(0) == 'x' && digit(s.peek(1)) {
		kind = tokSize
		for s.peek(0) == 'x' && digit(s.peek(1)) {
			s.skip(1)
			s.take(part)
		}
	} else if s.peek(0) == '.' && digit(s.peek(1)) {
		s.skip(1)
		s.take(part)
	}
	if c := s.peek(0); kind == tokNumber && (c == 'e' || c == 'E') && (digit(s.peek(1)) || (s.peek(1) == '-' || s.peek(1) == '+') && digit(s.peek(2))) {
		s.skip(2)
		s.take(part)
	}
	text := s.text[from.Offset:s.at.Offset]
	if at := s.at; letter(s.peek(0)) {
		w := s.take(word)
		if kind == tokNumber && Unit(w) {
			s.at = at // the next token
		} else {
			s.error(diag.BadNumber, from, fmt.Sprintf("`%s` stands directly after a number", shorten(w)), glued(text, w))
			return
		}
	} else if e := s.peek(1); s.peek(0) == '.' && kind == tokNumber && (e == 'e' || e == 'E') && (digit(s.peek(2)) || s.peek(2) == '-' && digit(s.peek(3))) {
		s.skip(3)
		s.take(part)
		whole := shorten(s.text[from.Offset:s.at.Offset])
		s.error(diag.BadNumber, from, "a number has digits behind its point", fmt.Sprintf("write `%s`", strings.Replace(whole, ".", "", 1)))
		return
	} else if s.peek(0) == '.' && s.peek(1) != '.' && !letter(s.peek(1)) {
		s.skip(1)
		s.error(diag.BadNumber, from, "a number ends with a digit", fmt.Sprintf("write `%s.0`, or `%s`", shorten(text), shorten(text)))
		return
	}
	end := s.at
	switch {
	case strings.HasSuffix(text, "_"), strings.Contains(text, "__"), strings.Contains(text, "_."), strings.Contains(text, "_e"), strings.Contains(text, "_E"), strings.Contains(text, "_x"):
		s.error(diag.BadNumber, from, "`_` stands between two digits of a number", "write `60_000`")
	case kind == tokSize:
		for dim := range strings.SplitSeq(text, "x") {
			if _, err := strconv.ParseInt(strings.ReplaceAll(dim, "_", ""), 10, 64); err != nil {
				s.error(diag.BadNumber, from, "this size is too large", "")
				break
			}
		}
	default:
		if _, _, _, problem := readNumber(text); problem != "" {
			help := ""
			if !strings.ContainsAny(text, ".eE") {
				help = "an integer is at most 9_223_372_036_854_775_807; a real is written with `.` or `e`, such as 1e30"
			}
			s.error(diag.BadNumber, from, problem, help)
		}
	}
	s.at = end
	s.add(kind, from)
}

// glued says what to write for a number and a word without a space between them.
func glued(number, word string) string {
	switch {
	case word == "e" || word == "E":
		return "an exponent has digits, such as 1e-3"
	case strings.HasPrefix(number, "0x") || number == "0" && (word[0] == 'x' || word[0] == 'b' || word[0] == 'o'):
		return "numbers are decimal"
	case number != "" && word == "x":
		return "a size is written `28x28`, a product `28 * x`"
	}
	return fmt.Sprintf("a product is written `%s * %s`, a name begins with a letter; the units are %s", shorten(number), shorten(word), units)
}

// readNumber returns the value of a number as written.
func readNumber(text string) (value float64, integer int64, isInt bool, problem string) {
	clean := strings.ReplaceAll(text, "_", "")
	value, err := strconv.ParseFloat(clean, 64)
	if strings.ContainsAny(clean, ".eE") {
		mantissa, _, _ := strings.Cut(strings.ToLower(clean), "e")
		switch {
		case err != nil || math.IsInf(value, 0):
			problem = "this number is too large for a float64"
		case value == 0 && strings.ContainsAny(mantissa, "123456789"):
			problem = "this number is too small for a float64"
		}
		return value, 0, false, problem
	}
	if integer, err = strconv.ParseInt(clean, 10, 64); err != nil {
		problem = "this number is too large for an int64"
	}
	return value, integer, true, problem
}

// str scans a string.
func (s *scanner) str() {
	from := s.at
	s.skip(1)
	for len(s.found) < maxErrors {
		i := strings.IndexAny(s.text[s.at.Offset:], "\"\\\n")
		if i < 0 {
			i = len(s.text) - s.at.Offset
		}
		s.at.Column += utf8.RuneCountInString(s.text[s.at.Offset : s.at.Offset+i])
		s.at.Offset += i
		switch s.peek(0) {
		case '"':
			s.skip(1)
			s.add(tokString, from)
			return
		case '\\':
			at := s.at
			s.skip(1)
			if c := s.peek(0); c != 0 && strings.IndexByte(`\"nt`, c) >= 0 {
				s.skip(1)
				continue
			}
			s.error(diag.BadString, at, "unknown escape in a string", "the escapes are \\\\ \\\" \\n and \\t; a path is written with `/`")
		default: // the line or the text ends
			s.error(diag.BadString, from, "this string has no end", "close it with `\"` on the line where it begins")
			return
		}
	}
}

// unescape returns the text of a string as written.
func unescape(raw string) string {
	raw = raw[1 : len(raw)-1]
	if !strings.Contains(raw, `\`) {
		return raw
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t").Replace(raw)
}

// quoted reports a ' that follows no name, and what it encloses.
func (s *scanner) quoted() {
	from := s.at
	s.skip(1)
	rest := s.text[s.at.Offset:]
	if i := strings.IndexAny(rest, "'\n"); i >= 0 && rest[i] == '\'' {
		s.at.Column += utf8.RuneCountInString(rest[:i]) + 1
		s.at.Offset += i + 1
		s.error(diag.BadString, from, "a string stands in double quotes", fmt.Sprintf("write `\"%s\"`", shorten(rest[:i])))
		return
	}
	s.error(diag.BadCharacter, from, "`'` follows no name", "a derivative is written `v' = ...`, a string \"in double quotes\"")
}

// instead says what to write for a character or operator that other languages have.
func instead(s string) string {
	switch s {
	case "\u2013", "\u2014", "\u2212":
		return "write `-`"
	case "\u201c", "\u201d", "\u201e":
		return "write `\"`"
	case "\u2018", "\u2019", "`":
		return "a string stands in double quotes, `\"`"
	case "\u2192":
		return "write `->`"
	case "\u00d7", "\u00b7":
		return "write `*`, or `x` in a size such as 28x28"
	case "\u00a0":
		return "this is a space that does not break; write a plain space"
	case "\u2026":
		return "write `..`"
	case "\u00b5", "\u03bc":
		return "write `u`, as in `us` or `uA`"
	case "\r":
		return "lines end with LF or CR LF"
	case ";":
		return "an item ends with its line, inside braces also with `,`"
	case "&", "&&":
		return "write `and`"
	case "|", "||":
		return "write `or`; a flow is written `->`"
	case "!":
		return "write `not`, or `!=`"
	case "**":
		return "a power is written `^`"
	case "@":
		return "a product with weights is a layer, such as `x -> linear(64)`"
	case "|>":
		return "a flow is written `->`"
	case "=>":
		return "write `>=` to compare, `->` for a flow"
	case ":=":
		return "write `=`"
	case "<>":
		return "write `!=`"
	case "/=":
		return "write `x = x / ...`"
	case "%":
		return "there is no remainder; 5 % is written 0.05"
	case "?":
		return "a choice is `where(condition, a, b)` in equations, `if condition { ... } else { ... }` in networks"
	case "$", "~", "\\":
		return "delete it"
	}
	return ""
}

// curly returns the string in the quotes of a word processor that text begins with; false where it begins otherwise, or the string
// does not end on its line.
func curly(text string) (string, bool) {
	if !strings.HasPrefix(text, "\u201c") && !strings.HasPrefix(text, "\u201e") {
		return "", false
	}
	line, _, _ := strings.Cut(text, "\n")
	rest := line[len("\u201c"):]
	i := strings.IndexAny(rest, "\u201c\u201d\"")
	if i < 0 || i > 200 {
		return "", false
	}
	_, size := utf8.DecodeRuneInString(rest[i:])
	return line[:len("\u201c")+i+size], true
}
