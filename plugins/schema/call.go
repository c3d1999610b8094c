package schema

// Network is what a model plugin is shown of a network: its graph as text. A coder or a model that fills a role is
// shown so too, one Network for each of its functions.
type Network struct {
	// Role is the attribute path of the role it fills; for a coder that and its direction ("coder.encode", at the data's field
	// `image`; "coder.decode", at what that gives), for a model that and an export ("tokens.encode").
	Role string `json:"role"`
	Kind string `json:"kind,omitempty"` // coder or model; "" for a network
	Name string `json:"name"`           // what the spec calls it
	// Graph is the canonical text of a module with the functions "train" and "eval". A network that works at any number of
	// time steps says so (free-steps); Steps is the number it runs at in the role, 0 where nothing is timed.
	Graph string `json:"graph"`
	Steps int    `json:"steps"`
}

// BuildRequest asks a model plugin for its Program.
type BuildRequest struct {
	Component string            `json:"component"`
	Arguments Arguments         `json:"arguments"`
	Networks  []Network         `json:"networks"`
	Fields    map[string]string `json:"fields"` // of the data: types as graph text, such as `f32[N 1 28 28]`
	// Classes says of a field that holds class numbers that they are below this.
	Classes map[string]int `json:"classes,omitempty"`
	// All says how many classes the data set has, of a field whose Classes are fewer since the spec chooses some of them.
	All map[string]int `json:"all,omitempty"`
	// Bounds says of a field of real numbers which is the least and which the greatest.
	Bounds map[string][2]float64 `json:"bounds,omitempty"`
}

// BuildReply is the answer: the text of the Program, or what is wrong with the arguments.
type BuildReply struct {
	Program    string      `json:"program,omitempty"`
	Complaints []Complaint `json:"complaints,omitempty"`
}

// SamplerRequest asks a model plugin for a sampler that has options: one whose Choice among the component's Samplers declares
// Params. It is asked for once for every action that names such a sampler, also where all its options are the defaults.
//
// The answer is a BuildReply. Its Program holds
//
//   - exactly one sampler, called Sampler, whose table and functions are those of the options;
//   - the functions that it runs and what these call, under names of their own choice;
//   - those roles of the Program that Build gives for the same request which these functions apply, unchanged: name, kind and
//     signature;
//   - those variables of that Program which they read, unchanged; and none else: a sampler brings no weights;
//   - no streams, stages or exports.
//
// The sample, the first output of the sampler's result, is an image, f32[N c h w]. The functions run on the weights of the
// trained model, on averaged ones where there are some; they apply roles in eval mode. Build's Program holds the samplers that
// have no options. It may hold others too: its first one, under whatever name and with options of the plugin's choice, draws the
// sheets while a training is at work.
//
// A complaint about an option has the path `sampler.OPTION`, one about the sampler as a whole `sampler`; any other path is that
// of an argument of the model, as in the answer to a BuildRequest.
type SamplerRequest struct {
	Build   BuildRequest `json:"build"` // as the Program was built, with the networks of the action where it replaces some
	Sampler string       `json:"sampler"`
	Options Arguments    `json:"options"` // complete with defaults
}

// CoderRequest asks a coder plugin whose component has no equations for its graph at an input of the given type: to encode one
// without time steps, to decode one with some. The answer, a BuildReply, holds the text of a module with the functions "train" and
// "eval".
type CoderRequest struct {
	Component string    `json:"component"`
	Arguments Arguments `json:"arguments"`
	Input     string    `json:"input"` // type as graph text
}

// TargetRequest asks a target whether circuits fit the chip.
type TargetRequest struct {
	Component string    `json:"component"`
	Arguments Arguments `json:"arguments"`
	Circuits  []Circuit `json:"circuits"` // what the host would put on the chip, with the dims of their tensors only
}

// TargetReply says how circuits lie on a chip, or what is wrong with the arguments.
type TargetReply struct {
	Fits   bool        `json:"fits"`
	Used   []Amount    `json:"used,omitempty"`
	Layers []Placement `json:"layers,omitempty"`
	Notes  []string    `json:"notes,omitempty"`
	// Grids are how the target rounds weights: one without a layer, and those of layers that differ.
	Grids      []Grid      `json:"grids,omitempty"`
	Complaints []Complaint `json:"complaints,omitempty"`
}

// Amount is how much of a limited thing is used.
type Amount struct {
	Name  string  `json:"name"` // cores, neurons, synapse words, fan-in ...
	Used  float64 `json:"used"`
	Limit float64 `json:"limit,omitempty"` // 0: no limit
	// Assumed is set where Used hangs on what examples will show, such as rates, and nobody has measured it yet (Population.Measured).
	Assumed bool `json:"assumed,omitempty"`
}

// Placement is how one layer of a network lies on the chip.
type Placement struct {
	Network string   `json:"network"`        // its name; of a circuit its Network, or its Name
	Layer   string   `json:"layer"`          // structural name, such as "2.conv": that of a population; "" for all of it
	Host    bool     `json:"host,omitempty"` // it is no work for the chip: with a Problem a population that the host is to keep
	Used    []Amount `json:"used,omitempty"`
	Problem string   `json:"problem,omitempty"` // why it does not fit; "" where it does: which of Used, or of TargetReply.Used, is over its limit
	Change  string   `json:"change,omitempty"`  // the smallest change that would make it fit
}
