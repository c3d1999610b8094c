package plan_test

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
)

// TestAlive: what is in memory at once lies in different places and within the plan; the peak is the most of it; and what is kept
// for the way back is there at every step from the one that gives it to the turn.
func TestAlive(t *testing.T) {
	for _, file := range []string{"testdata/plans.txtar", "pass/testdata/passes.txtar"} {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".plan") || strings.HasSuffix(f.Name, ".after") {
				continue
			}
			p, err := plan.New(parse(t, string(f.Data)), plan.Options{Batch: 6})
			if err != nil {
				t.Fatal(err)
			}
			most, turn := 0, p.Turn()
			for i := range p.Steps {
				alive, bytes := p.Alive(i), 0
				for k, v := range alive {
					unit := 4
					if v.Type.DType == graph.Bit {
						unit = 8
					}
					bytes += unit * p.Elements(v)
					for _, u := range alive[:k] {
						if u.Type.DType == v.Type.DType && u.Offset < v.Offset+p.Elements(v) && v.Offset < u.Offset+p.Elements(u) {
							t.Errorf("%s: v%d and v%d share memory at step %d", f.Name, u.ID, v.ID, i)
						}
					}
				}
				if most = max(most, bytes); bytes > p.Bytes() {
					t.Errorf("%s: %d bytes at step %d of a plan of %d", f.Name, bytes, i, p.Bytes())
				}
			}
			if _, peak := p.Peak(); peak != most {
				t.Errorf("%s: the peak is %d bytes, not %d", f.Name, peak, most)
			}
			for v := range p.Kept() {
				if v.Place != plan.Buffer || turn == len(p.Steps) {
					t.Errorf("%s: v%d is kept for no way back", f.Name, v.ID)
				}
			}
		}
	}
}
