//go:build !amd64 || noasm

package kernel

// gemmOf returns the inner loops of dense products of a level.
func gemmOf(Level) *gemm { return &plain }

// blocks is the memory of a worker that only kernels in assembly need.
type blocks struct{}

func (w *Work) tiles(g *gemm, t *tiles) { t.plain() }

func (w *Work) sums(g *gemm, t *sumTiles) { t.plain() }

// tree adds nothing up: there is no assembly.
func (g *gemm) tree(d, x *float32, size, n uintptr) bool { return false }

// wide returns the inner loops of tiles for results of so many columns: they are the same for all.
func (g *gemm) wide(int) *gemm { return g }
