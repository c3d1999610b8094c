package train

import (
	"time"

	"snnc.dev/snnc/runtime/plan"
)

// Profile says what the updates of a training take, added up since it was asked for or reset.
type Profile struct {
	Read          time.Duration // filling the inputs with examples
	ReadProcessor time.Duration // the same on the clock that was given
	Steps         []StepProfile // of the stage, in order

	processor func() time.Duration
}

// StepProfile says what a step of a stage takes.
type StepProfile struct {
	Plan  *plan.Plan
	Times []time.Duration // by step of the plan
}

// Profile makes the training note how long its parts take from here on, and returns where. processor is a second clock, such as
// that of the time for which processors work for the program; nil for none.
func (t *Trainer) Profile(processor func() time.Duration) *Profile {
	if processor == nil {
		processor = func() time.Duration { return 0 }
	}
	t.profile = &Profile{processor: processor}
	for _, st := range t.steps {
		st.times = make([]time.Duration, len(st.run.Plan().Steps))
		t.profile.Steps = append(t.profile.Steps, StepProfile{st.run.Plan(), st.times})
	}
	return t.profile
}

// Reset forgets what was noted.
func (p *Profile) Reset() {
	p.Read, p.ReadProcessor = 0, 0
	for _, s := range p.Steps {
		clear(s.Times)
	}
}

// moment is a moment on both clocks.
type moment struct {
	time      time.Time
	processor time.Duration
}

// now is the present moment, where somebody asks.
func (p *Profile) now() (m moment) {
	if p != nil {
		m = moment{time.Now(), p.processor()}
	}
	return m
}

// read notes that examples have been read since start.
func (p *Profile) read(start moment) {
	if p != nil {
		p.Read += time.Since(start.time)
		p.ReadProcessor += p.processor() - start.processor
	}
}
