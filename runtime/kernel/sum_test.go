package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSumLevels: sums have one order at all levels, which the columns of numbers that are rounded when they are added tell, and
// begin with what is there.
func TestSumLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 7, 8, 15, 16, 31, 32, 33, 64, 100, 104, 300_003} {
		for _, rows := range []int{0, 1, 2, 9, 6000} { // the last are more than one call adds up
			if rows == 6000 && n != 104 || rows == 9 && n > 104 {
				continue
			}
			x := make([]float32, n*rows)
			for i := range x {
				x[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(100)-50)))
			}
			begin := make([]float64, n)
			for i := range begin {
				begin[i] = r.NormFloat64()
			}
			for _, l := range levels() {
				sums, squares, alone := slices.Clone(begin), slices.Clone(begin), slices.Clone(begin)
				sumColumns(l, sums, squares, x)
				sumColumns(l, alone, nil, x)
				for i := range n {
					want, wantSquare := begin[i], begin[i]
					for k := i; k < len(x); k += n {
						want += float64(x[k])
						wantSquare += float64(x[k]) * float64(x[k])
					}
					if sums[i] != want || alone[i] != want || squares[i] != wantSquare {
						t.Fatalf("%v, %d columns, %d rows: column %d is %v, %v and %v, want %v and %v", l, n, rows, i, sums[i], alone[i], squares[i], want, wantSquare)
					}
				}
				if got, want := sum(l, x), sum(Generic, x); got != want {
					t.Errorf("%v: the sum of %d is %v, want %v", l, len(x), got, want)
				}
				if got, want := sumOfSquares(l, x), sumOfSquares(Generic, x); got != want {
					t.Errorf("%v: the squares of %d add up to %v, want %v", l, len(x), got, want)
				}
			}
		}
	}
}

// BenchmarkSumColumns adds up 8192 numbers by columns, and their squares.
func BenchmarkSumColumns(b *testing.B) {
	for _, n := range []int{32, 64} {
		for _, l := range levels() {
			b.Run(fmt.Sprintf("%d/%v", n, l), func(b *testing.B) {
				x, sums, squares := Aligned(8192), make([]float64, n), make([]float64, n)
				for b.Loop() {
					sumColumns(l, sums, squares, x)
				}
				b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
			})
		}
	}
}
