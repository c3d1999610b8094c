// Package frame is what the functions of all generators have around their loops: how they begin and end, and where in an
// argument block a field is. Blocks are structs of runtime/kernel, and read from there.
package frame

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"sync"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Block is an argument block that a register points at.
type Block struct {
	base   reg.Register
	layout *types.Struct
	name   string
}

// Begin begins a function whose one argument points at a block of a kind, and whose denormal numbers are 0 until leave,
// which ends it.
func Begin(name, does, kind string) (b Block, leave func()) {
	TEXT(name, NOSPLIT, "func(block *byte)")
	Pragma("noescape")
	Doc(name + " " + does)
	b = At(kind, Load(Param("block"), GP64()))
	restore := Flush()
	return b, func() {
		restore()
		VZEROUPPER()
		RET()
	}
}

// Flush sets the processor to take denormal numbers for 0 and to write them as 0 (MXCSR's DAZ and FTZ); restore undoes that.
func Flush() (restore func()) {
	const daz, ftz = 1 << 6, 1 << 15
	old, flush, r := AllocLocal(4), AllocLocal(4), GP32()
	STMXCSR(old)
	MOVL(old, r)
	ORL(U32(daz|ftz), r)
	MOVL(r, flush)
	LDMXCSR(flush)
	return func() { LDMXCSR(old) }
}

// At returns the block of a kind that a register points at.
func At(kind string, base reg.Register) Block {
	s, ok := object(kind).Type().Underlying().(*types.Struct)
	if !ok {
		panic(kind + " is no struct")
	}
	return Block{base, s, kind}
}

// Field returns where a field of the block is.
func (b Block) Field(name string) Mem {
	var fields []*types.Var
	for i := range b.layout.NumFields() {
		fields = append(fields, b.layout.Field(i))
	}
	for i, f := range fields {
		if f.Name() == name {
			return Mem{Base: b.base, Disp: int(sizes.Offsetsof(fields)[i])}
		}
	}
	panic(fmt.Sprintf("%s has no field %s", b.name, name))
}

// Load returns a field of 8 bytes in a register.
func (b Block) Load(name string) reg.GPVirtual {
	r := GP64()
	MOVQ(b.Field(name), r)
	return r
}

// Size returns how many bytes the block has.
func (b Block) Size() int { return int(sizes.Sizeof(b.layout)) }

// Integer returns an integer constant of runtime/kernel.
func Integer(name string) int {
	n, exact := constant.Int64Val(object(name).(*types.Const).Val())
	if !exact {
		panic(name + " is no integer")
	}
	return int(n)
}

var sizes = types.SizesFor("gc", "amd64")

// object returns what a name means in runtime/kernel.
func object(name string) types.Object {
	o := kernel().Lookup(name)
	if o == nil {
		panic("runtime/kernel has no " + name)
	}
	return o
}

// kernel reads runtime/kernel, as it is built for amd64. What it imports, and what generators have yet to write, is missed
// without harm: blocks have no such fields.
var kernel = sync.OnceValue(func() *types.Scope {
	const folder = ".."
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		panic(err)
	}
	context := build.Default
	context.GOOS, context.GOARCH = "linux", "amd64"
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if ok, err := context.MatchFile(filepath.Split(name)); err != nil {
			panic(err)
		} else if !ok || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			panic(err)
		}
		files = append(files, f)
	}
	config := types.Config{Error: func(error) {}, Sizes: sizes, IgnoreFuncBodies: true}
	p, _ := config.Check("kernel", set, files, nil)
	return p.Scope()
})
