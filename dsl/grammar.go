package dsl

import (
	"errors"
	"io"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The grammar of items, statements and equations, as participle reads it; expressions are the climber's (expr.go), and
// convert.go makes the tree. One token decides every alternative, so that an error is where the reader stops; where a comma
// or a name needs a second look, a group (?= ) says so. In braces a comma is a Sep, as a newline is.

type gItem struct {
	Tokens  []lexer.Token
	Use     *gUse        `parser:"  'use' @@"`
	Import  *lexer.Token `parser:"| 'import' @String"`
	Preset  *gPreset     `parser:"| 'preset' @@"`
	Param   *gParam      `parser:"| 'param' @@"`
	Kind    string       `parser:"| @( 'data' | 'model' | 'target' )"`
	Define  *gBind       `parser:"  @@"`
	Neuron  *gNeuron     `parser:"| 'neuron' @@"`
	Coder   *gCoder      `parser:"| 'coder' @@"`
	Block   *gBlock      `parser:"| 'block' @@"`
	Network *gNetwork    `parser:"| 'network' @@"`
	Action  *lexer.Token `parser:"| @( 'train' | 'sample' | 'evaluate' | 'deploy' )"`
	Model   *lexer.Token `parser:"  @Name"`
	Set     []*gBind     `parser:"  '{' @@? ( Sep @@? )* '}'"`
}

type gUse struct {
	Plugin  lexer.Token  `parser:"@String"`
	As      lexer.Token  `parser:"'as' @Name"`
	Version *lexer.Token `parser:"( ',' 'version' @String )?"`
}

type gPreset struct {
	Name    lexer.Token `parser:"@Name '{'"`
	Changes []*gChange  `parser:"@@? ( Sep @@? )* '}'"`
}

type gChange struct {
	Tokens []lexer.Token
	Path   []*gStep `parser:"@@ ( '.' @@ )* '='"`
	Value  gExpr    `parser:"@@"`
}

type gStep struct {
	Name  lexer.Token  `parser:"@Name"`
	Index *lexer.Token `parser:"( '[' @Number ']' )?"`
}

type gParam struct {
	Name  lexer.Token `parser:"@Name ':'"`
	Type  *gType      `parser:"@@"`
	Value gSum        `parser:"( '=' @@ )?"`
	In    gRange      `parser:"( 'in' @@ )?"`
}

type gBind struct {
	Name  lexer.Token `parser:"@Name '='"`
	Value gExpr       `parser:"@@"`
}

type gNeuron struct {
	Name   lexer.Token  `parser:"@Name"`
	Value  gExpr        `parser:"( '=' @@"`
	Params []*gParam2   `parser:"| ( '(' ( @@ (?= ',' | ')' ) ','? )* ')' )?"`
	Body   []*gEquation `parser:"  '{' @@? ( Sep @@? )* '}' )"`
}

type gCoder struct {
	Name   lexer.Token `parser:"@Name"`
	Value  gExpr       `parser:"( '=' @@"`
	Params []*gParam2  `parser:"| ( '(' ( @@ (?= ',' | ')' ) ','? )* ')' )?"`
	Ports  []*gPort    `parser:"  '{' @@? ( Sep @@? )* '}' )"`
}

type gPort struct {
	Tokens []lexer.Token
	Way    string       `parser:"@( 'encode' | 'decode' )"`
	Input  lexer.Token  `parser:"@Name"`
	Body   []*gEquation `parser:"'{' @@? ( Sep @@? )* '}'"`
}

type gBlock struct {
	Name   lexer.Token   `parser:"@Name"`
	Params []*gParam2    `parser:"'(' ( @@ (?= ',' | ')' ) ','? )* ')'"`
	Body   []*gStatement `parser:"'{' @@? ( Sep @@? )* '}'"`
}

type gNetwork struct {
	Name   lexer.Token   `parser:"@Name"`
	Params []*gParam2    `parser:"'(' ( @@ (?= ',' | ')' ) ','? )* ')'"`
	Result *gType        `parser:"'->' @@"`
	Pure   bool          `parser:"@'pure'?"`
	Body   []*gStatement `parser:"'{' @@? ( Sep @@? )* '}'"`
}

// gParam2 is a parameter in parentheses.
type gParam2 struct {
	Tokens    []lexer.Token
	Name      lexer.Token  `parser:"@Name"`
	Type      *gType       `parser:"( ':' @@ )?"`
	Default   gSum         `parser:"( '=' @@ )?"`
	In        gRange       `parser:"( 'in' @@ )?"`
	Trainable bool         `parser:"( @'trainable'"`
	Per       *lexer.Token `parser:"  ( 'per' @Name )? )?"`
}

type gType struct {
	Tokens []lexer.Token
	List   *lexer.Token `parser:"  '[' @Name ']'"`
	Name   *lexer.Token `parser:"| @Name"`
	Dims   []gExpr      `parser:"  ( '[' @@ (?= ',' | ']' ) ','? ( @@ (?= ',' | ']' ) ','? )* ']' )?"`
}

type gStatement struct {
	Tokens []lexer.Token
	Return gExpr    `parser:"  'return' @@"`
	For    *gFor    `parser:"| 'for' @@"`
	Repeat *gRepeat `parser:"| 'repeat' @@"`
	If     *gIf     `parser:"| 'if' @@"`
	Value  gExpr    `parser:"| @@"` // the name, where Bound follows
	Bound  gExpr    `parser:"  ( '=' @@ )?"`
}

type gFor struct {
	Name lexer.Token   `parser:"@Name 'in'"`
	List gExpr         `parser:"@@"`
	Body []*gStatement `parser:"'{' @@? ( Sep @@? )* '}'"`
}

type gRepeat struct {
	Count gExpr         `parser:"@@"`
	Body  []*gStatement `parser:"'{' @@? ( Sep @@? )* '}'"`
}

type gIf struct {
	Cond gExpr         `parser:"@@"`
	Then []*gStatement `parser:"'{' @@? ( Sep @@? )* '}'"`
	Else *gElse        `parser:"( 'else' @@ )?"`
}

type gElse struct {
	Body []*gStatement `parser:"'{' @@? ( Sep @@? )* '}'"`
}

type gEquation struct {
	Tokens []lexer.Token
	Update *gUpdate     `parser:"  (?= Name ( '=' | '+=' | '-=' | '*=' | Prime ) ) @@"`
	Input  []*gName     `parser:"| 'input' @@ ( (?= ',' Name ( Sep | '}' ) ) ',' @@ )*"`
	State  []*gBind     `parser:"| 'state' @@ ( (?= ',' Name '=' ) ',' @@ )*"`
	Noise  *gBind       `parser:"| 'noise' @@"`
	Spike  *gSpike      `parser:"| 'spike' @@"`
	On     *gOn         `parser:"| 'on' @@"`
	Rest   *gRefractory `parser:"| 'refractory' @@"`
	Output gExpr        `parser:"| 'output' @@"`
}

type gName struct {
	Name lexer.Token `parser:"@Name"`
}

type gUpdate struct {
	Tokens []lexer.Token
	Name   lexer.Token  `parser:"@Name"`
	Prime  *lexer.Token `parser:"@Prime?"`
	Op     lexer.Token  `parser:"@( '=' | '+=' | '-=' | '*=' )"`
	Value  gExpr        `parser:"@@"`
}

type gSpike struct {
	Name *lexer.Token `parser:"( (?! 'when' ) @Name )?"`
	Cond gExpr        `parser:"'when' @@"`
}

type gOn struct {
	Body []*gUpdate `parser:"'spike' '{' @@? ( Sep @@? )* '}'"`
}

type gRefractory struct {
	Forever bool     `parser:"( @'forever'"`
	Time    gExpr    `parser:"| @@ )"`
	Holds   []*gName `parser:"( 'holds' @@ ( (?= ',' Name ( Sep | '}' ) ) ',' @@ )* )?"`
}

// tokens lets participle know the kinds of tokens; the tokens themselves come from scan.
type tokens struct{}

var _ lexer.Definition = tokens{}

func (tokens) Symbols() map[string]lexer.TokenType { return symbols() }

func (tokens) Lex(string, io.Reader) (lexer.Lexer, error) {
	return nil, errors.New("tokens come from scan")
}

// items parses an item; it is built when it is first used.
var items = sync.OnceValue(func() *participle.Parser[gItem] { return build[gItem]() })

// changes parses a path and what takes its place.
var changes = sync.OnceValue(func() *participle.Parser[gChange] { return build[gChange]() })

func build[G any]() *participle.Parser[G] {
	return participle.MustBuild[G](
		participle.Lexer(tokens{}),
		participle.UseLookahead(0),
		participle.ParseTypeWith(parseFlow),
		participle.ParseTypeWith(parseSum),
		participle.ParseTypeWith(parseRange),
	)
}
