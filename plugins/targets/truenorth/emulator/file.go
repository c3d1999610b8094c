package emulator

// File is a network with what comes in and what is to be printed: what Parse reads and Encode writes. docs/emulate-truenorth.md
// describes the text.
type File struct {
	Network
	Ticks  int // 1 to MaxTicks
	Seed   uint64
	Spikes []Spike
	Inputs []LineSpike
	Record Record
	Legend *Legend // nil: none
}

// Legend says what the lines, outputs and neurons of a file are in the network that was put on the chip. Nothing is computed from it.
type Legend struct {
	Lines  []LegendLines `json:"lines"`
	Layers []LegendLayer `json:"layers"` // in the order of the file's
	// Elements has for each neuron, core by core, the element of its layer, counted in row-major order of its dims, or -1 for what repeats
	// one: relays, and further copies of a neuron that leads to several axons. A text names a tensor with them.
	Elements []int32 `json:"-"`
	Tensor   string  `json:"elements"`
}

// LegendLines are the lines from First on, one for each element of an input.
type LegendLines struct {
	Input string `json:"input"`
	First int    `json:"first"`
	Count int    `json:"count"`
}

// LegendLayer is a population. Its neurons spike of time step t at tick t + Tick. The host reads it at outputs from Output on, one for each
// element, in the same tick.
type LegendLayer struct {
	Dims   []int `json:"dims"`
	Tick   int   `json:"tick"`
	Output *int  `json:"output,omitempty"` // absent: it does not
}

// Spike comes in at an axon.
type Spike struct{ Tick, Core, Axon int32 }

// LineSpike comes in at a numbered input.
type LineSpike struct{ Tick, Line int32 }

// Record says what a trace prints.
type Record struct {
	From, To int     // ticks from From to below To
	Cores    []int32 // nil: all
	Places   []int32 // of neurons, in their order; nil: all that are used
	V        bool
	Spikes   bool
	Outputs  bool
	Totals   bool
}

// text is a File as JSON.
type text struct {
	Version    int              `json:"truenorth"`
	Ticks      int              `json:"ticks"`
	Seed       uint64           `json:"seed,omitempty"`
	Columns    int              `json:"columns,omitempty"`
	Rules      *textRules       `json:"rules,omitempty"`
	Layers     []string         `json:"layers,omitempty"`
	Parameters []textParameters `json:"parameters,omitempty"`
	Lines      [][][]int32      `json:"lines,omitempty"`
	Outputs    int              `json:"outputs,omitempty"`
	Cores      []textCore       `json:"cores,omitempty"`
	Packed     *textPacked      `json:"packed,omitempty"`
	Spikes     [][]int32        `json:"spikes,omitempty"`
	Inputs     [][]int32        `json:"inputs,omitempty"`
	Record     *textRecord      `json:"record,omitempty"`
	Legend     *Legend          `json:"legend,omitempty"`
}

type textRules struct {
	Spike         string `json:"spike,omitempty"`
	Negative      string `json:"negative,omitempty"`
	Order         string `json:"order,omitempty"`
	Draw          string `json:"draw,omitempty"`
	NegativeReset string `json:"negative_reset,omitempty"`
	Low           int32  `json:"low,omitempty"`
	High          int32  `json:"high,omitempty"`
}

type textParameters struct {
	Name    string  `json:"name,omitempty"`
	S       []int32 `json:"s,omitempty"`
	B       []int32 `json:"b,omitempty"`
	Lambda  int32   `json:"lambda,omitempty"`
	Epsilon int32   `json:"epsilon,omitempty"`
	C       int32   `json:"c,omitempty"`
	Alpha   int32   `json:"alpha"`
	TM      int32   `json:"tm,omitempty"`
	Beta    int32   `json:"beta,omitempty"`
	Kappa   int32   `json:"kappa,omitempty"`
	Gamma   int32   `json:"gamma,omitempty"`
	R       int32   `json:"r,omitempty"`
	Sigma   int32   `json:"sigma,omitempty"`
	VR      int32   `json:"vr,omitempty"`
	V       int32   `json:"v,omitempty"`
}

type textCore struct {
	Chip     int32         `json:"chip,omitempty"`
	X        int32         `json:"x,omitempty"`
	Y        int32         `json:"y,omitempty"`
	Types    []int32       `json:"types,omitempty"`
	Crossbar *textCrossbar `json:"crossbar,omitempty"`
	Neurons  []textNeuron  `json:"neurons,omitempty"`
}

type textCrossbar struct {
	Pairs  [][]int32 `json:"pairs,omitempty"`
	Base64 string    `json:"base64,omitempty"`
	Tensor string    `json:"tensor,omitempty"`
}

type textNeuron struct {
	At         int32   `json:"at,omitempty"`
	Count      int32   `json:"count,omitempty"`
	Parameters string  `json:"parameters,omitempty"`
	Layer      string  `json:"layer,omitempty"`
	To         *textTo `json:"to,omitempty"`
}

type textTo struct {
	Core   *int32 `json:"core,omitempty"`
	Axon   *int32 `json:"axon,omitempty"`
	Delay  *int32 `json:"delay,omitempty"`
	Output *int32 `json:"output,omitempty"`
}

type textPacked struct {
	Cores     string `json:"cores"`
	Types     string `json:"types"`
	Crossbars string `json:"crossbars"`
	Neurons   string `json:"neurons"`
	Lines     string `json:"lines,omitempty"`
	LineCount int32  `json:"line_count,omitempty"`
}

type textRecord struct {
	From    int     `json:"from,omitempty"`
	To      int     `json:"to,omitempty"`
	Cores   []int32 `json:"cores,omitempty"`
	Neurons []int32 `json:"neurons,omitempty"`
	V       *bool   `json:"v,omitempty"`
	Spikes  *bool   `json:"spikes,omitempty"`
	Outputs *bool   `json:"outputs,omitempty"`
	Totals  bool    `json:"totals,omitempty"`
}
