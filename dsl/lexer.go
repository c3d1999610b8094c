package dsl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"snnc.dev/snnc/dsl/diag"
)

// MaxFile is the largest text of a spec, in bytes; whoever reads one need not read more than a byte beyond.
const MaxFile = 1 << 20

// The other limits of a text.
const (
	maxTokens  = 250_000 // a full file of ordinary text has fewer
	maxNesting = 100
	maxName    = 200 // characters; layers of networks in networks are called by all of their names
	maxErrors  = 100
)

// open is an open bracket; depth counts the brackets and prefix operators around what it holds.
type open struct {
	token
	depth int
}

// scanner cuts a text into tokens, and words what is none; literal.go has numbers and strings.
type scanner struct {
	source
	at      diag.Pos
	stack   []open
	prefix  int              // prefix operators in a row
	sep     *token           // the newline that ends the item or statement, unless the next line goes on
	from    int              // first token of the item
	broken  bool             // whether the item has a bad token
	deep    bool             // whether the item is nested too deep
	above   map[int][]string // doc comments that stand alone, by their last line
	behind  map[int]string   // doc comments behind something, by line
	first   int              // last line of the first doc comment
	stopped bool
}

// scan cuts text into tokens, with separators where newlines count, and tokens into items.
func scan(file string, text []byte) *source {
	s := &scanner{source: source{file: file, part: true}, at: diag.Pos{Line: 1, Column: 1}, above: map[int][]string{}, behind: map[int]string{}}
	if len(text) > MaxFile {
		s.error(diag.TooLarge, s.at, "the text is larger than 1 MiB", "cut it into several files and `import` them")
		return &s.source
	}
	s.text = string(text)
	if !utf8.ValidString(s.text) {
		s.notUTF8()
		return &s.source
	}
	if strings.HasPrefix(s.text, "\ufeff") {
		s.at.Offset = len("\ufeff")
	}
	s.tokens = make([]token, 0, len(s.text)/4)
	for !s.stopped && s.at.Offset < len(s.text) && len(s.found) < maxErrors {
		s.next()
	}
	s.part = s.stopped || s.at.Offset < len(s.text)
	if n := len(s.stack); n > 0 && !s.part {
		s.unclosed(s.stack[n-1].token, "the text ends before it", diag.Range{})
	}
	s.endItem()
	s.attachDocs()
	return &s.source
}

// notUTF8 reports the first byte that is not UTF-8.
func (s *scanner) notUTF8() {
	for i, r := range s.text {
		if r == '\n' {
			s.at.Line, s.at.Column = s.at.Line+1, 1
			continue
		}
		if _, size := utf8.DecodeRuneInString(s.text[i:]); r == utf8.RuneError && size == 1 {
			s.at.Offset = i
			from := s.at
			s.skip(1)
			s.error(diag.BadText, from, fmt.Sprintf("the byte 0x%02x is not UTF-8 text", s.text[i]), "save the file as UTF-8")
			return
		}
		s.at.Column++
	}
}

// error reports the text between from and the scanner, and breaks the item.
func (s *scanner) error(code diag.Code, from diag.Pos, summary, help string) {
	s.report(diag.Diagnostic{Code: code, Summary: summary, Range: diag.Range{File: s.file, Start: from, End: s.at}, Help: help})
}

func (s *scanner) report(d diag.Diagnostic) {
	s.found.Add(d)
	s.broken = true
}

// skip moves over n characters of one byte.
func (s *scanner) skip(n int) {
	s.at.Offset += n
	s.at.Column += n
}

// take moves over the characters that ok accepts and returns them.
func (s *scanner) take(ok func(c byte) bool) string {
	from := s.at.Offset
	i := from
	for i < len(s.text) && ok(s.text[i]) {
		i++
	}
	s.skip(i - from)
	return s.text[from:i]
}

// peek returns the byte i behind the scanner, 0 behind the end.
func (s *scanner) peek(i int) byte {
	if s.at.Offset+i < len(s.text) {
		return s.text[s.at.Offset+i]
	}
	return 0
}

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }
func word(c byte) bool   { return letter(c) || digit(c) }

// last returns the token before the scanner, if there is one in the item.
func (s *scanner) last() (token, bool) {
	if len(s.tokens) == s.from {
		return token{}, false
	}
	return s.tokens[len(s.tokens)-1], true
}

func (s *scanner) next() {
	from := s.at
	switch c := s.peek(0); {
	case c == '\n':
		s.newline()
	case c == ' ' || c == '\t' || c == '\r' && s.peek(1) == '\n':
		s.skip(1)
	case c == '#':
		s.comment()
	case letter(c):
		w := s.take(word)
		if len(w) > maxName {
			s.error(diag.TooLarge, from, "a name has over 200 characters", "give it a shorter one")
		}
		kind := tokName
		if reserved(w) {
			kind = tokReserved
		}
		if t, ok := s.last(); ok && t.kind == tokNumber && s.sep == nil && int(t.line) == from.Line && Unit(w) {
			kind = tokUnit
		}
		s.add(kind, from)
	case digit(c):
		s.number()
	case c == '"':
		s.str()
	case c == '\'':
		if t, ok := s.last(); ok && t.kind == tokName && int(t.end) == from.Offset {
			s.skip(1)
			s.add(tokPrime, from)
			return
		}
		s.quoted()
	case c == '.' && digit(s.peek(1)):
		s.skip(1)
		n := s.take(word)
		help := fmt.Sprintf("write `0.%s`", n)
		if t, ok := s.last(); ok && int(t.end) == from.Offset && t.kind != tokOp {
			help = fmt.Sprintf("`.` stands before a name; an element of a list is `%s[%s]`", s.value(t), n)
		}
		s.error(diag.BadNumber, from, "a number begins with a digit", help)
	default:
		s.operator()
	}
}

// newline ends the item or statement, unless it stands in ( ) or [ ], behind an operator, or where nothing has begun.
// Whether the next line goes on is seen at its first token, in add.
func (s *scanner) newline() {
	at := s.at
	s.at = diag.Pos{Offset: at.Offset + 1, Line: at.Line + 1, Column: 1}
	if n := len(s.stack); n > 0 && s.value(s.stack[n-1].token) != "{" {
		return
	}
	if t, ok := s.last(); s.sep == nil && ok && !s.continues(t) {
		s.sep = &token{kind: tokSep, start: int32(at.Offset), end: int32(at.Offset), line: int32(at.Line), column: int32(at.Column)}
	}
}

// continues reports whether an item goes on behind t on the next line.
func (s *scanner) continues(t token) bool {
	switch t.kind {
	case tokReserved:
		switch s.value(t) {
		case "and", "or", "not", "in":
			return true
		}
	case tokSep:
		return true
	case tokOp:
		switch s.value(t) {
		case ")", "]", "}":
			return false
		}
		return true
	}
	return false
}

// begins reports whether a line that starts with t goes on the line before.
func (s *scanner) begins(t token) bool {
	switch t.kind {
	case tokReserved:
		switch s.value(t) {
		case "and", "or", "in":
			return true
		}
	case tokSep: // a comma: the newline before it does not count
		return true
	case tokOp:
		switch s.value(t) {
		case "(", "[", "{", ")", "]", "}", ",", ":":
			return false
		}
		return true
	}
	return false
}

// add appends the token between from and the scanner.
func (s *scanner) add(kind lexer.TokenType, from diag.Pos) {
	t := token{kind: kind, start: int32(from.Offset), end: int32(s.at.Offset), line: int32(from.Line), column: int32(from.Column)}
	v := s.value(t)
	if from.Column == 1 && kind == tokName && s.headsItem(v) { // whatever the line before lacks
		if n := len(s.stack); n > 0 {
			s.unclosed(s.stack[n-1].token, "the next item begins before it", s.rng(t))
		}
		s.stack, s.sep = nil, nil
		s.endItem()
	}
	if s.sep != nil {
		switch {
		case s.begins(t):
		case len(s.stack) == 0 && v != "{": // a `{` at the start of a line is a mistake that its item explains
			s.endItem()
		default:
			s.tokens = append(s.tokens, *s.sep)
		}
		s.sep = nil
	}
	if prev, ok := s.last(); kind == tokReserved && v == "not" || kind == tokOp && (v == "-" || v == "+") && (!ok || s.continues(prev)) {
		s.prefix++
	} else if kind != tokOp || v != "(" && v != "[" && v != "{" {
		s.prefix = 0
	}
	s.tokens = append(s.tokens, t)
	if len(s.tokens) > maxTokens {
		s.error(diag.TooLarge, from, "the text has over 250,000 words and signs", "cut it into several files and `import` them; data belongs into files of its own")
		s.stopped = true
	}
	if s.prefix > maxNesting { // else a bracket counts, see bracket
		s.tooDeep(from)
	}
}

// tooDeep breaks the item, so that nothing deep is parsed; it is said once.
func (s *scanner) tooDeep(from diag.Pos) {
	if !s.deep {
		s.error(diag.TooLarge, from, "brackets and prefix operators are nested over 100 deep", "give a name to a part of it")
	}
	s.deep = true
}

// headsItem reports whether the word w, which begins a line, and what stands behind it can only be the head of an item.
func (s *scanner) headsItem(w string) bool {
	if !keyword(w) {
		return false
	}
	rest := strings.TrimLeft(s.text[s.at.Offset:min(len(s.text), s.at.Offset+80)], " \t")
	if w == "use" || w == "import" {
		return strings.HasPrefix(rest, `"`)
	}
	return rest != "" && letter(rest[0]) && (len(rest) < 3 || rest[:3] != "in " && rest[:3] != "or ")
}

// endItem closes the item that ends before the scanner's last token.
func (s *scanner) endItem() {
	if len(s.tokens) > s.from || s.broken {
		s.items = append(s.items, item{from: s.from, to: len(s.tokens), broken: s.broken})
	}
	s.from, s.broken, s.deep, s.prefix = len(s.tokens), false, false, 0
}

// comment moves over a comment and keeps the text of `##`.
func (s *scanner) comment() {
	line := s.text[s.at.Offset:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	if strings.HasPrefix(line, "##") {
		text, n := strings.TrimSpace(strings.TrimLeft(line, "#")), s.at.Line
		if k := len(s.tokens); k > 0 && int(s.tokens[k-1].line) == n {
			s.behind[n] = text
		} else {
			lines := append(s.above[n-1], text)
			delete(s.above, n-1)
			if s.first == 0 || s.first == n-1 {
				s.first = n
			}
			s.above[n] = lines
		}
	}
	s.at.Column += utf8.RuneCountInString(line)
	s.at.Offset += len(line)
}

// attachDocs gives each item the `##` lines right above it, else those behind its first or last line.
func (s *scanner) attachDocs() {
	for i := range s.items {
		it := &s.items[i]
		if it.from == it.to {
			continue
		}
		from, to := int(s.tokens[it.from].line), int(s.tokens[it.to-1].line)
		if lines, ok := s.above[from-1]; ok {
			it.doc = strings.Join(lines, "\n")
			delete(s.above, from-1)
		} else if text, ok := s.behind[from]; ok {
			it.doc = text
		} else {
			it.doc = s.behind[to]
		}
	}
	s.doc = strings.Join(s.above[s.first], "\n")
}

// operator scans an operator or bracket, or reports what is none.
func (s *scanner) operator() {
	from := s.at
	rest := s.text[s.at.Offset:]
	if strings.HasPrefix(rest, "...") {
		s.skip(3)
		s.error(diag.BadCharacter, from, "the language has no operator `...`", "write `..`")
		return
	}
	if len(rest) > 1 {
		switch rest[:2] {
		case "->", "..", "==", "!=", "<=", ">=", "+=", "-=", "*=":
			s.skip(2)
			s.add(tokOp, from)
			return
		case "//", "/*":
			s.skip(2)
			s.error(diag.BadCharacter, from, fmt.Sprintf("`%s` begins no comment", rest[:2]), "a comment begins with `#` and ends with its line")
			s.comment()
			return
		case "**", "=>", ":=", "&&", "||", "|>", "/=", "<>":
			s.skip(2)
			s.error(diag.BadCharacter, from, fmt.Sprintf("the language has no operator `%s`", rest[:2]), instead(rest[:2]))
			return
		}
	}
	if strings.IndexByte("()[]{},=:<>+-*/^.", rest[0]) >= 0 {
		s.skip(1)
		if n := len(s.stack); rest[0] == ',' && n > 0 && s.value(s.stack[n-1].token) == "{" {
			s.comma(from)
			return
		}
		s.add(tokOp, from)
		s.bracket(rest[:1], from)
		return
	}
	if strings.HasPrefix(rest, "```") { // a fence of Markdown
		line, _, _ := strings.Cut(rest, "\n")
		s.at.Offset += len(line)
		s.at.Column += utf8.RuneCountInString(line)
		s.error(diag.BadCharacter, from, "the language has no use for "+"```", "delete this line")
		return
	}
	if text, ok := curly(rest); ok {
		s.skip(len(text))
		s.at.Column -= len(text) - utf8.RuneCountInString(text)
		in := strings.Trim(text, "\u201c\u201d\u201e\"")
		help := fmt.Sprintf("write `\"%s\"`", in)
		if in != "" && strings.IndexFunc(in, func(r rune) bool { return r >= utf8.RuneSelf || !word(byte(r)) }) < 0 && !digit(in[0]) {
			help = fmt.Sprintf("write `%s` for a name, `\"%s\"` for a string", in, in)
		}
		s.error(diag.BadString, from, "a string stands in double quotes", help)
		return
	}
	n := 0 // all characters up to the next one that begins a token
	for i, r := range rest {
		if i > 0 && (r < utf8.RuneSelf && r > ' ' || r == ' ' || r == '\n' || r == '\t' || r == '\r') {
			break
		}
		n = i + utf8.RuneLen(r)
		s.at.Column++
	}
	s.at.Offset += n
	r, _ := utf8.DecodeRuneInString(rest)
	help := instead(string(r))
	if n := len(s.stack); r == ';' && n > 0 && s.value(s.stack[n-1].token) == "{" {
		help = "write `,`"
	}
	if r == '\ufeff' {
		s.error(diag.BadText, from, "a byte order mark stands inside the text", "delete this invisible character (U+FEFF)")
	} else if unicode.IsLetter(r) {
		s.error(diag.BadCharacter, from, fmt.Sprintf("`%s` cannot stand in a name", shorten(rest[:n])), "names are made of a-z, A-Z, 0-9 and _; other letters may stand in comments and strings")
	} else if unicode.IsPrint(r) {
		s.error(diag.BadCharacter, from, fmt.Sprintf("the language has no use for `%c`", r), help)
	} else {
		s.error(diag.BadCharacter, from, fmt.Sprintf("the language has no use for the character %U", r), help)
	}
}

// comma adds a comma in braces, which separates as a newline does.
func (s *scanner) comma(from diag.Pos) {
	if t, _ := s.last(); s.sep == nil && (t.kind == tokSep || s.value(t) == "{") {
		s.error(diag.BadSyntax, from, "nothing stands before this `,`", "delete it")
		return
	}
	s.add(tokSep, from)
}

// bracket keeps the stack of brackets; v is the token that was just added.
func (s *scanner) bracket(v string, from diag.Pos) {
	t := s.tokens[len(s.tokens)-1]
	n := len(s.stack)
	switch v {
	case "(", "[", "{":
		depth := 1 + s.prefix
		if n > 0 {
			depth += s.stack[n-1].depth
		}
		s.stack = append(s.stack, open{t, depth})
		s.prefix = 0
		if depth > maxNesting {
			s.tooDeep(from)
		}
	case ")", "]", "}":
		match := n - 1
		for match >= 0 && closing(s.value(s.stack[match].token)) != v {
			match--
		}
		if open := s.odd(v); match < 0 && open != "" {
			s.error(diag.BadBracket, from, fmt.Sprintf("`%s` is closed by `%s`", open, v), fmt.Sprintf("write `%s`", closing(open)))
			s.stack = s.stack[:n-1]
			return
		}
		if match < 0 {
			s.error(diag.BadBracket, from, fmt.Sprintf("`%s` closes nothing", v), "delete it, or open the bracket before")
			return
		}
		if match < n-1 {
			s.unclosed(s.stack[n-1].token, fmt.Sprintf("`%s` stands before it", v), s.rng(t))
		}
		s.stack = s.stack[:match]
	}
}

// odd returns the innermost open bracket where it is `(` or `[`, on the line of v, which closes another: one of the two was mistyped.
func (s *scanner) odd(v string) string {
	n := len(s.stack)
	if n == 0 || v == "}" || s.stack[n-1].token.line != s.tokens[len(s.tokens)-1].line {
		return ""
	}
	if open := s.value(s.stack[n-1].token); open != "{" {
		return open
	}
	return ""
}

// unclosed reports the open bracket t.
func (s *scanner) unclosed(t token, why string, at diag.Range) {
	v := s.value(t)
	d := diag.Diagnostic{Code: diag.BadBracket, Summary: fmt.Sprintf("`%s` is not closed", v), Range: s.rng(t),
		Help: fmt.Sprintf("write the missing `%s`", closing(v))}
	if !at.IsZero() {
		d.Notes = []diag.Note{{Message: why, Range: at}}
	}
	s.report(d)
}

func closing(open string) string {
	switch open {
	case "(":
		return ")"
	case "[":
		return "]"
	}
	return "}"
}

// shorten cuts what a user wrote, for a message.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:37]) + "..."
}
