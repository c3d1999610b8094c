package diag

// Codes of text and grammar.
const (
	BadCharacter   Code = "SNN0101" // a character that the language has no use for
	BadNumber      Code = "SNN0102" // a number that does not begin and end with a digit, or that does not fit
	BadString      Code = "SNN0103" // a string without an end, or with an unknown escape
	BadText        Code = "SNN0104" // not UTF-8, or a byte order mark inside the text
	TooLarge       Code = "SNN0105" // a file, nesting or expression over its limit
	BadVersion     Code = "SNN0106" // `snn 1` is missing, or another version
	BadBracket     Code = "SNN0107" // a bracket that is not opened or not closed
	UnknownKeyword Code = "SNN0108" // a statement begins with an unknown word
	BadSyntax      Code = "SNN0109" // a token where another one is wanted
	ReservedName   Code = "SNN0110" // a reserved word where a name is wanted
)

// Codes of lowering.
const (
	LoweringFailed Code = "SNN0301" // a layer that cannot be turned into a graph
)

// Codes of what a run finds before its first step.
const (
	PluginFailed    Code = "SNN0401" // a plugin process cannot start, died, or gave nonsense
	PluginComplains Code = "SNN0402" // a plugin refuses its arguments
	NotInVersion    Code = "SNN0403" // the spec is right, but this version cannot run it
	DataFailed      Code = "SNN0404" // a data set is missing, torn or wrong
	StartFailed     Code = "SNN0405" // initial weights are missing, torn or those of another model
	PluginChanged   Code = "SNN0406" // a plugin is not the one that snnc.lock has
	PluginUnlocked  Code = "SNN0407" // a plugin that snnc.lock does not have, where it has to
)

// Codes of what targets say of networks.
const (
	BeyondLimit   Code = "SNN0501" // a layer that needs more of something than a target has
	NothingOnChip Code = "SNN0502" // a model of which a target takes nothing
)
