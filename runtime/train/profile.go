package train

import (
	"time"

	"snnc.dev/snnc/runtime/plan"
)

// Profile says what the updates of a training take, added up since it was asked for or reset.
type Profile struct {
	Read  time.Duration // filling the inputs with examples
	Steps []StepProfile // of the stage, in order
}

// StepProfile says what a step of a stage takes.
type StepProfile struct {
	Plan  *plan.Plan
	Times []time.Duration // by step of the plan
}

// Profile makes the training note how long its parts take from here on, and returns where.
func (t *Trainer) Profile() *Profile {
	t.profile = &Profile{}
	for _, st := range t.steps {
		st.times = make([]time.Duration, len(st.run.Plan().Steps))
		t.profile.Steps = append(t.profile.Steps, StepProfile{st.run.Plan(), st.times})
	}
	return t.profile
}

// Reset forgets what was noted.
func (p *Profile) Reset() {
	p.Read = 0
	for _, s := range p.Steps {
		clear(s.Times)
	}
}

// now is the time, where somebody asks.
func (p *Profile) now() time.Time {
	if p == nil {
		return time.Time{}
	}
	return time.Now()
}

// read notes that examples have been read since start.
func (p *Profile) read(start time.Time) {
	if p != nil {
		p.Read += time.Since(start)
	}
}
