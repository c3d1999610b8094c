package train

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// Weights that two roles and several uses share are one tensor: of a checkpoint, and of the update. The same spec with blocks
// has a tensor for each use. Where these begin alike, an update by the plain gradient moves the shared one by the sum of what
// it moves theirs by, and running statistics by one use after the other.
func TestSharedWeights(t *testing.T) {
	shared, apart := fromSpec(t, "shared"), fromSpec(t, "apart")
	const rate = 0.1
	o := Settings{Batch: 8, Iterations: 1, Optimizers: sgd(rate)}
	one, many := shared.trainer(t, examples(8), o), apart.trainer(t, examples(8), o)

	// Both have the same layers in the same order; uses[NAME] are the tensors of the blocks that are the shared NAME.
	uses := map[string][]string{}
	for _, r := range shared.roles {
		for i, l := range r.Network.Layers {
			for _, v := range apart.filled[r.Path].Variables {
				part, ok := strings.CutPrefix(v.Name, fmt.Sprint(i, "."))
				if !ok {
					continue
				}
				name := fmt.Sprint(l.Weights, ".", part)
				name = cmp.Or(shared.filled[r.Path].Variable(name).Of, r.Path+"."+name)
				uses[name] = append(uses[name], r.Path+"."+v.Name)
			}
		}
	}
	if n, m := len(one.Model.Variables), len(many.Model.Variables); n != len(uses) || n != 14 || m != 36 {
		t.Fatalf("%d shared variables, %d with uses, and %d of their own; want 14, 14 and 36", n, len(uses), m)
	}
	before := map[string][]float32{}
	for name, twins := range uses {
		w := one.Model.Weights[name].F32
		before[name] = append([]float32{}, w...)
		for _, twin := range twins {
			copy(many.Model.Weights[twin].F32, w)
		}
	}
	updates(t, one, 1)
	updates(t, many, 1)

	if f := saved(t, one); len(f.Tensors) != len(uses) {
		t.Errorf("the checkpoint has %d tensors, want %d", len(f.Tensors), len(uses))
	}
	moved := 0
	for _, v := range one.Model.Variables {
		twins := uses[v.Name]
		for i, got := range one.Model.Weights[v.Name].F32 {
			start := float64(before[v.Name][i])
			want := start
			for _, twin := range twins { // roles and layers are in the order of the program
				w := float64(many.Model.Weights[twin].F32[i])
				if v.Kind == graph.Statistic {
					want = 0.9*want + w - 0.9*start
				} else {
					want += w - start
				}
			}
			// Weights are below 4, and the update of each of at most four uses is rounded to 2^-22 of that; the batch sums of
			// gradients below 1 in another order are by far closer.
			if !(math.Abs(float64(got)-want) <= 4*math.Pow(2, -21)) {
				t.Errorf("%s[%d], of %d uses, is %v, want %v", v.Name, i, len(twins), got, want)
			}
			if len(twins) > 1 && float64(got) != start {
				moved++
			}
		}
	}
	if moved < 20 {
		t.Errorf("only %d shared numbers have moved", moved)
	}
}
