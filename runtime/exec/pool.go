package exec

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"snnc.dev/snnc/runtime/opaque"
)

// task is something made of units that can run in any order on any worker.
type task interface{ unit(w, k int) }

// job holds a task so that workers can take it up without allocation.
type job struct{ task task }

// Task is work cut into units that do not depend on each other. A pool runs it any number of times without allocating.
type Task struct {
	job job
	f   func(unit int)
}

// NewTask returns the task that calls f for each unit, counted from 0.
func NewTask(f func(unit int)) *Task {
	t := &Task{f: f}
	t.job.task = t
	return t
}

func (t *Task) unit(_, k int) { t.f(k) }

// Do runs so many units of a task and returns when all are done.
func (p *Pool) Do(t *Task, units int) { p.run(&t.job, units) }

// Pool is a number of workers. One of them is whoever calls.
type Pool struct {
	// Opaque computes the opaque operators of programs on the pool; it is set before the first of these is made. nil: they may have
	// none.
	Opaque opaque.Server
	// Chips computes the circuits of programs that lie on chips; it is set before the first of these is made.
	Chips opaque.Chips

	threads int
	mu      sync.Mutex // one job at a time
	job     atomic.Pointer[job]
	_       [120]byte
	// state is the generation of the job, how many units it has and how many are taken. A worker takes a unit by exchanging
	// the whole word, so it never takes one of another generation than it looked at.
	state atomic.Uint64
	_     [120]byte
	done  atomic.Int64 // units of this generation that are done
	_     [120]byte
	stop  atomic.Bool
	idle  []idler
	wait  sync.WaitGroup
}

// idler is where a worker without work waits.
type idler struct {
	parked atomic.Bool
	wake   chan struct{}
	_      [112]byte
}

const (
	unitBits = 20
	unitMask = 1<<unitBits - 1
)

// spin is how long a worker looks for work before it parks: waking a parked thread takes about as long.
const spin = 50 * time.Microsecond

// maxThreads is how many threads a pool has at most: no machine that this runs on has more processors to give.
const maxThreads = 256

// NewPool starts a pool of the given number of threads, at least one and at most 256.
func NewPool(threads int) *Pool {
	threads = min(max(threads, 1), maxThreads)
	p := &Pool{threads: threads, idle: make([]idler, threads)}
	for w := 1; w < threads; w++ {
		p.idle[w].wake = make(chan struct{}, 1)
		p.wait.Add(1)
		go p.worker(w)
	}
	return p
}

// Close ends the workers and waits for them. No program may run on the pool any more.
func (p *Pool) Close() {
	p.stop.Store(true)
	for w := 1; w < p.threads; w++ {
		select {
		case p.idle[w].wake <- struct{}{}:
		default:
		}
	}
	p.wait.Wait()
}

// run runs the units of j and returns when all are done.
func (p *Pool) run(j *job, units int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.threads == 1 || units == 1 || units > unitMask {
		for k := range units {
			j.task.unit(0, k)
		}
		return
	}
	p.job.Store(j)
	p.done.Store(0)
	generation := p.state.Load()>>(2*unitBits) + 1
	p.state.Store(generation<<(2*unitBits) | uint64(units)<<unitBits)
	for w := 1; w < p.threads; w++ {
		if p.idle[w].parked.Swap(false) {
			p.idle[w].wake <- struct{}{}
		}
	}
	p.take(0)
	for i := 0; p.done.Load() < int64(units); i++ {
		if i > 1000 {
			runtime.Gosched()
		}
	}
}

// take runs units until none is left.
func (p *Pool) take(w int) {
	for {
		s := p.state.Load()
		next, units := s&unitMask, s>>unitBits&unitMask
		if next >= units {
			return
		}
		j := p.job.Load()
		if p.state.CompareAndSwap(s, s+1) {
			j.task.unit(w, int(next))
			p.done.Add(1)
		}
	}
}

func (p *Pool) worker(w int) {
	defer p.wait.Done()
	me := &p.idle[w]
	for !p.stop.Load() {
		p.take(w)
		if p.look() {
			continue
		}
		me.parked.Store(true)
		if p.work() || p.stop.Load() {
			if !me.parked.Swap(false) {
				<-me.wake // the caller has seen it parked and sends
			}
			continue
		}
		<-me.wake
		me.parked.Store(false)
	}
}

// work reports whether a unit is left to take.
func (p *Pool) work() bool {
	s := p.state.Load()
	return s&unitMask < s>>unitBits&unitMask
}

// look waits for work for a short while.
func (p *Pool) look() bool {
	start := time.Now()
	for i := 0; ; i++ {
		if p.work() || p.stop.Load() {
			return true
		}
		if i%64 == 63 {
			if time.Since(start) > spin {
				return false
			}
			runtime.Gosched()
		}
	}
}
