package neurogrid

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
)

// refusal says why a population cannot be one of the board's; "" where it can. A spike resets the soma to 0, its rest; where nothing is
// remembered from one step to the next, a reset does nothing anyway.
func refusal(p *schema.Population) string {
	remembers := p.Decay > 0
	switch {
	case p.Reads:
		return "its membrane is read, and the board gives spikes alone: no membrane of a neuron can be read exactly"
	case p.Once:
		return "it fires once, and the board has nothing that silences a neuron for the rest of an example"
	case p.Start != 0:
		return fmt.Sprintf("its membrane starts at %v, and neurons of the board at rest", p.Start)
	case p.Threshold <= 0:
		return fmt.Sprintf("its threshold of %v lets it spike without input, and neurons of the board are silent at rest", p.Threshold)
	case p.Reset.Kind == schema.ResetBy && remembers:
		return "a spike takes its threshold off the membrane (a soft reset), and the soma is reset to 0 whatever it was at"
	case p.Reset.Kind == schema.ResetTo && p.Reset.Value != 0 && remembers:
		return fmt.Sprintf("a spike resets its membrane to %v, and the soma to 0, its rest", p.Reset.Value)
	}
	return ""
}
