package exec

// Events makes every product of spikes take them as events, or none of them, whatever would pay, and returns how many
// products have that choice.
func (p *Program) Events(always bool) (products int) {
	pays := func(float64) bool { return always }
	for _, s := range p.steps {
		switch r := s.(type) {
		case *product:
			if r.events != nil {
				r.pays = pays
				products++
			}
		case *weightSums:
			if r.events != nil {
				r.pays = pays
				products++
			}
		}
	}
	return products
}
