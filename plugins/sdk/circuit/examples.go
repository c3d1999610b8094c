package circuit

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Workers returns how many examples of so many EachExample runs at a time: one for each processor.
func Workers(examples int) int { return min(runtime.GOMAXPROCS(0), examples) }

// EachExample runs examples 0 to examples - 1, Workers of them at a time. start is called for each worker, one after the other, and
// returns what runs an example; what it makes, such as a state that is used again and again, is that worker's alone. The error is that of
// the first example that fails; those behind it may not have been run.
func EachExample(examples int, start func() func(example int) error) error {
	errs := make([]error, examples)
	var next atomic.Int64
	var failed atomic.Bool
	var all sync.WaitGroup
	for range Workers(examples) {
		run := start()
		all.Go(func() {
			for !failed.Load() {
				e := int(next.Add(1)) - 1
				if e >= examples {
					return
				}
				if errs[e] = run(e); errs[e] != nil {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
