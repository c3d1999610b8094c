package exec

import "testing"

// TestThreadCount: a pool has at least one thread, and not more than a machine could give.
func TestThreadCount(t *testing.T) {
	for _, c := range [][2]int{{-1, 1}, {0, 1}, {3, 3}, {1 << 30, 256}} {
		p := NewPool(c[0])
		if p.threads != c[1] {
			t.Errorf("%d threads asked for, %d started", c[0], p.threads)
		}
		p.Close()
	}
}
