package mapping

import "math"

// The limits of one core of Loihi (Davies et al. 2018; the same numbers stand in nengo-loihi, block.py).
const (
	maxCompartments = 1024
	maxWords        = 16384 // of 64 bits, for synapses
	maxInputs       = 4096  // input axons
	maxOutputs      = 4096  // output axon slots
)

// The limits of one core of Loihi 2, as Intel's compiler keeps them by what it prints of PilotNet (lava-dl, pilotnet_sdnn/benchmark.ipynb):
// words are its register SynMem. That of neurons is inferred: tiles of 3,072 are there, and 4,096 and 6,144 are halved; the chip has up to
// 8,192 where their state permits (Loihi 2 technology brief, 2021). No limit of axons is published.
const (
	maxNeurons2 = 4095
	maxWords2   = 12000
	noLimit     = math.MaxInt
)

// MaxCores is how many a system of chips may have: 4,096 chips of 128.
const MaxCores = 4096 * chipCores

// rules are what decides how a layer is cut: the limits of a core, and the memory that synapses take.
type rules struct {
	bits   int
	second bool // generation
}

// limits are those of a core.
type limits struct {
	neurons         int
	words           int64
	inputs, outputs int
}

func (r rules) limits() limits {
	if r.second {
		return limits{maxNeurons2, maxWords2, noLimit, noLimit}
	}
	return limits{maxCompartments, maxWords, maxInputs, maxOutputs}
}

// shown is a limit as reports have it: 0 where there is none.
func shown(limit int) float64 {
	if limit == noLimit {
		return 0
	}
	return float64(limit)
}

// window is how far the compartment base of a population axon reaches: the indices of a block that starts later are stored
// whole, so that the block is another one (nengo-loihi, docs/tips.rst: channels last, pop32 axons).
const window = 256

// populationSlots is the output slots of a population axon of 32 bits, which names a channel besides the pixel.
const populationSlots = 2

// Widths returns the weight widths that synapse memory knows, largest first (nengo-loihi, SynapseConfig.WEIGHT_BITS_MAP).
func Widths() []int { return []int{8, 6, 5, 4, 3, 2, 1} }

// words is the synapse memory, in words of 64 bits, of one axon with n targets of p bits: blocks of at most 64 entries with a
// header of 10 bits each, rounded up to words (nengo-loihi, SynapseConfig.bits_per_axon).
func words(n int64, p int) int64 {
	block := func(m int64) int64 { return (m*int64(p) + 10 + 63) / 64 }
	w := n / 64 * block(64)
	if rest := n % 64; rest > 0 {
		w += block(rest)
	}
	return w
}

// indexBits is the width in which the sparse format stores compartment indices up to most.
func indexBits(most int) int {
	for bits := 6; bits < 12; bits++ {
		if most < 1<<bits {
			return bits
		}
	}
	return 12
}
