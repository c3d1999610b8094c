package diag

// Codes of the checker.
const (
	UnknownName   Code = "SNN0201" // a name that nothing defines
	DuplicateName Code = "SNN0202" // a second definition, parameter or setting of one name
	WrongKind     Code = "SNN0203" // a name of another kind than is wanted here
	Recursive     Code = "SNN0204" // a definition that leads back to itself
	BadChange     Code = "SNN0205" // a preset or `--set` that changes nothing there is
	UnknownPlugin Code = "SNN0206" // a plugin that is not there
	PluginVersion Code = "SNN0207" // a range of versions that means nothing, or that a plugin is not in
	BadImport     Code = "SNN0208" // a file that cannot be imported, or that imports itself

	BadArguments  Code = "SNN0210" // arguments that are unknown, missing, too many or given twice
	BadType       Code = "SNN0211" // a value of another type than is wanted
	OutOfRange    Code = "SNN0212" // a value outside its range
	BadArithmetic Code = "SNN0213" // a computation without a result: overflow, division by zero, index past the end
	UnknownChoice Code = "SNN0214" // a name that is not among the choices of a parameter

	BadEquation Code = "SNN0220" // a line of a neuron or coder that says nothing
	BadCoder    Code = "SNN0221" // a coder that cannot do what it is used for

	MissingUnit  Code = "SNN0231" // a time without a unit
	WrongUnit    Code = "SNN0232" // a unit that measures something else
	NoStepLength Code = "SNN0233" // seconds where the spec does not say how long a step is

	ShapeMismatch Code = "SNN0240" // shapes that do not fit
	WrongWire     Code = "SNN0241" // a wire of another kind than is wanted
	StepsDisagree Code = "SNN0242" // two numbers of time steps where one is wanted, or none
	NotPure       Code = "SNN0243" // a wire of a pure network that carries other than spikes

	BadBody     Code = "SNN0250" // a body without its one return, or with a flow that leads nowhere
	BadStack    Code = "SNN0251" // a pop from an empty stack, or a stack that is not emptied
	TooMuchWork Code = "SNN0252" // unrolling would take too many layers or steps

	BadModel  Code = "SNN0260" // a role or loss of a model that does not fit
	BadAction Code = "SNN0261" // an action out of order, or settings that exclude each other

	PluginText Code = "SNN0270" // a text that a plugin describes itself with does not hold

	// Of what is allowed and hardly meant: warnings.
	Unused           Code = "SNN0290" // a definition, parameter, state or wire that nothing reads
	UnlikelyArgument Code = "SNN0291" // an argument by position that is read as another than it looks like
	NoEffect         Code = "SNN0292" // a layer that changes nothing

	BadProbability Code = "SNN0293" // data beyond 0..1 where a coder draws spikes with them as probabilities
	NarrowResult   Code = "SNN0294" // a network of images whose last layer cannot reach the range of the data
	NoDerivative   Code = "SNN0295" // a neuron through which nothing is trained: its spike has no derivative
)
